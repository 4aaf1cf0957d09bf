package tail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

var diskIsFull atomic.Bool

func TestTail_StartAtEndOfAnEmptyFile(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/a", nil)
		p.start()
		p.pass(10 * time.Minute)
		p.fs.Append("/logs/a", []byte("a1\na2\n"))
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2")
	})
}

func TestTail_TruncatedWhileTheSpoolIsFull(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.spoolIsFull(true)
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(20 * time.Second) // a cut waits for room
		p.fs.Append("/logs/a", bytes.Repeat([]byte("a3\n"), 100))
		p.pass(20 * time.Second)
		p.fs.Truncate("/logs/a", 0)
		p.pass(20 * time.Second)
		p.spoolIsFull(false)
		p.pass(10 * time.Minute)
		require.True(t, len(p.lines()) == 102 || len(p.losses()) > 0, "neither rows nor a loss")
	})
}

func TestTail_RenamedThenDeletedWhileDown(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second) // noted
		p.fs.Rename("/logs/a", "/logs/a.1")
		p.fs.Write("/logs/a", []byte("b1\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a.1")
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "b1")
		require.Equal(t, []string{"note deleted"}, p.losses())
	})
}

func TestTail_NeverSealedThenDeletedWhileDown(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a")
		p.start()
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"note deleted"}, p.losses())
	})
}

func TestTail_UnreadableAfterRestartIsNotDeleted(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
			if op == filestest.OpOpen {
				return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
			}
			return nil
		})
		p.start()
		p.pass(10 * time.Minute)
		require.Empty(t, p.losses())
	})
}

func TestTail_RenamedBetweenLookAndOpen(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var done atomic.Bool
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
			if op == filestest.OpOpen && !done.Swap(true) {
				p.fs.Rename("/logs/a", "/logs/a.1")
				p.fs.Write("/logs/a", []byte("b1\n"))
			}
			return nil
		})
		p.start()
		p.pass(24 * time.Hour)
		p.wantLines("a1", "a2", "b1")
	})
}

func TestTail_WrittenJustBeforeTheCloseWait(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.PollInterval = time.Second
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(5 * time.Second)
		p.fs.Rename("/logs/a", "/old/a") // its writer goes on, a line or half a line each minute
		p.pass(60*time.Second + 500*time.Millisecond)
		p.fs.Append("/old/a", []byte("a2\na"))
		for i := range 5 {
			p.pass(30 * time.Second)
			p.fs.Append("/old/a", fmt.Appendf(nil, "%d\na", 3+i))
		}
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "a3", "a4", "a5", "a6", "a7", "a")
	})
}

func TestTail_EndsWhenTheDiskIsFull(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		defer diskIsFull.Store(false)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(10 * time.Second)
		diskIsFull.Store(true)
		p.stop()
		p.pass(time.Hour)
		paused := p.tail.Status().Paused
		select {
		case <-p.done:
		default:
			diskIsFull.Store(false)
			<-p.done
			p.gone()
			require.Fail(t, "an hour after SIGTERM it has not ended", "paused: %q", paused)
		}
	})
}

func TestTail_EndsWhenTheSpoolIsFullAndThereIsNoGrace(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Grace = 0
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(10 * time.Second)
		p.spoolIsFull(true)
		p.stop()
		p.pass(time.Hour)
		select {
		case <-p.done:
		default:
			p.spoolIsFull(false)
			<-p.done
			p.gone()
			require.Fail(t, "an hour after SIGTERM it has not ended")
		}
	})
}

type downStore struct {
	sink.Store
	down *atomic.Bool
	n    *atomic.Int64
}

func (s downStore) Put(ctx context.Context, o sink.Object) error {
	if s.down.Load() {
		return &sink.TransientError{Err: fmt.Errorf("put %s: down", o.Key)}
	}
	return s.Store.Put(ctx, o)
}

// other is a second ingestor on the same sink and files, with a state of its own.
func (p *pond) other(t *testing.T) *pond {
	q := newPond(t, t.TempDir())
	q.sink, q.fs = p.sink, p.fs
	p.others, q.others = append(p.others, q), append(q.others, p)
	return q
}

func TestTail_LostStartWhileTheSpoolIsFull(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.spool = 1
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: downStore{s, &down, nil}} }
		p.fs.Write("/logs/z", []byte("z1\n"))
		p.start()
		p.pass(time.Minute)
		p.finish()

		fs2 := filestest.New() // what somebody else makes of the same log
		fs2.Write("/logs/a", []byte("a1\n"))
		q := p.other(t)
		q.fs = fs2
		q.start()
		q.pass(time.Minute)
		q.finish()

		down.Store(true)
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(time.Minute) // sealed
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(time.Minute) // waits for room
		down.Store(false)
		p.pass(2 * time.Hour)
		require.Equal(t, []string{"a1", "a2", "a3", "z1"}, p.lines())
	})
}

// allDown is a sink that can neither be read nor written.
type allDown struct {
	sink.Store
	down *atomic.Bool
}

func (s allDown) Put(ctx context.Context, o sink.Object) error {
	return downStore{s.Store, s.down, nil}.Put(ctx, o)
}

func (s allDown) Get(ctx context.Context, key string) (r io.ReadCloser, i sink.Info, err error) {
	if s.down.Load() {
		return nil, i, &sink.TransientError{Err: fmt.Errorf("get %s: down", key)}
	}
	return s.Store.Get(ctx, key)
}

func TestTail_AbandonOfATruncatedFile(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/z", []byte("z1\n"))
		p.start()
		p.pass(time.Minute)
		p.finish()
		q := p.other(t)
		q.fs = filestest.New()
		q.fs.Write("/logs/a", []byte("h1\n"+strings.Repeat("x1\n", 1000)))
		q.start()
		q.pass(time.Minute)
		q.finish()

		down.Store(true)
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.fs.Write("/logs/a", []byte("h1\n"+strings.Repeat("y1\n", 1000)))
		p.start()
		p.pass(time.Minute) // sealed as k 0, which somebody else has
		p.fs.Truncate("/logs/a", 0)
		p.pass(10 * time.Second)
		down.Store(false)
		p.pass(3 * time.Hour)
		left, _ := os.ReadDir(p.dir + "/state/spool")
		require.True(t, strings.Contains(fmt.Sprint(p.lines()), "y1") || len(p.losses()) > 0 ||
			len(left) > 0, "y1 is in no manifest, not in the spool, not declared")
	})
}

func TestTail_HalfLineOfAnIncarnationWithoutAHead(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1"))
		p.start()
		p.pass(10 * time.Second)
		p.fs.Truncate("/logs/a", 0)
		p.fs.Append("/logs/a", []byte("b1\nb2\n"))
		p.pass(3 * time.Hour)
		p.wantLines("a1", "b1", "b2")
	})
}

func TestTail_ArchiveBeingWrittenAfterARestartHoldsBackALoss(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.kill()
		packed := filestest.Gzip(p.fs.Bytes("/logs/a"))
		p.fs.Remove("/logs/a")
		p.fs.Write("/logs/a.gz", packed[:12])
		p.start()
		for i := 12; i < len(packed); i++ {
			p.pass(10 * time.Second)
			p.fs.Append("/logs/a.gz", packed[i:i+1])
		}
		p.pass(5 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.losses())
	})
}

// A file that goes away, or moves, between the look that found it and its opening is no problem.
func TestTail_GoneSinceTheLook(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var log bytes.Buffer
		p.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		find := files.NewFinder(p.fs, []string{"/logs/*"}, nil).Find
		looks := 0
		p.cfg.Follow[0].Find = func(ctx context.Context) ([]files.Found, []files.Unread, error) {
			found, unread, err := find(ctx)
			if looks++; looks == 2 {
				p.fs.Remove("/logs/b")
				p.fs.Rename("/logs/c", "/logs/c.1")
			}
			return found, unread, err
		}
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.fs.Write("/logs/b", []byte("b1\n"))
		p.fs.Write("/logs/c", []byte("c1\n"))
		p.pass(10 * time.Minute)
		p.wantLines("a1", "c1")
		require.Empty(t, log.String())
	})
}
