package tail

import (
	"regexp"
	"time"

	"logseal/ingest/files"
)

// A file whose path is no longer the one that is written ends as it is once nobody has written to it for
// close_wait: its last line is taken for a record though no newline ends it. Should it go on after all, what
// comes up to the next newline is a reject.

// unendedAt is how far a file was read, and when it was renamed.
type unendedAt struct {
	taken   int64
	renamed time.Time
}

// mayEnd tells whether the last line of a file is not ended, as far as it is known. Tail.mu is held.
func (f *followed) mayEnd() bool { return f.view.unended || f.rested.unended(f.stat) }

// unended tells whether a file that is this long had more when it rested than is sealed of it.
func (r *restedAs) unended(stat files.Stat) bool { return r != nil && stat.Size > r.sealed }

// endsAt is when the last line of a file is taken for all of it, if its path is not the one that is written:
// who was told to write elsewhere may still have some of it. Tail.mu is held.
func (u *follower) endsAt(f *followed) time.Time {
	quiet := u.lastWrite(f)
	if f.renamedAt.After(quiet) {
		quiet = f.renamedAt
	}
	return quiet.Add(u.config.set().CloseWait)
}

// endUnasked tells whether it is still to be found out whether the last line of a file goes on. Both locks are
// held.
func (f *followed) endUnasked() bool {
	taken := f.live.Taken()
	return !f.cut && !f.hollow && f.tried == taken && taken > f.w.Src.Sealed.Offset &&
		f.endAsked != unendedAt{taken, f.renamedAt}
}

// cutEnded seals all that is there of a file when that is all that is to come, and its last line is not ended.
// It asks once each time that the file was written to or renamed. f.mu is held.
func (u *follower) cutEnded(f *followed) (bool, error) {
	taken := f.live.Taken()
	u.mu.Lock()
	asks := f.there && f.endUnasked() && !time.Now().Before(u.endsAt(f))
	now := unendedAt{taken, f.renamedAt}
	u.mu.Unlock()
	if !asks || u.uploader.isWaiting(f.w) {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil || stat.Size != taken {
		return false, err // if it is longer the next look finds it
	}
	f.endAsked = now
	if now.renamed.IsZero() && !u.hasSuccessor(f, f.pathBefore()) && !u.hasSuccessor(f, unnumbered(f.live.Path())) {
		return false, nil
	}
	more, err := u.cutAsEnded(f, taken)
	if err != nil {
		f.endAsked = unendedAt{}
	}
	return more, err
}

// pathBefore is where the file was when its source was sealed last, empty when that was another file. f.mu is
// held.
func (f *followed) pathBefore() string {
	if s := f.w.Src; s.File.Dev == f.id.dev && s.File.Inode == f.id.inode {
		return s.Path
	}
	return ""
}

// hasSuccessor tells whether there is another file at a path that a file had, or has its name from.
func (u *follower) hasSuccessor(f *followed, path string) bool {
	if path == "" || path == f.live.Path() {
		return false
	}
	stat, err := u.FS.Stat(path)
	return err == nil && fileIDOf(f.stream(), path, stat) != f.id
}

// number is how rotation marks a name: app.log.1, app.log-20240115, app.log.2024-01-15.
var number = regexp.MustCompile(`[.-][0-9][0-9.-]*$`)

// unnumbered is the path that a rotated file had, by its name; empty for none.
func unnumbered(path string) string {
	at := number.FindStringIndex(path)
	if at == nil {
		return ""
	}
	return path[:at[0]]
}

// cutAsEnded seals up to an end as if the file ended there. f.mu is held.
func (u *follower) cutAsEnded(f *followed, end int64) (bool, error) {
	ctx, done := u.mayInterrupt(f)
	defer done()
	endTurn, err := u.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	f.w.Encoded = endTurn
	more, err := u.withView(f, end, true, func() (bool, error) { return f.w.Cut(ctx) })
	if err != nil || !more {
		return false, err
	}
	f.joining = joining{}
	return true, u.resume(f)
}
