package commit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// What the spool cannot give now, for want of a file handle or because the disk fails, is not gone: it
// is asked again. Gone is what does not exist, and what is not what it was.

// Spooled reads what a batch of the spool says of itself.
func (r *Engine) Spooled(name string) (placed, []byte, error) {
	body, err := r.Spool.Manifest(name)
	if err != nil {
		return placed{}, nil, fmt.Errorf("read %s in the spool: %w", name, err)
	}
	p, err := parsePlaced(body)
	if err != nil {
		return placed{}, nil, fmt.Errorf("read %s in the spool: %w", name, err)
	}
	return p, body, nil
}

// spooledIfAny is spooled for who can do without: false when the batch is gone.
func (r *Engine) spooledIfAny(name string) (placed, bool, error) {
	body, err := r.Spool.Manifest(name)
	if errors.Is(err, fs.ErrNotExist) {
		return placed{}, false, nil
	}
	if err != nil {
		return placed{}, false, fmt.Errorf("read %s in the spool: %w", name, err)
	}
	p, err := parsePlaced(body)
	return p, err == nil && p.BatchName().String() == name, nil
}

// SpooledWhole tells whether the spool still has a batch of the outbox with the bytes that its
// manifest names. It is asked only when the batch could not be put.
func (w *Writer) SpooledWhole(e offsets.Entry) (bool, error) {
	m, ok, err := w.spooledIfAny(e.Spool)
	if err != nil || !ok || m.Loss != nil {
		return ok, err
	}
	want := []source.Digest{}
	for _, o := range m.Objects {
		want = append(want, o.SHA256)
	}
	for i, digest := range append(want, m.Epoch) {
		have, err := w.spooledDigest(e.Spool, i)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %s in the spool: %w", e.Spool, err)
		}
		if have != digest {
			return false, nil
		}
	}
	return true, nil
}

func (w *Writer) spooledDigest(name string, i int) (source.Digest, error) {
	f, err := w.Spool.Open(name, i)
	if err != nil {
		return source.Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return source.Digest{}, err
	}
	return source.Digest(h.Sum(nil)), nil
}
