package tail

import (
	"context"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
)

const (
	// askMax is how long a sink that does not answer holds up telling who a file is.
	askMax = 5 * time.Second
	// askPause is how long it is then not asked again.
	askPause = 30 * time.Second
)

// askAbout asks the sink for what it has that the file may be, unless it could not be reached just
// now. Then the ledger alone decides; what the sink knows and did not say is found when the source's
// first batch ships. It waits for the sink, so the caller holds no lock.
func (t *Tail) askAbout(f *followed, c *commit.Claim) error {
	select {
	case <-t.opened:
	default:
		return nil
	}
	if time.Now().UnixNano() < t.sinkOff.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(t.ctx, askMax)
	defer cancel()
	err := t.askFor(ctx, f, c)
	if err != nil && t.ctx.Err() == nil && mayPass(err) {
		t.sinkOff.Store(time.Now().Add(askPause).UnixNano())
		t.Log.Warn("sink call failed, files are identified by the ledger alone", "error", err)
		return nil
	}
	return err
}

func (t *Tail) askFor(ctx context.Context, f *followed, c *commit.Claim) error {
	learn := t.Learn
	if t.isAtRest(f) {
		learn = t.LearnAtRest
	}
	if err := learn(ctx, c.Family); err != nil {
		return err
	}
	all, _, err := t.Candidates(c.Family)
	if err != nil {
		return err
	}
	_, _, err = t.Narrow(ctx, c.Family, c.File, all)
	return err
}

// isAtRest reports whether a file was told apart already and has not changed since.
func (t *Tail) isAtRest(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.view.standing != isCopy && f.view.standing != isUndecided {
		return false
	}
	rests := f.moved.Before(f.asked)
	f.asked = time.Now()
	return rests
}

// sameInode finds the source that was last read from this very file, when the bytes before its
// sealed offset are as they were: what is proved is not proved again.
func (t *Tail) sameInode(f *followed, c *commit.Claim, all []*commit.Candidate) (*commit.Candidate, error) {
	if t.Rehash || f.id.inode == 0 || c.File.Compressed() {
		return nil, nil
	}
	for _, e := range all {
		if e.Src == nil || e.Src.Marker == (source.Digest{}) || e.Src.File.Dev != f.id.dev ||
			e.Src.File.Inode != f.id.inode || e.Src.Sealed.Offset > c.File.Stat().Size {
			continue
		}
		if o := t.owner(e.Key); o != nil && o != f {
			continue
		}
		marker, err := c.File.Marker(e.Src.Sealed.Offset)
		if err != nil {
			return nil, err
		}
		if marker == e.Src.Marker {
			return e, nil
		}
	}
	return nil, nil
}
