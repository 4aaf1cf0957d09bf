package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

// shelf is a bucket with one log in it, by way of Faults.
type shelf struct {
	*Bucket
	server *s3test.Server
	name   string
	faults *s3test.Faults
	body   []byte
	entry  Entry
}

const logKey = "logs/2024/ä b+c/app.log"

func newShelf(t *testing.T, body []byte) *shelf {
	t.Helper()
	s := &shelf{server: s3test.Start(t), body: body}
	s.name = s.server.Bucket(t)
	s.faults = s.server.Faults(t)
	s.server.Plant(t, s.name, logKey, body)
	o, err := ParseURL(s.faults.URL(s.name + "/ignored"))
	require.NoError(t, err)
	o.Patience = 20 * time.Second
	s.Bucket, err = NewBucket(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.entry, err = s.Stat(t.Context(), logKey)
	require.NoError(t, err)
	s.faults.Asked()
	return s
}

// reader gives a reader that is closed with the test.
func (s *shelf) reader(t *testing.T) *Reader {
	r := s.Open(t.Context(), s.entry)
	t.Cleanup(func() { r.Close() })
	return r
}

// gets counts the requests since the last look.
func (s *shelf) gets() int { return len(s.faults.Asked()) }

func TestReader_ReadsInARow_AreOneRequest(t *testing.T) {
	s := newShelf(t, noise(3<<20))
	r := s.reader(t)
	require.Zero(t, s.gets(), "opening asks for nothing")
	var got []byte
	for p := make([]byte, 100_000); ; {
		n, err := r.ReadAt(p, int64(len(got)))
		got = append(got, p[:n]...)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	require.True(t, bytes.Equal(s.body, got))
	require.Equal(t, 1, s.gets())

	got, err := io.ReadAll(s.reader(t))
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.body, got))
	require.Equal(t, 1, s.gets())
}

func TestReader_SmallReadsInARow_BecomeAStream(t *testing.T) {
	s := newShelf(t, noise(1<<20))
	r := s.reader(t)
	p := make([]byte, 4096)
	for off := int64(0); off < 1<<20; off += 4096 {
		_, err := r.ReadAt(p, off)
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.body[off:off+4096], p))
	}
	require.Equal(t, 2, s.gets())
}

func TestReader_SmallReadElsewhere_LeavesTheStreamAlone(t *testing.T) {
	s := newShelf(t, noise(4<<20))
	r := s.reader(t)
	p, marker := make([]byte, 512<<10), make([]byte, 1024)
	for i := range 8 {
		off := int64(i * len(p))
		_, err := r.ReadAt(p, off)
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.body[off:off+int64(len(p))], p))
		_, err = r.ReadAt(marker, off+100)
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.body[off+100:off+100+1024], marker))
	}
	require.Equal(t, 1+8, s.gets())
}

func TestReader_LargeReadElsewhere_StartsAnew(t *testing.T) {
	s := newShelf(t, noise(4<<20))
	r := s.reader(t)
	p := make([]byte, 100<<10)
	for _, off := range []int64{0, 2 << 20, 2<<20 + 100<<10, 0, 100<<10 + 5000} { // the last skips
		_, err := r.ReadAt(p, off)
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.body[off:off+100<<10], p))
	}
	require.Equal(t, 3, s.gets())
}

func TestReader_Ends(t *testing.T) {
	s := newShelf(t, []byte("0123456789"))
	r := s.reader(t)
	for _, c := range []struct {
		off  int64
		n    int
		want string
		err  error
	}{{0, 10, "0123456789", nil}, {0, 11, "0123456789", io.EOF}, {8, 5, "89", io.EOF},
		{10, 1, "", io.EOF}, {99, 1, "", io.EOF}, {5, 0, "", nil}} {
		p := make([]byte, c.n)
		n, err := r.ReadAt(p, c.off)
		require.Equal(t, c.err, err, c)
		require.Equal(t, c.want, string(p[:n]), c)
	}
	_, err := r.ReadAt(make([]byte, 1), -1)
	require.ErrorContains(t, err, "offset -1")

	s.server.Plant(t, s.name, "empty", nil)
	e, err := s.Stat(t.Context(), "empty")
	require.NoError(t, err)
	s.gets()
	empty := s.Open(t.Context(), e)
	defer empty.Close()
	b, err := io.ReadAll(empty)
	require.NoError(t, err)
	require.Empty(t, b)
	require.Zero(t, s.gets())
}

// Whatever is read where, and wherever connections break, the bytes are the object's.
func TestReader_CutAnywhere_GivesTheBytes(t *testing.T) {
	s := newShelf(t, noise(600<<10))
	rapid.Check(t, func(rt *rapid.T) {
		cuts := rapid.SliceOfN(rapid.Int64Range(1, 700<<10), 0, 3).Draw(rt, "cuts")
		s.faults.Set(func(r *http.Request) *s3test.Fault {
			if len(cuts) == 0 {
				return nil
			}
			cut := cuts[0]
			cuts = cuts[1:]
			if cut%7 == 0 {
				return &s3test.Fault{Status: 503, Code: "SlowDown"}
			}
			return &s3test.Fault{CutAt: cut}
		})
		r := s.Open(context.Background(), s.entry)
		defer r.Close()
		off := 0
		for range rapid.IntRange(1, 12).Draw(rt, "reads") {
			if rapid.Bool().Draw(rt, "jump") {
				off = rapid.IntRange(0, len(s.body)).Draw(rt, "off")
			}
			p := make([]byte, rapid.SampledFrom([]int{1, 1000, 64 << 10, 64<<10 + 1, 200 << 10}).
				Draw(rt, "n"))
			n, err := r.ReadAt(p, int64(off))
			require.True(rt, bytes.Equal(s.body[off:off+n], p[:n]))
			if n < len(p) {
				require.Equal(rt, io.EOF, err)
				require.Equal(rt, len(s.body), off+n)
			} else {
				require.NoError(rt, err)
			}
			off += n
		}
	})
}

func TestReader_ManyAtOnce(t *testing.T) {
	s := newShelf(t, noise(1<<20))
	r := s.reader(t)
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		wait.Go(func() {
			for range 20 {
				off, p := random.IntN(len(s.body)), make([]byte, 1+random.IntN(100<<10))
				n, err := r.ReadAt(p, int64(off))
				if err != nil && err != io.EOF || !bytes.Equal(s.body[off:off+n], p[:n]) {
					errs[i] = fmt.Errorf("%d bytes at %d: %w", n, off, err)
				}
			}
		})
	}
	wait.Wait()
	require.NoError(t, errors.Join(errs...))
}

func TestReader_ChangedInTheMiddle(t *testing.T) {
	s := newShelf(t, noise(2<<20))
	r := s.reader(t)
	p := make([]byte, 100<<10)
	_, err := r.ReadAt(p, 0)
	require.NoError(t, err)
	s.server.Plant(t, s.name, logKey, noise(2 << 20)[1:])
	for _, read := range []struct {
		n   int
		off int64
	}{{100, 5}, {100 << 10, 1 << 20}} {
		_, err = r.ReadAt(p[:read.n], read.off)
		var changed *ChangedError
		require.ErrorAs(t, err, &changed)
		require.Equal(t, logKey, changed.Key)
		require.Equal(t, s.entry.ETag, changed.Want)
		require.ErrorContains(t, err, "was written over while it was read")
	}
	s.server.Plant(t, s.name, logKey, []byte("short"))
	_, err = r.ReadAt(p, 1<<20)
	require.ErrorAs(t, err, new(*ChangedError), "shorter than where we are")
}

// A store that ignores If-Match or Range must not get its bytes in.
func TestReader_AStoreThatIgnoresWhatIsAsked(t *testing.T) {
	s := newShelf(t, noise(1<<20))
	p := make([]byte, 100)
	s.faults.Set(func(r *http.Request) *s3test.Fault {
		return &s3test.Fault{Status: 200, Header: http.Header{"Etag": {`"other"`}}}
	})
	_, err := s.reader(t).ReadAt(p, 500)
	var changed *ChangedError
	require.ErrorAs(t, err, &changed)
	require.Equal(t, `"other"`, changed.Have)
	s.faults.Set(func(r *http.Request) *s3test.Fault {
		return &s3test.Fault{Status: 200, Header: http.Header{"Etag": {s.entry.ETag}}}
	})
	_, err = s.reader(t).ReadAt(p, 500)
	require.ErrorAs(t, err, new(*sink.RefusedError))
	require.ErrorContains(t, err, "the store ignores Range")
}

// An object that the store unpacks on the way is read as it is stored, from its start and elsewhere.
func TestReader_AnObjectThatTheStoreUnpacks(t *testing.T) {
	s := newShelf(t, noise(1<<20))
	s.faults.Set(s3test.GoogleUnpacks(logKey, s.entry.ETag, false))
	p := make([]byte, 100)
	_, err := s.reader(t).ReadAt(p, 500)
	require.NoError(t, err)
	require.Equal(t, s.body[500:600], p)
	all, err := io.ReadAll(s.reader(t))
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.body, all))
	s.faults.Set(s3test.GoogleUnpacks(logKey, s.entry.ETag, true))
	for _, off := range []int64{0, 500} {
		_, err = s.reader(t).ReadAt(p, off)
		require.ErrorIs(t, err, ErrUnpacked)
	}
	_, err = io.ReadAll(s.reader(t))
	require.ErrorIs(t, err, ErrUnpacked)
}

func TestReader_DamagedOnTheWay_IsSeenAtTheEnd(t *testing.T) {
	s := newShelf(t, noise(100<<10))
	s.faults.Times(1, "GET", s3test.Fault{FlipDown: true})
	_, err := io.ReadAll(s.reader(t))
	require.ErrorAs(t, err, new(*sink.DamagedError))
	require.NotErrorAs(t, err, new(*sink.TransientError), "reading on would not mend it")
	_, err = io.ReadAll(s.reader(t))
	require.NoError(t, err)
}

func TestReader_GivesUpWithoutProgress(t *testing.T) {
	s := newShelf(t, noise(100<<10))
	s.opts.Patience = 300 * time.Millisecond
	var waits []string
	s.opts.OnRetry = func(what string, attempt int, wait time.Duration, err error) {
		waits = append(waits, fmt.Sprint(what, " ", attempt))
		require.Error(t, err)
	}
	s.faults.Set(func(*http.Request) *s3test.Fault { return &s3test.Fault{Status: 503} })
	_, err := s.reader(t).ReadAt(make([]byte, 100), 0)
	require.ErrorAs(t, err, new(*sink.TransientError))
	require.ErrorContains(t, err, "gave up after")
	require.NotEmpty(t, waits)
	require.Equal(t, "read "+logKey+" 1", waits[0])
	_, err = s.Stat(t.Context(), logKey)
	require.ErrorAs(t, err, new(*sink.TransientError))
	for _, err := range s.List(t.Context(), "") {
		require.ErrorAs(t, err, new(*sink.TransientError))
	}

	s.faults.Set(func(*http.Request) *s3test.Fault {
		return &s3test.Fault{Status: 403, Code: "AccessDenied"}
	})
	s.gets()
	_, err = s.reader(t).ReadAt(make([]byte, 100), 0)
	require.ErrorAs(t, err, new(*sink.RefusedError))
	require.Equal(t, 1, s.gets(), "what is refused is asked once")
}

func TestReader_OutlastsARestart(t *testing.T) {
	s := newShelf(t, noise(8<<20))
	r := s.reader(t)
	p := make([]byte, len(s.body)/2)
	_, err := io.ReadFull(r, p)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.body[:len(p)], p))
	s.server.Kill()
	read := make(chan error)
	go func() {
		_, err := io.ReadFull(r, p)
		read <- err
	}()
	s.server.Restart(t)
	require.NoError(t, <-read)
	require.True(t, bytes.Equal(s.body[len(p):], p))
}

func TestReader_Close_EndsAReadThatHangs(t *testing.T) {
	s := newShelf(t, noise(1<<20))
	hangs := make(chan struct{}, 1)
	s.faults.Set(func(*http.Request) *s3test.Fault {
		hangs <- struct{}{}
		return &s3test.Fault{After: time.Hour}
	})
	r := s.reader(t)
	read := make(chan error)
	go func() {
		_, err := r.Read(make([]byte, 10))
		read <- err
	}()
	<-hangs
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-read, context.Canceled)
	_, err := r.ReadAt(make([]byte, 10), 0)
	require.ErrorIs(t, err, context.Canceled)
}

// What a Store gives is a Reader, too.
func TestStore_Get_IsAReaderAt(t *testing.T) {
	server := s3test.Start(t)
	s := open(t, server.URL(server.Bucket(t)))
	b := noise(1 << 20)
	require.NoError(t, s.Put(t.Context(), sinktest.Object(key, b)))
	r, info, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	defer r.Close()
	p := make([]byte, 8)
	_, err = r.(io.ReaderAt).ReadAt(p, info.Size-8)
	require.NoError(t, err)
	require.True(t, bytes.Equal(b[len(b)-8:], p))
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, bytes.Equal(b, got))
}
