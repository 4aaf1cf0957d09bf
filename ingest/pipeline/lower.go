package pipeline

import (
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// lowerMax bounds the lower sources that the ledger keeps beside a source.
const lowerMax = 64

// lowerIDs names the sources with the k below one, if the ledger has them all and what it knows of
// their bytes refutes the file: then it needs no file to learn, once those are shipped, that their
// manifests can never be the file's.
func lowerIDs(lower []*evidence, marks map[int64]source.Point, length int64) []source.ID {
	var ids []source.ID
	for _, e := range lower {
		if e.src == nil || e.judge(marks, length) != refuted || len(lower) > lowerMax {
			return nil
		}
		ids = append(ids, e.key.ID)
	}
	return ids
}

// needsFile tells whether a source's first batch may have to be held against its file before it
// can be shipped.
func (w *work) needsFile() bool {
	return !w.lowerRefuted() && len(w.src.Lower) != int(w.k)
}

// freeBelow tells whether nothing holds back a source's first batch. It is asked while the source is
// sealed on.
func (t *Tail) freeBelow(w *work) (bool, error) {
	if w.lowerRefuted() {
		return true, nil
	}
	if len(w.src.Lower) == int(w.k) {
		ok, err := t.lowerShipped(w)
		if ok || err != nil {
			return ok, err
		}
	}
	return t.refutedByFile(w)
}

// lowerShipped tells whether all sources that are known to differ from this one are in the sink;
// false without an error says that the ledger no longer has one of them.
func (t *Tail) lowerShipped(w *work) (bool, error) {
	for _, id := range w.src.Lower {
		key := w.key
		key.ID = id
		src, ok, err := t.Ledger.Get(key)
		if err != nil || !ok {
			return false, err
		}
		if src.Shipped == 0 {
			return false, fmt.Errorf("ship source %s: it waits for source %s: %w", w.key.ID, id, errAgain)
		}
	}
	w.lower = true
	return true, w.update(func(s *offsets.Source) error {
		s.Lower = nil
		return nil
	})
}

// refutedByFile asks the sink whether its manifests of every lower k refute the owner's file.
func (t *Tail) refutedByFile(w *work) (bool, error) {
	o := t.owner(w.key)
	if o == nil {
		return false, nil
	}
	view, head, err := t.viewOf(o, w.key)
	if view == nil || err != nil {
		return false, err
	}
	defer view.Close()
	w.file, w.head = view, head
	defer func() { w.file, w.head = nil, nil }()
	for k := uint64(0); k < w.k; k++ {
		ok, err := w.refutedAt(t.ctx, k)
		if err != nil || !ok {
			return false, shrunkLater(err)
		}
	}
	w.lower = true
	return true, w.update(func(s *offsets.Source) error {
		s.Lower = nil
		return nil
	})
}

// viewOf opens a view of what an owner has of a source, with its head; nil when the file is no longer
// its owner. It does not wait for whoever works on the file: that may wait for what this lets ship.
func (t *Tail) viewOf(o *followed, key source.Key) (*files.File, []byte, error) {
	t.mu.Lock()
	v := o.view
	t.mu.Unlock()
	if v.standing != isOwner || v.key != key || v.live == nil {
		return nil, nil, nil
	}
	view, err := v.live.View(v.size, false)
	return view, v.head, err
}
