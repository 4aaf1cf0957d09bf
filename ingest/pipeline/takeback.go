package pipeline

import (
	"context"
	"errors"
	"math"
	"slices"

	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// takesBack tells whether a batch holds just the bytes that were declared lost where it starts.
func takesBack(m, there *seal.Manifest) bool {
	return isLoss(there) && !isLoss(m) && m.Range() == there.Range() && m.ChainOut == there.ChainOut
}

// takeBackAll takes back what was declared lost of a source and its file, which is in hand, has after
// all.
func (w *work) takeBackAll(ctx context.Context) error {
	for len(w.src.Lost) > 0 {
		if err := w.takeBack(ctx, w.src.Lost[0]); err != nil {
			return err
		}
	}
	return nil
}

// takeBack seals just the range that was declared lost into the spool, as a batch that no outbox has.
// From there it is put as every batch is that the bucket has passed; so it is when we die meanwhile.
func (w *work) takeBack(ctx context.Context, r source.Range) error {
	stands, err := w.lossStands(ctx, r)
	if err != nil {
		return err
	}
	if stands != nil {
		if err := w.sealAgain(ctx, stands); err != nil {
			return err
		}
		if err := w.clearOvertaken(ctx, w.key, w.src.Shipped); err != nil {
			return err
		}
	}
	return w.update(func(s *offsets.Source) error {
		s.Lost = slices.DeleteFunc(slices.Clone(s.Lost), func(x source.Range) bool { return x == r })
		return nil
	})
}

// lossStands gives a declared loss that nobody has taken back and that anybody would want back, nil
// for none.
func (w *work) lossStands(ctx context.Context, r source.Range) (*seal.Loss, error) {
	name := seal.ManifestKey(w.key, r.Start)
	body, err := getSmall(ctx, w.Store, name)
	if errors.Is(err, sink.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := parsePlaced(body)
	if err != nil || p.loss == nil || p.loss.Reason == seal.NotWanted || p.Range() != r {
		return nil, nil // verify says what is wrong with it
	}
	_, err = w.foundAt(ctx, w.key, r.Start)
	if errors.Is(err, sink.ErrNotFound) {
		return p.loss, nil
	}
	return nil, err
}

// sealAgain seals the range of a loss from the file, if that has these bytes.
func (w *work) sealAgain(ctx context.Context, loss *seal.Loss) error {
	r := source.Range{Start: loss.Start, End: *loss.End}
	cannot := func(why string) error {
		w.Log.Warn("a loss cannot be taken back: "+why, append(logSource(w.key), "path", w.path,
			"range", r.String())...)
		return nil
	}
	marks, _, err := marksTo(ctx, w.file, []int64{r.Start, r.End})
	if err != nil {
		return err
	}
	at, end := marks[r.Start], marks[r.End]
	if r.Start == 0 {
		at = source.Origin()
	}
	if at.Chain != loss.ChainIn || end.Chain != *loss.ChainOut {
		return cannot("the file does not have its bytes")
	}
	if at.Carry, err = w.restAt(ctx, r.Start); err != nil {
		return err
	}
	again := &work{
		run: w.run, key: w.key, k: w.k, path: w.path, stream: w.stream, file: w.file, head: w.head,
		state: w.state, src: &offsets.Source{K: w.k, Sealed: at, LastStart: -1},
	}
	w.dropReader() // a file has one at a time
	if err := again.openReader(ctx); err != nil {
		return err
	}
	again.reader.stopped = ctx.Err
	again.reader.BeginAgain(r.Start, r.End)
	_, err = again.sealBegun(ctx, r.Len(), math.MaxInt, func(stage Stage, b *seal.Batch) error {
		if b.Manifest.Range() != r || b.Manifest.ChainOut != *loss.ChainOut {
			return cannot("sealed under the stream as it is now it would be another range")
		}
		if err := w.toSpool(stage, b); err != nil {
			return err
		}
		// Here the batch is durable in the spool. If we die now, the next start finds that the bucket
		// has passed it, and puts it as what takes the loss back.
		w.Spool.Hold(entryOf(b.Manifest).Spool)
		w.aside.add(w.key, b.Manifest)
		w.sealed = true
		return nil
	})
	return err
}

// restAt asks the sink what the batch that ends at off carries over, if the format does so.
func (w *work) restAt(ctx context.Context, off int64) (source.Carry, error) {
	if off == 0 || !w.stream.Parser.Joins() {
		return source.Carry{}, nil
	}
	starts, err := w.listStarts(ctx, w.key)
	if err != nil {
		return source.Carry{}, err
	}
	i, _ := slices.BinarySearch(starts, off)
	if i == 0 {
		return source.Carry{}, nil
	}
	m, err := w.manifestAt(ctx, w.key, starts[i-1])
	if err != nil {
		return source.Carry{}, err
	}
	return m.Rest, nil
}

// findAgain puts a batch of the spool as what takes the loss at its start back, and gives the batch
// that does.
func (r *run) findAgain(
	ctx context.Context, key source.Key, m *seal.Manifest,
) (*seal.Manifest, error) {
	w, err := r.sourceOf(key, m.K)
	if err != nil {
		return nil, err
	}
	e := entryOf(m)
	err = w.putFound(ctx, e)
	switch {
	case err == nil:
		r.Log.Info("what was declared lost is found", append(logSource(key), "range",
			m.Range().String())...)
		return m, nil
	case errors.Is(err, errAskAgain):
		return r.foundAt(ctx, key, m.Start)
	case ctx.Err() == nil && !w.spooledWhole(e):
		return m, nil // it is of no use, and what was put of it may be named by another
	}
	return nil, err
}

// foundAt asks for the batch that takes back the loss at start; the error is sink.ErrNotFound when
// there is none.
func (r *run) foundAt(ctx context.Context, key source.Key, start int64) (*seal.Manifest, error) {
	name := seal.FoundKey(key, start)
	body, err := getSmall(ctx, r.Store, name)
	if err != nil {
		return nil, err
	}
	m, err := seal.ParseManifest(body)
	if err == nil {
		err = m.ValidateFor(name)
	}
	return m, err
}
