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
func (r *resolver) askAbout(f *followed, c *commit.Claim) error {
	select {
	case <-r.uploader.opened:
	default:
		return nil
	}
	if time.Now().UnixNano() < r.sinkOff.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.ctx, askMax)
	defer cancel()
	err := r.askFor(ctx, f, c)
	if err != nil && r.ctx.Err() == nil && mayPass(err) {
		r.sinkOff.Store(time.Now().Add(askPause).UnixNano())
		r.Log.Warn("sink call failed, files are identified by the ledger alone", "error", err)
		return nil
	}
	return err
}

func (r *resolver) askFor(ctx context.Context, f *followed, c *commit.Claim) error {
	learn := r.Learn
	if r.isAtRest(f) {
		learn = r.LearnAtRest
	}
	if err := learn(ctx, c.Family); err != nil {
		return err
	}
	all, _, err := r.Candidates(c.Family)
	if err != nil {
		return err
	}
	_, _, err = r.Narrow(ctx, c.Family, c.File, all)
	return err
}

// isAtRest reports whether a file was told apart already and has not changed since.
func (r *resolver) isAtRest(f *followed) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.view.standing != isCopy && f.view.standing != isUndecided {
		return false
	}
	rests := f.moved.Before(f.asked)
	f.asked = time.Now()
	return rests
}

// sameInode finds the source that was last read from this very file, when the bytes before its
// sealed offset are as they were: what is proved is not proved again.
func (r *resolver) sameInode(f *followed, c *commit.Claim, all []*commit.Candidate) (*commit.Candidate, error) {
	if r.Rehash || f.id.inode == 0 || c.File.Compressed() {
		return nil, nil
	}
	for _, e := range all {
		if e.Src == nil || e.Src.Marker == (source.Digest{}) || e.Src.File.Dev != f.id.dev ||
			e.Src.File.Inode != f.id.inode || e.Src.Sealed.Offset > c.File.Stat().Size {
			continue
		}
		if o := r.owner(e.Key); o != nil && o != f {
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
