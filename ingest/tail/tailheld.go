package tail

import (
	"logseal/ingest/commit"
	"logseal/ingest/source"
)

// onHeld has the files read again that were put away as a source of which batches are held: one of them
// may have these bytes.
func (u *uploader) onHeld(key source.Key) {
	u.shelf.readAgain(key)
	u.noteHeld()
}

// releaseHeldOf removes the held batches whose bytes turned out to be in a source that begins like this one.
func (u *uploader) releaseHeldOf(key source.Key) {
	if !u.board.notices.keeps(commit.HeldPath) {
		return
	}
	f, release := u.Families.UseOf(key)
	defer release()
	if f == nil {
		return
	}
	some, err := u.ReleaseHeld(f)
	if err != nil && u.ctx.Err() == nil {
		u.Log.Warn("held batches could not be looked through", "error", err)
	}
	if some {
		u.noteHeld()
	}
}

// noteHeld keeps what is held among the problems.
func (u *uploader) noteHeld() {
	held, err := u.HeldProblem()
	if err != nil {
		u.Log.Warn("held batches cannot be listed", "error", err)
		return
	}
	u.board.notices.keep(commit.HeldPath, held)
}
