package tail

import (
	"io"
	"io/fs"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/sink"
)

// unreadable is a spool that cannot be read while err is set: its manifests, or its objects.
type unreadable struct {
	commit.Spool
	manifests, objects atomic.Pointer[error]
}

func (u *unreadable) Manifest(name string) ([]byte, error) {
	if err := u.manifests.Load(); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: *err}
	}
	return u.Spool.Manifest(name)
}

// Open opens an object that cannot be read, or fails at once.
func (u *unreadable) Open(name string, i int) (io.ReadCloser, error) {
	err := u.objects.Load()
	if err == nil {
		return u.Spool.Open(name, i)
	}
	if *err == syscall.EMFILE {
		return nil, &fs.PathError{Op: "open", Path: name, Err: *err}
	}
	return io.NopCloser(badReader{*err}), nil
}

type badReader struct{ err error }

func (r badReader) Read([]byte) (int, error) { return 0, r.err }

// What the spool cannot give now is not gone: nothing is cut again or declared for it, and it ships once
// it can.
func TestTail_SpoolThatCannotBeReadIsNotGone(t *testing.T) {
	for _, errno := range []error{syscall.EMFILE, syscall.EIO} {
		for _, manifests := range []bool{true, false} {
			inPond(t, func(t *testing.T, p *pond) {
				l := newLosing(p)
				p.fs.Write("/logs/a", []byte("a1\n"))
				p.start()
				p.pass(6 * time.Minute)
				l.sealEach("a2\n")
				l.loseSpool(func(int) bool { return false })
				p.store = func(s sink.Store) sink.Store { return lateStore{s} }
				spool := &unreadable{}
				p.spools = func(s commit.Spool) commit.Spool {
					spool.Spool = s
					return spool
				}
				p.start()
				at := &spool.objects
				if manifests {
					at = &spool.manifests
				}
				at.Store(&errno)
				p.pass(time.Hour)
				require.Empty(t, p.losses())
				require.Equal(t, []string{"a1"}, p.lines())
				require.NotEmpty(t, p.inSpool())
				require.NotEmpty(t, p.tail.Status().Problems)
				at.Store(nil)
				p.pass(5 * time.Minute)
				p.wantLines("a1", "a2")
				require.Empty(t, p.losses())
				require.Empty(t, p.tail.Status().Problems)
			})
		}
	}
}
