package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/follow"
	"logseal/ingest/source"
)

// fileID is what makes a file the same one through renames: hard links, second mounts and symbolic
// links are one file. What has no inode has no second name.
type fileID struct {
	stream     string // its table
	dev, inode uint64
	path       string
}

func fileIDOf(s *tailStream, path string, stat files.Stat) fileID {
	if stat.Inode == 0 {
		return fileID{stream: s.Table().String(), path: path}
	}
	return fileID{stream: s.Table().String(), dev: stat.Dev, inode: stat.Inode}
}

// standing is what a followed file is to the tail.
type standing string

const (
	isNew        standing = "waiting"    // it holds nothing yet that tells who it is
	isOwner      standing = "live"       // its source is read from it
	isCopy       standing = "copy"       // it says nothing else than the owner of a source
	isUndecided  standing = "undecided"  // it ends before what is committed of a source
	isStopped    standing = "stopped"    // something wants a look before it goes on
	isUnreadable standing = "unreadable" // it cannot be opened
	isRead       standing = "read"       // a compressed file, read to its end
)

// followed is one incarnation of a file: what an inode holds until it is truncated.
type followed struct {
	id fileID
	of *streamRef

	// Guarded by Tail.mu.
	path      string                  // where it was last seen
	stat      files.Stat              // as of the last look
	shrunk    bool                    // a look found it shorter than the one before
	most      int64                   // the largest size that a look saw of this incarnation
	measured  time.Time               // when its first bytes were read: a look that began before may have seen another
	seen      int64                   // the look that found it last
	interrupt context.CancelCauseFunc // ends a cut that is under way; nil for none
	waited    int                     // how many lanes wait for the file
	wanted    bool                    // it is to be read though it was read before
	renamedAt time.Time               // when a look found it at another path than before
	there     bool                    // the last look found it
	goneAt    time.Time               // since when it is not there
	moved     time.Time               // when a look last found that it had changed
	asked     time.Time               // when the sink was last asked about it, while it was left unread
	busy      bool                    // a goroutine attends to it
	again     bool                    // and is to look at it once more
	due       time.Time               // when it wants to be attended to, if nothing else happens before
	squeezed  bool                    // it is to be sealed because memory is short
	stale     bool                    // the source that it is read as gave its id up
	noted     int64                   // how long the ledger knows it to be
	group     *headGroup              // of its head; nil before that is known
	view      fileView                // what a status shows
	unsealed  unsealed                // since when it waits to be sealed
	turn      fileTurn
	rested    *restedAs // what it was before it rested; nil since it was told again who it is
	// movedAtRest says that it was renamed while it rests, and the ledger does not know it yet.
	movedAtRest bool

	// Changed by whoever holds both locks, so that either is enough to read it: who works on the file goes
	// by it, and so does a lane, which knows the file by the table alone.
	final bool // it can no longer grow

	mu commit.Turn // guards what follows: whoever works on the file holds it

	live     *follow.File
	w        *commit.Writer // nil until it is an owner
	dropped  bool           // nobody is to attend to it any more
	missed   bool           // it was not at its path when it was to be opened
	direct   bool           // what is there of it is sealed straight from the file
	cut      bool           // it was truncated: only what is held is left of it
	hollow   bool           // and that does not go on where it is sealed
	first    int64          // how long it was when its stream's files were first found; 0: not among them
	size     int64          // of the file, as it was found last
	lastSize int64          // the largest size that was seen of it
	arrived  arrivals       // when the bytes that are not sealed were read
	from     int64          // from where on what was read is in memory
	at       source.Point   // of the source: up to where the file is known to be what is sealed of it
	joining  joining        // its last record, when that lacks its last part
	tried    int64          // nothing could be sealed of it when it was read up to here, -1 none
	endAsked unendedAt      // when it was last asked whether its last line goes on
	left     int64          // nothing could be sealed of it when it was this long, so it was not kept; 0 none
	short    time.Time      // since when what is there is not read for want of memory
	owes     *missingSource // what was missing of its source when it became the owner; nil for nothing
	heldNow  int64          // its part of Tail.held
	against  heldAgainst
	cannot   tooShort
}

// newFollowed is a file that nobody has opened yet.
func newFollowed(of *streamRef, id fileID, x files.Found) *followed {
	return &followed{id: id, of: of, path: x.Path, stat: x.Stat, most: x.Stat.Size, there: true,
		view: fileView{standing: isNew}, mu: commit.NewTurn(), tried: -1}
}

// stream is how the file is followed and read now.
func (f *followed) stream() *tailStream { return f.of.Load() }

// fileView is what the director and a status know of a file that somebody works on.
type fileView struct {
	standing standing
	key      source.Key
	k        uint64
	marks    []source.Mark // early ones of an owner
	serial   uint64        // of the source, 0 before anything of it is sealed
	about    source.Key    // of a copy, an undecided file or one that is put away: of which source
	taken    int64
	sealed   int64
	oldest   time.Time // when the first byte that is not sealed was read
	held     int64
	// unended says that what was read and is not sealed is less than a record.
	unended    bool
	noText     bool // what it holds is no log
	compressed bool
	bound      bool         // what it holds can neither be sealed nor let go of now
	reach      int64        // of a file that is put away: how far it holds its source
	left       int64        // so far nothing of it need be read while memory is short
	live       *follow.File // of an owner
	head       []byte
	size       int64 // as far as the live file goes
}

// hadMore tells whether the file is known to have held more than what was read of it, so that a half
// line at the end of that is no last line. f.mu is held.
func (f *followed) hadMore() bool { return f.cut && f.lastSize > f.live.Taken() }

// closeFile closes a file, if it is open, and forgets what was read of it. f.mu is held.
func (m *memory) closeFile(f *followed) {
	if f.live == nil {
		return
	}
	m.closeHandle(f)
	f.live = nil
	m.held.Add(-f.heldNow)
	f.heldNow = 0
}

// closeHandle closes a file and keeps what was read of it. f.mu is held.
func (m *memory) closeHandle(f *followed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !f.turn.opened.IsZero() {
		f.live.Close()
		m.scheduler.giveDescriptor(f)
	}
}

// allFiles lists the files in the table and those that have left it. Tail.mu is held.
func (t *Tail) allFiles() []*followed {
	all := make([]*followed, 0, len(t.table)+len(t.ended))
	for _, f := range t.table {
		all = append(all, f)
	}
	for f := range t.ended {
		all = append(all, f)
	}
	return all
}

// kick has a file attended to, at once or once more. Tail.mu is held.
func (s *scheduler) kick(f *followed) {
	s.dueBy(f, time.Time{})
	if f.busy {
		f.again = true
		return
	}
	f.busy = true
	s.busy++
	s.wg.Go(func() { s.attend(f) })
}

// attend does what there is to do about a file, until nothing is left.
func (s *scheduler) attend(f *followed) {
	for {
		if s.onlyEndsTurn(f) {
			// It could not be gone on with, and that is not tried again yet.
		} else if err := s.follower.step(f); err != nil {
			s.fault(f, err)
		} else {
			s.board.pulse.settled(f)
			s.board.notices.clear(s.pathOf(f), commit.Failed)
		}
		if err := s.endTurn(f); err != nil {
			s.fault(f, err)
		}
		s.mu.Lock()
		if s.ctx.Err() != nil || !f.again {
			f.busy, f.again = false, false
			s.busy--
			if now := time.Now(); !f.due.IsZero() && !f.due.After(now) {
				s.dueBy(f, now.Add(s.config.set().PollInterval)) // something holds it up
			}
			s.mu.Unlock()
			s.nudge()
			return
		}
		f.again = false
		s.mu.Unlock()
	}
}

// fault decides what an error about one file means: what is of that file alone is a problem, and
// the others go on.
func (s *scheduler) fault(f *followed, err error) {
	path := s.pathOf(f)
	var stopped *commit.StopError
	switch err = commit.AsFault(path, err); {
	case s.ctx.Err() != nil:
	case errors.Is(err, commit.ErrSettleAgain):
		s.active.forget(f)
		s.mu.Lock()
		f.again = true
		s.mu.Unlock()
	case errors.Is(err, commit.ErrAgain), errors.Is(err, context.Canceled):
		s.mu.Lock()
		s.dueBy(f, time.Now().Add(s.config.set().PollInterval))
		s.mu.Unlock()
	case errors.As(err, &stopped):
		s.board.pulse.settled(f)
		if stopped.Kind == commit.Undecided && s.active.giveBack(f, stopped.Problem) {
			return
		}
		s.memory.holdNothing(f)
		s.stopFile(f, stopped.Problem)
	case fatal(err):
		s.failed(err)
	default:
		s.board.pulse.miss(f, err)
		s.stopFile(f, commit.Problem{Kind: commit.Failed, Path: path, Message: fmt.Sprintf("%v; it is tried again", err)})
	}
}

func (t *Tail) pathOf(f *followed) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.path
}

// stopFile leaves a file until it changes, or for a while.
func (s *scheduler) stopFile(f *followed, p commit.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p.Kind {
	case commit.Unreadable:
		f.view.standing = isUnreadable
	case commit.Undecided:
		f.view.standing = isUndecided
	default:
		f.view.standing = isStopped
	}
	wait := stoppedWait
	switch p.Kind {
	case commit.Halted:
		wait = haltedWait
	case commit.Unsupported:
		wait = unreadWait
	}
	f.view.noText = p.Kind == commit.Unsupported
	s.dueBy(f, time.Now().Add(wait))
	s.board.notices.raise(p)
}

// holdNothing forgets what was read of a file that cannot be gone on with: others need the memory.
func (m *memory) holdNothing(f *followed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w == nil || f.cut || f.live == nil || f.live.Compressed() {
		return
	}
	if err := m.forgetHeld(f); err != nil {
		return // it is looked at again
	}
}

// stoppedWait is how long a file that could not be gone on with is left alone.
const stoppedWait = 10 * time.Second

// haltedWait is how long one rests whose batch has too many rejects: only a reload helps, and to find
// them again takes all the work of sealing.
const haltedWait = 10 * time.Minute

// forget makes a file one of which nobody knows who it is: the ledger has forgotten its source.
func (a *activeFiles) forget(f *followed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owes = nil
	a.disown(f)
}

// tooShort is how long a file was that has no record end up to where it differs from others.
type tooShort struct {
	size, reach int64
}

// giveBack frees the ordinal of a file of which nothing was sealed and nothing can be yet: others may
// wait for it. The file is told apart anew when it has more.
func (a *activeFiles) giveBack(f *followed, p commit.Problem) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w == nil || f.w.Src.Serial != 0 || f.cut {
		return false
	}
	a.mu.Lock()
	if moves := time.Since(f.moved) < unreadWait; moves && !f.final {
		a.scheduler.dueBy(f, time.Now().Add(a.config.set().PollInterval)) // what is missing may be on its way
		a.mu.Unlock()
		return true
	}
	a.mu.Unlock()
	w := f.w
	f.cannot = tooShort{f.size, w.Reach}
	a.disown(f)
	a.unhold(f)
	a.mu.Lock()
	f.view.standing, f.view.about = isUndecided, source.KeyOf(w.Key.Table, w.Key.Origin, 0, w.Head)
	a.scheduler.dueBy(f, time.Now().Add(unreadWait))
	if time.Since(f.moved) >= a.config.set().CloseWait {
		a.board.notices.raise(p)
	}
	a.mu.Unlock()
	a.uploader.wakeWaiters(w.Key)
	return true
}

// disown ends a file's being the owner of a source. f.mu is held.
func (a *activeFiles) disown(f *followed) {
	if f.w == nil {
		return
	}
	a.mu.Lock()
	if a.owners[f.w.Key] == f {
		delete(a.owners, f.w.Key)
	}
	if l := a.uploader.lanes[f.w.Key]; l != nil && !l.busy && !l.resting {
		delete(a.uploader.lanes, f.w.Key)
	}
	a.losses.stillOwes(f, f.w.Key)
	f.view.standing, f.view.key, f.view.k, f.view.serial = isNew, source.Key{}, 0, 0
	a.mu.Unlock()
	f.w, f.tried = nil, -1
}
