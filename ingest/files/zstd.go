package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow is the largest window that any number of files may have at once: what all levels of zstd
	// ask for but the highest ones and `--long`.
	zstdWindow = 8 << 20
	// zstdLarge is the largest window that a file may ask for: what the zstd command decodes without being
	// told to, so also `zstd --ultra -22` and `zstd --long`.
	zstdLarge = 128 << 20
	// zstdSpare is what the process wants of its memory limit beside a large window.
	zstdSpare = 64 << 20
)

// largestWindow is the largest window that fits into the memory limit of the process.
func largestWindow() int64 {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return zstdLarge
	}
	return min(zstdLarge, max(zstdWindow, limit-zstdSpare))
}

// newZstd gives a decompressor of all frames of r, skippable ones passed over. It decodes in the
// goroutine that reads, so it leaves nothing running.
func newZstd(r io.Reader, window int64) (*zstd.Decoder, error) {
	dec, err := zstd.NewReader(r,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(window)))
	if err != nil {
		return nil, fmt.Errorf("new zstd decoder: %w", err)
	}
	return dec, nil
}

// zstdReader decompresses a zstd file. Of those with a large window one at a time has a decompressor: another
// one takes it away from who does not read, which later starts again where it was.
type zstdReader struct {
	sec    *section
	dec    *zstd.Decoder // nil when there is none
	off    int64         // decompressed bytes given
	large  bool          // a frame has a large window
	closed bool
}

func newZstdReader(sec *section) (*zstdReader, error) {
	dec, err := newZstd(bufio.NewReaderSize(sec, rawBuffer), zstdWindow)
	return &zstdReader{sec: sec, dec: dec}, err
}

func (z *zstdReader) Read(p []byte) (int, error) {
	if !z.large {
		n, err := z.dec.Read(p)
		z.off += int64(n)
		if !errors.Is(err, zstd.ErrWindowSizeExceeded) || z.sec.err != nil {
			return n, err
		}
		z.dec.Close()
		z.dec, z.large = nil, true
		if n > 0 {
			return n, nil
		}
	}
	large.take(z)
	defer large.rest()
	if err := z.beginAnew(); err != nil {
		return 0, err
	}
	n, err := z.dec.Read(p)
	z.off += int64(n)
	return n, err
}

// beginAnew makes a decompressor that is where the last one was.
func (z *zstdReader) beginAnew() error {
	if z.dec != nil {
		return nil
	}
	z.sec.off, z.sec.err = 0, nil
	dec, err := newZstd(bufio.NewReaderSize(z.sec, rawBuffer), largestWindow())
	if err != nil {
		return err
	}
	z.dec = dec
	_, err = io.CopyN(io.Discard, struct{ io.Reader }{dec}, z.off)
	if err == io.EOF {
		err = &ShrunkError{Path: z.sec.path, Want: z.off}
	}
	return err
}

func (z *zstdReader) Close() {
	if z.closed {
		return
	}
	z.closed = true
	if z.large {
		large.leave(z)
	} else {
		z.dec.Close()
	}
}

// largeDecoder is the right to a decompressor with a large window.
type largeDecoder struct {
	mu    sync.Mutex
	owner *zstdReader // nil for nobody
	reads bool        // the owner is reading
	since time.Time   // when it read last
	freed chan struct{}
	// patience is for how long who does not read keeps the right: it may just be writing what it read, or
	// may wait for long, also for another file that is read by the same goroutine.
	patience time.Duration
}

// large is that of the process: what it bounds is the memory of the process.
var large = largeDecoder{freed: make(chan struct{}, 1), patience: time.Second}

// take waits for the right.
func (l *largeDecoder) take(z *zstdReader) {
	for {
		l.mu.Lock()
		wait := l.patience
		if !l.reads {
			wait -= time.Since(l.since)
		}
		if l.owner == nil || l.owner == z || !l.reads && wait <= 0 {
			if l.owner != nil && l.owner != z {
				l.owner.drop()
			}
			l.owner, l.reads = z, true
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		again := time.NewTimer(wait)
		select {
		case <-l.freed:
		case <-again.C:
		}
		again.Stop()
	}
}

// rest notes that the owner does not read for now.
func (l *largeDecoder) rest() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads, l.since = false, time.Now()
}

// leave gives the right back for good.
func (l *largeDecoder) leave(z *zstdReader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	z.drop()
	if l.owner != z {
		return
	}
	l.owner = nil
	select {
	case l.freed <- struct{}{}:
	default:
	}
}

// drop frees the decompressor's memory at once, before the next one takes as much.
func (z *zstdReader) drop() {
	if z.dec == nil {
		return
	}
	z.dec.Close()
	z.dec = nil
	debug.FreeOSMemory()
}
