package bench

import (
	"fmt"
	"io"

	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// encoder measures what seal.Seal does once a range is parsed and gathered: encode, compress,
// hash, and write to files that drop it all.
//
// A range that fits into one row group's memory is encoded at its end, after Seal asked for the
// range's last Point. So the meter starts there and parsing is not in it. A range that does not
// fit shows by an object that is begun before; it is done again in smaller pieces.
type encoder struct {
	meter
	input seal.Input
	out   int64 // bytes of objects
}

// encode seals the chunks of a window.
func (e *encoder) encode(chunks []source.Chunk) error {
	drop := &discard{}
	early := false
	t := newTape(chunks, func() {
		early = drop.created
		e.start()
	})
	before := int64(-1) // the length of a range that did not fit
	for t.begin() {
		*drop = discard{}
		saved := e.cost
		in := e.input
		in.Start = source.Point{Offset: t.start, Line: t.start}
		b, err := seal.Seal(in, t, drop)
		if err != nil {
			return fmt.Errorf("seal from %d: %w", t.start, err)
		}
		e.stop()
		if n := t.pos - t.start; early && n != before {
			e.cost, before, t.limit = saved, n, n/2
			t.Cut(t.start)
			continue
		}
		before = -1
		for _, o := range b.Manifest.Objects {
			e.out += o.Bytes
		}
	}
	return nil
}

// discard is where objects go that nobody wants.
type discard struct{ created bool }

var _ seal.Files = (*discard)(nil)

// Create begins a file that holds nothing.
func (d *discard) Create(string) (io.WriteCloser, error) {
	d.created = true
	return nowhere{}, nil
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (nowhere) Close() error { return nil }
