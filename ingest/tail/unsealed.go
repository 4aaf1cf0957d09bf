package tail

import (
	"math"
	"time"
)

// unsealed remembers since when a file has had bytes that are not sealed, read or not. A byte is never
// taken to be older than the look that saw it first.
type unsealed struct {
	since time.Time // zero for none
	to    int64     // how long the file was then
}

// see notes how long a file is at a look and how far it is sealed.
func (u *unsealed) see(size, sealed int64, now time.Time) {
	switch {
	case sealed >= size:
		*u = unsealed{}
	case u.since.IsZero() || sealed >= u.to:
		*u = unsealed{now, size}
	}
}

// noteUnsealed notes since when a file waits to be sealed. Nothing waits of a file that is left unread by
// rule, and nothing at its end before its last line is whole. Tail.mu is held.
func (a *accounts) noteUnsealed(f *followed) {
	v, size := &f.view, f.stat.Size
	if v.noText || v.standing == isCopy || v.standing == isUndecided || v.standing == isRead {
		f.unsealed = unsealed{}
		return
	}
	if f.cut || !f.there {
		size = v.taken
	}
	if v.unended && (v.standing == isNew || size <= v.taken) {
		size = v.sealed
	}
	if v.compressed && size > 0 {
		size = math.MaxInt64 // its size says nothing; it waits until it is read to its end
	}
	f.unsealed.see(size, v.sealed, time.Now())
}
