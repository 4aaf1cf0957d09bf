package tail

import "time"

// arrivals remembers when the bytes that are not sealed were read, roughly: a byte is never taken
// to be younger than it is.
type arrivals struct {
	marks []arrival
}

// arrival says that what follows off was read at or after at.
type arrival struct {
	off int64
	at  time.Time
}

// arrivalsMax bounds how many times are told apart within one batch.
const arrivalsMax = 16

// add notes that bytes from off on were read at the time at; maxAge is how old they may become.
func (a *arrivals) add(off int64, at time.Time, maxAge time.Duration) {
	if n := len(a.marks); n > 0 && at.Sub(a.marks[n-1].at) < maxAge/arrivalsMax {
		return
	}
	a.marks = append(a.marks, arrival{off, at})
}

// sealed forgets what is before off.
func (a *arrivals) sealed(off int64) {
	i := 0
	for i+1 < len(a.marks) && a.marks[i+1].off <= off {
		i++
	}
	a.marks = append(a.marks[:0], a.marks[i:]...)
}

// oldest is when the first byte at or after off was read, given that there is one.
func (a *arrivals) oldest() time.Time {
	if len(a.marks) == 0 {
		return time.Time{}
	}
	return a.marks[0].at
}

func (a *arrivals) reset() { a.marks = nil }
