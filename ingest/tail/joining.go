package tail

import "time"

// joining is a record of several lines at the end of a file whose last part has not come.
type joining struct {
	from  int64 // where it begins: the sealed offset
	end   int64 // where the lines end that are there of it; 0 for none
	since time.Time
}

// joinWait is how long such a record waits for its last part. Who writes the parts writes them at
// once; what is left after so long belongs to a writer that died.
const joinWait = time.Minute

// over tells whether it has waited long enough.
func (j joining) over(now time.Time) bool {
	return j.end > 0 && !now.Before(j.since.Add(joinWait))
}

// noteJoining keeps since when the record at the sealed offset has been open. f.mu is held.
func (u *follower) noteJoining(f *followed) {
	at, end := f.w.Src.Sealed.Offset, f.w.OpenRecord
	switch {
	case end <= at:
		f.joining = joining{}
	case f.joining.end == 0 || f.joining.from != at:
		f.joining = joining{at, end, time.Now()}
	default:
		f.joining.end = end
	}
}

// endJoining seals a record that has waited long enough as far as it is there: that ends its range.
// f.mu is held.
func (u *follower) endJoining(f *followed) (bool, error) {
	if !f.joining.over(time.Now()) {
		return false, nil
	}
	return u.cutAsEnded(f, f.joining.end)
}
