package pipeline

import (
	"context"
	"slices"
	"time"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// knownHere gathers the evidence of all sources with a head, in the order of their k: of the ledger,
// of files that nothing was sealed of yet and, while it can be reached, of the sink. What the sink
// knows and did not say is found when the source's first batch ships.
func (t *Tail) knownHere(c *claim) (all []*evidence, freeK uint64, err error) {
	table := c.stream.Table()
	for k := uint64(0); ; k++ {
		e, err := t.knownK(c, keyOf(table, c.origin, k, c.head), k)
		if err != nil {
			return nil, 0, err
		}
		if e == nil {
			freeK = k
			break
		}
		all = append(all, e)
	}
	// Above a k that came free there may be more.
	above := map[source.Key]uint64{}
	for _, x := range t.unsent.all() {
		above[x.key] = x.k
	}
	t.mu.Lock()
	for key, o := range t.owners {
		above[key] = o.view.k
	}
	t.mu.Unlock()
	var ks []uint64
	for key, k := range above {
		if k > freeK && key == keyOf(table, c.origin, k, c.head) {
			ks = append(ks, k)
		}
	}
	slices.Sort(ks)
	for _, k := range ks {
		e, err := t.knownK(c, keyOf(table, c.origin, k, c.head), k)
		if err != nil {
			return nil, 0, err
		}
		if e != nil {
			all = append(all, e)
		}
	}
	return all, freeK, nil
}

func (t *Tail) knownK(c *claim, key source.Key, k uint64) (*evidence, error) {
	e, err := t.knownInLedger(key, k)
	if e != nil || err != nil {
		return e, err
	}
	if t.owner(key) != nil {
		origin := source.Origin()
		return &evidence{key: key, k: k, lastStart: -1,
			ends: []offsets.End{{Offset: 0, Chain: origin.Chain}}}, nil
	}
	return t.askSink(key, k)
}

const (
	// askMax is how long a sink that does not answer holds up telling who a file is.
	askMax = 5 * time.Second
	// askPause is how long it is then not asked again.
	askPause = 30 * time.Second
)

// askSink asks the sink for a source, unless it could not be reached just now.
func (t *Tail) askSink(key source.Key, k uint64) (*evidence, error) {
	select {
	case <-t.opened:
	default:
		return nil, nil
	}
	if time.Now().UnixNano() < t.sinkOff.Load() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(t.ctx, askMax)
	defer cancel()
	e, err := t.knownInBucket(ctx, key, k)
	if err != nil && t.ctx.Err() == nil && mayPass(err) {
		t.sinkOff.Store(time.Now().Add(askPause).UnixNano())
		t.Log.Warn("the sink does not answer: files are told apart by the ledger alone", "error", err)
		return nil, nil
	}
	return e, err
}

// sameInode finds the source that was last read from this very file, when the bytes before its
// sealed offset are as they were: what is proved is not proved again.
func (t *Tail) sameInode(f *followed, c *claim, all []*evidence) (*evidence, error) {
	if t.Rehash || f.id.inode == 0 || c.file.Compressed() {
		return nil, nil
	}
	for _, e := range all {
		if e.src == nil || e.src.Marker == (source.Digest{}) || e.src.File.Dev != f.id.dev ||
			e.src.File.Inode != f.id.inode || e.src.Sealed.Offset > c.file.Stat().Size {
			continue
		}
		if o := t.owner(e.key); o != nil && o != f {
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
