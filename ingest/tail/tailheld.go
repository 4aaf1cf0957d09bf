package tail

import (
	"logseal/ingest/commit"
	"logseal/ingest/source"
)

// onHeld has the files read again that were put away as a source of which batches are held: one of them
// may have these bytes.
func (t *Tail) onHeld(key source.Key) {
	t.readAgain(key)
	t.noteHeld()
}

// releaseHeldOf removes the held batches whose bytes turned out to be in a source that begins like this one.
func (t *Tail) releaseHeldOf(key source.Key) {
	if !t.notices.keeps(commit.HeldPath) {
		return
	}
	f, release := t.Families.UseOf(key)
	defer release()
	if f == nil {
		return
	}
	some, err := t.ReleaseHeld(f)
	if err != nil && t.ctx.Err() == nil {
		t.Log.Warn("held batches could not be looked through", "error", err)
	}
	if some {
		t.noteHeld()
	}
}

// noteHeld keeps what is held among the problems.
func (t *Tail) noteHeld() {
	held, err := t.HeldProblem()
	if err != nil {
		t.Log.Warn("held batches cannot be listed", "error", err)
		return
	}
	t.notices.keep(commit.HeldPath, held)
}
