package tail

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/table"
)

// damage spoils the objects of all batches in the spool and leaves their manifests.
func (l *losing) damage() (body []byte) {
	l.t.Helper()
	body = l.loseSpool(func(int) bool { return false })
	objects, err := filepath.Glob(filepath.Join(l.dir, "state", "spool", "*", "0"))
	require.NoError(l.t, err)
	require.NotEmpty(l.t, objects)
	for _, path := range objects {
		require.NoError(l.t, os.WriteFile(path, []byte("spoiled"), 0o666))
	}
	return body
}

// What is left of a batch in the spool is not taken for one that is sealed again.
func TestTail_TakesALossBackOverADamagedBatch(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.sealEach("a2\n")
		body := l.damage()
		p.start()
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"lost deleted"}, p.losses())
		p.fs.Write("/logs/b", body)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		require.Empty(t, p.verify().Lost)
		p.finish()
		require.Empty(t, p.inSpool())
	})
}

// It dies after it has declared a damaged batch and before its ledger says so: then the loss is its
// own.
func TestTail_DiesOnceADamagedBatchIsDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.sealEach("a2\n")
		body := l.damage()
		p.store = func(s sink.Store) sink.Store {
			return lossPut{s, func() { p.dead.Store(true) }}
		}
		p.start()
		p.pass(10 * time.Minute)
		require.True(t, p.dead.Load(), "no loss was put")
		p.kill()
		p.store = nil
		p.fs.Write("/logs/c", []byte("c1\n"))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "c1")
		p.fs.Write("/logs/b", body)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "c1")
		require.Empty(t, p.verify().Lost)
	})
}

// lossPut dies once it has put a loss.
type lossPut struct {
	sink.Store
	die func()
}

func (s lossPut) Put(ctx context.Context, o sink.Object) error {
	err := s.Store.Put(ctx, o)
	r, _ := o.Open()
	body, _ := io.ReadAll(r)
	if _, bad := table.ParseLoss(body); bad == nil {
		s.die()
		return errKilled
	}
	return err
}

// Losses of many files are taken back also when the spool is full, and the sink goes away meanwhile.
func TestTail_TakesLossesBackWhileTheSpoolIsFull(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		var want []string
		for i := range 40 {
			p.fs.Write(fmt.Sprintf("/logs/f%d", i), fmt.Appendf(nil, "a%d\n", i))
			want = append(want, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i), fmt.Sprintf("c%d", i))
		}
		p.start()
		p.pass(6 * time.Minute)
		l.down.Store(true)
		bodies := map[string][]byte{}
		for i := range 40 {
			path := fmt.Sprintf("/logs/f%d", i)
			p.fs.Append(path, fmt.Appendf(nil, "b%d\n", i))
			bodies[path] = fmt.Appendf(p.fs.Bytes(path), "c%d\n", i)
		}
		p.pass(6 * time.Minute)
		p.fs.Write("/logs/a", nil)
		l.loseSpool(everyOne)
		for path := range bodies {
			p.fs.Remove(path)
		}
		p.start()
		p.pass(10 * time.Minute)
		require.Len(t, p.losses(), 40)
		p.spool = 20 << 10
		p.finish()
		l.down.Store(true)
		for path, body := range bodies {
			p.fs.Write(path, body)
		}
		p.start()
		p.pass(time.Hour)
		l.down.Store(false)
		p.pass(time.Hour)
		p.wantLines(want...)
		require.Empty(t, p.verify().Lost)
	})
}

// A tail that takes losses back while the sink goes away ends when it is told to.
func TestTail_EndsWhileALossWaitsForTheSink(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.sealEach("a2\n")
		body := l.loseSpool(everyOne)
		p.start()
		p.pass(10 * time.Minute)
		l.down.Store(true)
		p.fs.Write("/logs/b", body)
		p.pass(time.Minute)
		p.fs.Append("/logs/b", []byte("a3\n"))
		p.pass(6 * time.Minute)
		require.NotEmpty(t, p.inSpool(), "it goes on to be read")
		began := time.Now()
		p.finish()
		require.Less(t, time.Since(began), time.Minute)
		l.down.Store(false)
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.verify().Lost)
	})
}

// What was rejected when it was sealed does not keep a stream that halts from taking it back.
func TestTail_TakesBackWhatWouldHalt(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.sealEach("bad\n")
		body := l.loseSpool(everyOne)
		p.start()
		p.pass(10 * time.Minute)
		p.finish()
		p.cfg.Streams[0].Rejects = commit.RejectLimit{MaxRatio: 0.01, Halt: true}
		p.fs.Write("/logs/b", body)
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "bad")
		require.Empty(t, p.verify().Lost)
	})
}

// lateStore takes its time until it is reached.
type lateStore struct{ sink.Store }

func (s lateStore) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	if key == table.RootKey {
		time.Sleep(10 * time.Minute)
	}
	return s.Store.Get(ctx, key)
}

// An archive whose batches the spool has lost before they shipped is read again, though it was put
// away before its lane found that out.
func TestTail_ReadsAnArchiveAgain(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/other", []byte("o1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.down.Store(true)
		p.fs.Write("/logs/a.gz", filestest.Gzip([]byte("a1\na2\n")))
		p.pass(6 * time.Minute)
		p.fs.Write("/logs/a", nil)
		l.loseSpool(everyOne)
		p.store = func(s sink.Store) sink.Store { return lateStore{s} }
		p.start()
		p.pass(time.Hour)
		p.wantLines("a1", "a2", "o1")
		require.Empty(t, p.losses())
	})
}
