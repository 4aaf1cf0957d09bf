package bench

import (
	"context"
	"io"

	"logseal/ingest/batch"
	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// The size of windows: the first is windowFirst bytes, the next as many as nearly fill a row group
// going by the one before. So what a stage is given is much more than a core's cache holds, and
// row groups are nearly what they are on the whole path.
const (
	windowFirst = 8 << 20
	windowMin   = 1 << 20
	windowMax   = 32 << 20
	groupBytes  = batch.GroupBytes * 7 / 8
)

// window is a piece of a file in memory: whole chunks, one after the other.
type window struct {
	buf    []byte
	chunks []source.Chunk
}

// fill reads the next bytes of r's range, size or up to a chunk more; io.EOF when there are none.
func (w *window) fill(ctx context.Context, r *files.Reader, size int) error {
	if cap(w.buf) < size {
		w.buf = make([]byte, 0, size+windowMin)
	}
	w.buf, w.chunks = w.buf[:0], w.chunks[:0]
	for len(w.buf) < size {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		w.buf = append(w.buf, c.Data...)
		w.chunks = append(w.chunks, c)
	}
	if len(w.chunks) == 0 {
		return io.EOF
	}
	for i, at := 0, 0; i < len(w.chunks); i++ { // only now: the buffer may have moved
		c := &w.chunks[i]
		n := len(c.Data)
		c.Data = w.buf[at : at+n : at+n]
		at += n
	}
	return nil
}

// nextSize is how large a window is to be after one of size bytes that costs so much in a row
// group's count.
func nextSize(size, cost int64) int {
	if cost == 0 {
		return windowMax
	}
	return int(min(max(windowMin, groupBytes*size/cost), windowMax))
}

// groupCost is nearly what package batch counts for the table. Being wrong does no harm: see
// encoder.
func groupCost(t *parse.Table) int64 {
	const value, reject = 8, 192
	n := int64(value * (1 + len(t.Columns)) * t.Rows())
	for i := range t.Columns {
		n += int64(len(t.Columns[i].Bytes))
	}
	for _, r := range t.Rejects {
		n += reject + int64(len(r.Raw)+len(r.Detail))
	}
	return n
}
