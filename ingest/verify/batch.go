package verify

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/batch"
	"logseal/ingest/parquet"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// checkBatch holds what a manifest says against the objects it names. What has to be asked or read
// for that is a task.
func (v *verifier) checkBatch(ctx context.Context, at place) error {
	m := at.commit.Manifest
	e, err := v.epoch(ctx, m)
	if err != nil {
		return err
	}
	leftOut := v.leftOut(m)
	if !leftOut {
		v.found.report.Batches++
		v.found.report.Rows += m.Rows
		v.found.report.Rejects += m.Rejects
		v.found.report.Objects += int64(len(m.Objects))
	}
	b := &batchCheck{v: v, m: m, epoch: e, at: at}
	var objects []subject
	for _, o := range m.Objects {
		s, err := v.mark(m, o)
		if err != nil {
			return err
		}
		switch {
		case s.again: // it was checked, and is not this batch's
			b.damaged = true
		case leftOut && s.size >= 0:
			v.found.done(s.size)
		case !leftOut:
			objects = append(objects, s)
		}
	}
	if v.Deep && !leftOut {
		v.start(func(ctx context.Context) error { return b.deep(ctx, objects) })
		return nil
	}
	for _, s := range objects {
		v.start(func(ctx context.Context) error { return b.object(ctx, s) })
	}
	return nil
}

// leftOut reports whether all rows of a batch are from before Since.
func (v *verifier) leftOut(m *table.Manifest) bool {
	return v.since != batch.NoDate && m.MaxTime != nil &&
		batch.Day.PartitionOf(*m.MaxTime).Date < v.since
}

// subject is an object that a manifest names.
type subject struct {
	table.Object
	size  int64 // as it was listed; -1 if it was not
	again bool  // another manifest had named it
}

// mark notes that a manifest names an object.
func (v *verifier) mark(m *table.Manifest, o table.Object) (subject, error) {
	s := subject{Object: o, size: -1}
	k, err := table.ParseKey(o.Key)
	if err != nil {
		return s, err // the manifest was validated
	}
	p := v.objects.find(k)
	if p == nil {
		return s, nil
	}
	s.size, s.again = p.size, p.state == named
	if s.again {
		v.found.add(Overlap, o.Key, "%s is named by two manifests, one is %s; its rows are counted "+
			"twice, so one of the manifests is a copy that must go", o.Key, m.Key())
	}
	p.state = named
	return s, nil
}

// batchCheck is what is gathered over the objects of one batch. With Deep one goroutine uses it;
// else nothing of it changes.
type batchCheck struct {
	v     *verifier
	m     *table.Manifest
	epoch *epoch
	at    place // where the manifest stands

	// Deep only.
	marks       marks // of the bytes where a record begins, from the batch's start
	damaged     bool  // an object could not be read whole: totals say nothing
	rejectBytes int64
	minTime     *int64
	maxTime     *int64
}

// deep checks a batch's objects one after the other, so that what one has is known for the next.
func (b *batchCheck) deep(ctx context.Context, objects []subject) error {
	done, err := b.v.turn(ctx, b.m.End-b.m.Start)
	if err != nil {
		return err
	}
	defer done()
	for _, s := range objects {
		if err := b.object(ctx, s); err != nil {
			return err
		}
	}
	b.checkTotals()
	return nil
}

// object checks one object: there, of the right size, with the right bytes and rows.
func (b *batchCheck) object(ctx context.Context, s subject) error {
	fault, err := b.inspect(ctx, s)
	switch {
	case errors.Is(err, sink.ErrNotFound):
		b.setDamaged()
		err = b.absent(ctx, s.Key)
	case errors.As(err, new(*sink.DamagedError)):
		fault, err = otherDigest, nil
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", s.Key, err)
	}
	if fault != "" {
		b.setDamaged()
		b.v.found.add(Differing, s.Key, "%s is not as %s has it: %s; restore it from a copy of the sink",
			s.Key, b.m.Key(), fault)
	}
	if s.size >= 0 {
		b.v.found.done(s.size)
	}
	return nil
}

func (b *batchCheck) setDamaged() {
	if b.v.Deep {
		b.damaged = true
	}
}

// inspect says what is wrong with an object, if anything is. That it is not there is an error.
func (b *batchCheck) inspect(ctx context.Context, s subject) (string, error) {
	size, sum := s.size, source.Digest{}
	if size < 0 || size == s.Bytes && size > tailBytes && !b.v.Deep {
		info, err := b.v.Store.Stat(ctx, s.Key)
		if err != nil {
			return "", err
		}
		size, sum = info.Size, info.SHA256
	}
	switch {
	case size != s.Bytes:
		return fmt.Sprintf("it has %d bytes, not %d", size, s.Bytes), nil
	case sum == source.Digest{} || b.v.Deep:
		return b.inspectBytes(ctx, s)
	case sum != s.SHA256:
		return otherDigest, nil
	}
	blob, err := openBlob(ctx, b.v.Store, s.Key)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	return b.read(ctx, s, blob)
}

const otherDigest = "its bytes have another SHA-256"

// inspectBytes reads all of an object.
func (b *batchCheck) inspectBytes(ctx context.Context, s subject) (string, error) {
	keep := int64(tailBytes)
	switch {
	case b.v.Deep:
		keep = bufferMax
	case s.Bytes > keep:
		done, err := b.v.turn(ctx, s.Bytes)
		if err != nil {
			return "", err
		}
		defer done()
	}
	blob, sum, err := openHashed(ctx, b.v.Store, s.Key, keep)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	if sum != s.SHA256 {
		return otherDigest, nil
	}
	return b.read(ctx, s, blob)
}

// read checks what can only be seen in the Parquet file.
func (b *batchCheck) read(ctx context.Context, s subject, blob *blob) (string, error) {
	fault := b.readParquet(ctx, s, blob)
	return fault, errors.Join(blob.err, ctx.Err())
}

func (b *batchCheck) readParquet(ctx context.Context, s subject, blob *blob) string {
	f, err := parquet.Open(blob, blob.size)
	if err != nil {
		return fmt.Sprintf("it cannot be read (%v)", err)
	}
	if n := f.Rows(); n != s.Rows {
		return fmt.Sprintf("it holds %d rows, not %d", n, s.Rows)
	}
	if !b.v.Deep {
		return ""
	}
	k, err := table.ParseKey(s.Key)
	if err != nil {
		return err.Error()
	}
	if k.Kind == table.QuarantineKind {
		return b.deepRejects(ctx, f)
	}
	return b.deepRows(ctx, f, k.Partition)
}

// checkTotals holds the sums over all objects against the manifest.
func (b *batchCheck) checkTotals() {
	if b.damaged {
		return
	}
	m, key := b.m, b.m.Key()
	if b.rejectBytes != m.RejectBytes {
		b.v.found.add(Differing, key, "%s counts %d bytes of rejects, its quarantine object holds %d; "+
			"restore it from a copy of the sink", key, m.RejectBytes, b.rejectBytes)
	}
	if b.epoch.def == nil {
		return
	}
	if !equal(b.minTime, m.MinTime) || !equal(b.maxTime, m.MaxTime) {
		b.v.found.add(Differing, key, "%s has another min_time or max_time than its rows; restore it "+
			"from a copy of the sink", key)
	}
}

func equal(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
