package tail

import (
	"errors"

	"logseal/ingest/commit"
	"logseal/ingest/files"
)

// learnLine is that of a file that is followed, as soon as its owner goes on at another offset: what is
// in memory may soon be all that is left of it. f.mu is held.
func (u *follower) learnLine(f *followed) error {
	at := f.w.Src.Sealed.Offset
	if f.w.Src.Sealed.Line != commit.UnknownLine || f.cut && f.live.Taken() <= at {
		return nil
	}
	_, err := u.withView(f, at, false, func() (bool, error) { return false, f.w.LearnLine(u.ctx) })
	if f.cut || !errors.As(err, new(*files.ShrunkError)) {
		return err
	}
	u.truncated(f)
	return nil
}
