package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"logseal/ingest/batch"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// checkBatch holds what a manifest says against the objects it names.
func (v *verifier) checkBatch(ctx context.Context, m *seal.Manifest) error {
	e, err := v.epoch(ctx, m)
	if err != nil {
		return err
	}
	if v.leftOut(m) {
		for _, o := range m.Objects {
			if _, _, err := v.markNamed(m, o); err != nil {
				return err
			}
		}
		return nil
	}
	v.report.Batches++
	v.report.Rows += m.Rows
	v.report.Rejects += m.Rejects
	b := &batchCheck{v: v, m: m, epoch: e}
	for _, o := range m.Objects {
		v.report.Objects++
		if err := b.object(ctx, o); err != nil {
			return fmt.Errorf("check %s: %w", o.Key, err)
		}
	}
	if v.Deep {
		b.checkTotals()
	}
	return nil
}

// leftOut tells whether all rows of a batch are from before Since.
func (v *verifier) leftOut(m *seal.Manifest) bool {
	return v.since != batch.NoDate && m.MaxTime != nil &&
		batch.Day.PartitionOf(*m.MaxTime).Date < v.since
}

// markNamed notes that a manifest names an object, and gives it if it was listed. again says that
// another manifest had named it.
func (v *verifier) markNamed(m *seal.Manifest, o seal.Object) (p *placed, again bool, err error) {
	k, err := seal.ParseKey(o.Key)
	if err != nil {
		return nil, false, err // the manifest was validated
	}
	p = v.objects.find(k)
	if p == nil {
		return nil, false, nil
	}
	again = p.state == named
	if again {
		v.report.add(Overlap, o.Key, "%s is named by two manifests, one is %s; its rows are counted "+
			"twice, so one of the manifests is a copy that must go", o.Key, m.Key())
	}
	p.state = named
	return p, again, nil
}

// batchCheck is what is gathered over the objects of one batch.
type batchCheck struct {
	v     *verifier
	m     *seal.Manifest
	epoch *epoch

	// Deep only.
	marks       marks // of the bytes where a record begins, from the batch's start
	damaged     bool  // an object could not be read whole: totals say nothing
	rejectBytes int64
	minTime     *int64
	maxTime     *int64
}

// object checks one object: there, of the right size, with the right bytes and rows.
func (b *batchCheck) object(ctx context.Context, o seal.Object) error {
	fault, kind, err := b.inspect(ctx, o)
	if err != nil || fault == "" {
		return err
	}
	b.damaged = true
	if kind == Missing {
		b.v.report.add(Missing, o.Key, "%s, which %s names, is missing; restore it from a copy of the "+
			"sink, or write its source to a new version", o.Key, b.m.Key())
		return nil
	}
	b.v.report.add(Differing, o.Key, "%s is not as %s has it: %s; restore it from a copy of the sink",
		o.Key, b.m.Key(), fault)
	return nil
}

// inspect says what is wrong with an object, if anything is.
func (b *batchCheck) inspect(ctx context.Context, o seal.Object) (string, Kind, error) {
	p, again, err := b.v.markNamed(b.m, o)
	if err != nil {
		return "", "", err
	}
	if again { // it was checked, and is not this batch's
		b.damaged = true
		return "", "", nil
	}
	var size int64
	if p != nil {
		size = p.size
	} else {
		info, err := b.v.Store.Stat(ctx, o.Key)
		if errors.Is(err, sink.ErrNotFound) {
			return "it is missing", Missing, nil
		}
		if err != nil {
			return "", "", err
		}
		size = info.Size
	}
	if size != o.Bytes {
		return fmt.Sprintf("it has %d bytes, not %d", size, o.Bytes), Differing, nil
	}
	blob, err := openBlob(ctx, b.v.Store, o.Key)
	if errors.Is(err, sink.ErrNotFound) {
		return "it is missing", Missing, nil
	}
	if err != nil {
		return "", "", err
	}
	defer blob.Close()
	sum, err := blob.digest(ctx)
	if err != nil {
		return "", "", err
	}
	if sum != o.SHA256 {
		return "its bytes have another SHA-256", Differing, nil
	}
	return b.read(ctx, o, blob), Differing, ctx.Err()
}

// read checks what can only be seen in the Parquet file.
func (b *batchCheck) read(ctx context.Context, o seal.Object, blob *blob) string {
	f, err := seal.OpenParquet(blob, blob.size)
	if err != nil {
		return fmt.Sprintf("it cannot be read (%v)", err)
	}
	if n := f.Rows(); n != o.Rows {
		return fmt.Sprintf("it holds %d rows, not %d", n, o.Rows)
	}
	if !b.v.Deep {
		return ""
	}
	k, err := seal.ParseKey(o.Key)
	if err != nil {
		return err.Error()
	}
	if k.Kind == seal.QuarantineKind {
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
		b.v.report.add(Differing, key, "%s counts %d bytes of rejects, its quarantine object holds %d; "+
			"restore it from a copy of the sink", key, m.RejectBytes, b.rejectBytes)
	}
	if b.epoch.def == nil {
		return
	}
	if !equal(b.minTime, m.MinTime) || !equal(b.maxTime, m.MaxTime) {
		b.v.report.add(Differing, key, "%s has another min_time or max_time than its rows; restore it "+
			"from a copy of the sink", key)
	}
}

func equal(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// blob is an open object that can be read at any offset.
type blob struct {
	io.ReaderAt
	size  int64
	close func() error
}

// openBlob opens an object. From a store that cannot read at an offset it is read into memory.
func openBlob(ctx context.Context, store sink.Store, key string) (*blob, error) {
	r, info, err := store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if at, ok := r.(io.ReaderAt); ok {
		return &blob{ReaderAt: at, size: info.Size, close: r.Close}, nil
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return memoryBlob(body), nil
}

func memoryBlob(body []byte) *blob {
	return &blob{ReaderAt: bytes.NewReader(body), size: int64(len(body)),
		close: func() error { return nil }}
}

// Close gives the object back.
func (b *blob) Close() error { return b.close() }

// digestBuffer is how much is hashed between two looks at the context.
const digestBuffer = 256 << 10

func (b *blob) digest(ctx context.Context) (source.Digest, error) {
	h := sha256.New()
	buf := make([]byte, min(digestBuffer, max(b.size, 1)))
	for r := io.NewSectionReader(b, 0, b.size); ; {
		if err := ctx.Err(); err != nil {
			return source.Digest{}, err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return source.Digest(h.Sum(nil)), nil
		}
		if err != nil {
			return source.Digest{}, err
		}
	}
}
