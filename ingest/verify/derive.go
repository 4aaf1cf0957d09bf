package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// derivation makes the batches of one source again from its file, in their order.
type derivation struct {
	v      *verifier
	key    source.Key
	file   *files.File
	marks  map[int64]source.Point // at every start and end
	reader *files.Reader          // nil before the first
	record int64                  // reader's max_record_bytes
	joins  parse.Frame            // reader's
}

// check makes a batch again and holds it against its manifest, and against its objects where
// another encoder wrote them.
func (d *derivation) check(ctx context.Context, m *table.Manifest) error {
	e, err := d.v.epoch(ctx, m)
	if err != nil {
		return err
	}
	if e.def == nil || d.v.leftOut(m) {
		return nil
	}
	if !e.whole {
		return fmt.Errorf("%s says more than this program understands: prove it with the newer "+
			"ingest that wrote it", e.def.Key())
	}
	same := e.def.Encoder == table.EncoderVersion && e.def.Compression == table.Zstd
	staged := &staging{keep: !same}
	got, err := d.seal(ctx, m, e, staged)
	if err == io.EOF {
		err = fmt.Errorf("no byte of %s in the file", m.Range())
	}
	if err != nil {
		return err
	}
	made := *got.Manifest
	if same {
		d.compare(m, &made)
		return nil
	}
	for i := range made.Objects { // all but the bytes must be the same
		if i < len(m.Objects) {
			made.Objects[i].Bytes, made.Objects[i].SHA256 = m.Objects[i].Bytes, m.Objects[i].SHA256
		}
	}
	if !d.compare(m, &made) {
		return nil
	}
	for i, o := range m.Objects {
		if err := d.compareRows(ctx, o, staged.files[got.Names[i]]); err != nil {
			return err
		}
	}
	return nil
}

// seal makes the batch again. The range is cut where it was cut, whatever decided it then.
func (d *derivation) seal(ctx context.Context, m *table.Manifest, e *epoch,
	staged *staging) (*seal.Batch, error) {
	if e.parser == nil {
		p, err := parse.New(e.def.Parser)
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", e.def.Key(), err)
		}
		e.parser = p
	}
	start, max := d.marks[m.Start], e.def.MaxRecordBytes
	if m.Carry != nil { // held against the batch before by coverage
		start.Carry = m.Carry.Rest
	}
	if d.reader == nil || d.record != max || d.joins != e.def.Parser.Frame ||
		d.reader.Point() != start {
		r, err := d.file.ReaderOf(ctx, start, int(max), e.parser.Parts())
		if err != nil {
			return nil, err
		}
		d.reader, d.record, d.joins = r, max, e.def.Parser.Frame
	}
	if m.OpenEnd {
		d.reader.BeginAgain(m.End)
	} else {
		d.reader.Begin(0, m.End)
	}
	return seal.Seal(seal.Input{Key: d.key, K: m.K, Epoch: e.def, Parser: e.parser, Start: start,
		MaxPartitions: math.MaxInt}, cancellable{ctx, d.reader}, staged)
}

// compare reports the first difference of a manifest and the one made again.
func (d *derivation) compare(m, made *table.Manifest) bool {
	if bytes.Equal(m.JSON(), made.JSON()) {
		return true
	}
	for i := range min(len(m.Objects), len(made.Objects)) {
		if have, want := m.Objects[i], made.Objects[i]; have != want {
			d.v.found.add(Differing, have.Key, "%s is not what %s gives in %s, that would be %s with "+
				"%d rows, %d bytes and SHA-256 %s; restore the sink from a copy", have.Key, d.file.Path(),
				m.Range(), want.Key, want.Rows, want.Bytes, want.SHA256)
			return false
		}
	}
	d.v.found.add(Differing, m.Key(), "%s is not what %s gives in %s, that would be %s; restore the "+
		"sink from a copy", m.Key(), d.file.Path(), m.Range(), bytes.TrimSpace(made.JSON()))
	return false
}

// compareRows holds an object of the sink, by its rows, against one made again.
func (d *derivation) compareRows(ctx context.Context, o table.Object, made *bytes.Buffer) error {
	have, err := openBlob(ctx, d.v.Store, o.Key)
	if errors.Is(err, sink.ErrNotFound) {
		return nil // reported when its batch was checked
	}
	if err != nil {
		return err
	}
	defer have.Close()
	fault, err := differingRows(ctx, have, memoryBlob(made.Bytes()))
	if err = errors.Join(have.err, err); err != nil {
		return fmt.Errorf("read %s: %w", o.Key, err)
	}
	if fault != "" {
		d.v.found.add(Differing, o.Key, "%s does not hold the rows that %s gives: %s; restore it from "+
			"a copy of the sink", o.Key, d.file.Path(), fault)
	}
	return nil
}

// cancellable looks at the context before each chunk.
type cancellable struct {
	ctx context.Context
	*files.Reader
}

func (c cancellable) Next() (source.Chunk, error) {
	if err := c.ctx.Err(); err != nil {
		return source.Chunk{}, err
	}
	return c.Reader.Next()
}

// staging takes the objects of a batch made again: in memory if they are to be read, else only
// their digests matter, which the manifest has.
type staging struct {
	keep  bool
	files map[string]*bytes.Buffer
}

// Create implements seal.Files.
func (s *staging) Create(name string) (io.WriteCloser, error) {
	if !s.keep {
		return nopCloser{io.Discard}, nil
	}
	if s.files == nil {
		s.files = map[string]*bytes.Buffer{}
	}
	s.files[name] = &bytes.Buffer{}
	return nopCloser{s.files[name]}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
