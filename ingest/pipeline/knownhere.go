package pipeline

import (
	"context"
	"time"

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
func (t *Tail) askAbout(f *followed, c *claim) error {
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

func (t *Tail) askFor(ctx context.Context, f *followed, c *claim) error {
	learn := t.learn
	if t.isAtRest(f) {
		learn = t.learnAtRest
	}
	if err := learn(ctx, c.family); err != nil {
		return err
	}
	all, _, err := t.candidates(c.family)
	if err != nil {
		return err
	}
	_, _, err = t.narrow(ctx, c.family, c.file, all)
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
func (t *Tail) sameInode(f *followed, c *claim, all []*candidate) (*candidate, error) {
	if t.Rehash || f.id.inode == 0 || c.file.Compressed() {
		return nil, nil
	}
	for _, e := range all {
		if e.src == nil || e.src.Marker == (source.Digest{}) || e.src.File.Dev != f.id.dev ||
			e.src.File.Inode != f.id.inode || e.src.Sealed.Offset > c.file.Stat().Size {
			continue
		}
		if o := t.owner(e.Key); o != nil && o != f {
			continue
		}
		marker, err := c.file.Marker(e.src.Sealed.Offset)
		if err != nil {
			return nil, err
		}
		if marker == e.src.Marker {
			return e, nil
		}
	}
	return nil, nil
}
