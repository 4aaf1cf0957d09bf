//go:build soak

package tail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// fleet is many writers, each with a log of its own that it rotates.
type fleet struct {
	dir     string
	writers []*writer
	banner  string // each log begins with it

	mu      sync.Mutex // guards what follows
	rotated []*rotated // files that nobody writes any more and that may be packed or removed
	removed int

	lines, bytes, rotations atomic.Int64
}

// rotated is a file that was rotated away. It holds the numbers [from, to) of a writer.
type rotated struct {
	writer   int
	path     string
	from, to int64
	asked    bool // it may go only when the program says so
}

// writer writes numbered lines. It is used by one goroutine.
type writer struct {
	*fleet
	*rand.Rand
	id        int
	file      *os.File
	next      int64  // number
	first     int64  // number in the file
	late      []byte // the end of a line that was written in part
	packed    *rotated
	sincePack int
}

// A line is about as long as those of an access log, and compresses about as well.
func (w *writer) line(b []byte, now time.Time) []byte {
	b = now.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = fmt.Appendf(b, " %s svc-%d seq=%d ", severities[w.IntN(len(severities))], w.id, w.next)
	b = fmt.Appendf(b, "handled %s /api/v1/tenants/%d/orders/%d status=%d bytes=%d "+
		"upstream=10.0.%d.%d agent=%q", methods[w.IntN(len(methods))], w.IntN(40),
		w.IntN(100_000), 200+w.IntN(4), w.IntN(5000), w.IntN(4), w.IntN(16), agents[w.IntN(len(agents))])
	w.next++
	return append(b, '\n')
}

var (
	severities = []string{"INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"}
	methods    = []string{"GET", "GET", "POST", "PUT"}
	agents     = []string{"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "curl/8.9.1",
		"okhttp/4.12.0 (Android 14)", "internal-client/2.3 (batch worker)"}
)

// newFleet makes the logs' writers. Each log begins with the banner, a line or nothing.
func newFleet(dir, banner string, writers int, seed uint64) (*fleet, error) {
	f := &fleet{dir: dir, banner: banner}
	for i := range writers {
		w := &writer{fleet: f, Rand: rand.New(rand.NewPCG(seed, uint64(i))), id: i}
		if err := w.open(); err != nil {
			return nil, err
		}
		f.writers = append(f.writers, w)
	}
	return f, nil
}

func (w *writer) path() string { return filepath.Join(w.dir, fmt.Sprintf("svc-%02d.log", w.id)) }

func (w *writer) open() (err error) {
	w.first = w.next
	if w.file, err = os.OpenFile(w.path(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return err
	}
	_, err = w.file.WriteString(w.banner)
	return err
}

// run writes bytesPerSecond until ctx is over, which leaves only whole lines.
func (w *writer) run(ctx context.Context, bytesPerSecond float64, rotate time.Duration) error {
	const every = 25 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := time.Now()
	turn := last.Add(time.Duration(w.Float64() * float64(rotate)))
	var buf []byte
	for {
		select {
		case <-ctx.Done():
			return errors.Join(w.flush(), w.file.Close())
		case <-tick.C:
		}
		now := time.Now()
		// A writer that was held up does not make up for more than a second.
		quota := int(min(now.Sub(last), time.Second).Seconds() * bytesPerSecond)
		last = now
		buf = append(buf[:0], w.late...)
		from := w.next
		for len(buf) < quota {
			buf = w.line(buf, now)
		}
		cut := len(buf) - w.IntN(min(len(buf)+1, 120))
		if _, err := w.file.Write(buf[:cut]); err != nil {
			return err
		}
		w.late = append(w.late[:0], buf[cut:]...)
		w.lines.Add(w.next - from)
		w.bytes.Add(int64(cut))
		if now.After(turn) {
			turn = now.Add(rotate/2 + time.Duration(w.Float64()*float64(rotate)))
			if err := w.rotate(); err != nil {
				return err
			}
		}
	}
}

// flush ends the last line.
func (w *writer) flush() error {
	_, err := w.file.Write(w.late)
	w.bytes.Add(int64(len(w.late)))
	w.late = w.late[:0]
	return err
}

// rotate moves the log away, as the writer's number says: by a rename after which it writes on for
// a moment, or by copy and truncation, between which it writes nothing.
func (w *writer) rotate() error {
	w.rotations.Add(1)
	to := fmt.Sprintf("%s.%06d", w.path(), w.next)
	if w.id%10 == 9 {
		if err := w.flush(); err != nil {
			return err
		}
		if err := w.copyTruncate(to); err != nil {
			return err
		}
		return w.away(&rotated{writer: w.id, path: to, from: w.first, to: w.next})
	}
	if err := os.Rename(w.path(), to); err != nil {
		return err
	}
	from := w.next
	for range w.IntN(50) { // to the file that has its new name already
		w.late = w.line(w.late, time.Now())
	}
	w.lines.Add(w.next - from)
	if err := errors.Join(w.flush(), w.file.Close()); err != nil {
		return err
	}
	old := &rotated{writer: w.id, path: to, from: w.first, to: w.next}
	if err := w.open(); err != nil {
		return err
	}
	return w.away(old)
}

func (w *writer) copyTruncate(to string) error {
	in, err := os.Open(w.path())
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := errors.Join(out.Close(), w.file.Truncate(0)); err != nil {
		return err
	}
	return nil
}

// away packs the file that was rotated before this one, as delaycompress does, and hands both over.
func (w *writer) away(old *rotated) error {
	if w.id%10 == 9 {
		w.first = w.next
	}
	before := w.packed
	w.packed = old
	if before == nil {
		return nil
	}
	var err error
	switch w.id % 3 {
	case 0:
		err = before.pack(".gz", func(out io.Writer) (io.WriteCloser, error) {
			return gzip.NewWriterLevel(out, gzip.BestSpeed)
		})
	case 1:
		err = before.pack(".zst", func(out io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithEncoderConcurrency(1))
		})
	}
	if err != nil {
		return err
	}
	const askEvery = 25
	w.sincePack++
	before.asked = w.sincePack%askEvery == w.id%askEvery
	w.hand(before)
	return nil
}

func (f *fleet) hand(r *rotated) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rotated = append(f.rotated, r)
}

// pack packs a file: the new name grows, then the old one goes.
func (r *rotated) pack(suffix string, packer func(io.Writer) (io.WriteCloser, error)) error {
	in, err := os.Open(r.path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(r.path + suffix)
	if err != nil {
		return err
	}
	z, err := packer(out)
	if err != nil {
		return err
	}
	if _, err := io.Copy(z, in); err != nil {
		return err
	}
	if err := errors.Join(z.Close(), out.Close(), os.Remove(r.path)); err != nil {
		return err
	}
	r.path += suffix
	return nil
}

// tidy removes the rotated files that may go.
func (f *fleet) tidy(may func(*rotated) (bool, error)) error {
	f.mu.Lock()
	list := f.rotated
	f.rotated = nil
	f.mu.Unlock()
	for _, r := range list {
		ok, err := may(r)
		if err != nil {
			return err
		}
		if !ok {
			f.hand(r)
			continue
		}
		if err := os.Remove(r.path); err != nil {
			return err
		}
		f.mu.Lock()
		f.removed++
		f.mu.Unlock()
	}
	return nil
}
