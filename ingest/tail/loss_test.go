package tail

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/table"
)

// losses gives the kind and reason of all declared losses.
func (p *pond) losses() (all []string) {
	for _, key := range p.sink.Keys() {
		if !strings.HasPrefix(key, "manifests/") {
			continue
		}
		if l, err := table.ParseLoss(p.sink.Body(key)); err == nil {
			all = append(all, string(l.Kind)+" "+string(l.Reason))
		}
	}
	return all
}

func TestTail_StartAtEndDeclaresWhatIsNotWanted(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/a", []byte("a1\na2\na"))
		p.fs.Write("/logs/old.gz", filestest.Gzip([]byte("b1\nb2")))
		p.start()
		p.pass(10 * time.Second)
		p.fs.Append("/logs/a", []byte("3\na4\n"))
		p.fs.Write("/logs/new", []byte("c1\n"))
		p.pass(6 * time.Minute)
		p.finish()
		p.wantLines("a3", "a4", "c1")
		require.Equal(t, []string{"lost not_wanted", "lost not_wanted"}, p.losses())

		p.fs.Append("/logs/a", []byte("a5\n"))
		p.fs.Write("/logs/more", []byte("d1\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.wantLines("a3", "a4", "a5", "c1", "d1")
	})
}

func TestTail_StartAtEndIsOfTheFirstStartAlsoWhenTheStateIsLost(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.finish()
		p.forgetState()
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.fs.Write("/logs/b", []byte("b1\n"))
		p.start()
		p.finish()
		p.wantLines("a2", "a3", "b1")
	})
}

func TestTail_DeletedWhileDownIsDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second) // it is read, and not sealed
		p.kill()
		body := p.fs.Bytes("/logs/a")
		p.fs.Remove("/logs/a")
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		require.Equal(t, []string{"note deleted"}, p.losses())
		require.Len(t, p.verify().Lost, 1)

		p.fs.Write("/logs/a.restored", body)
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.verify().Lost, "what turns up takes its loss back")
	})
}

func TestTail_TruncatedBeforeItCouldBeReadIsDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.HoldBytes = 1 // after the first few bytes nothing more is held until those are sealed
		p.spoolIsFull(true)
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(10 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.fs.Truncate("/logs/a", 0)
		p.pass(10 * time.Second)
		p.spoolIsFull(false)
		p.pass(10 * time.Minute)
		p.finish()
		p.wantLines("a1", "a2")
		require.Equal(t, []string{"note truncated"}, p.losses())
	})
}

func TestTail_NothingIsDeclaredOfFilesThatWereReadToTheirEnd(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(6 * time.Minute)
		p.finish()
		p.fs.Remove("/logs/a")
		p.start()
		p.pass(2 * time.Hour)
		p.wantLines("a1", "a2")
		require.Empty(t, p.losses())
	})
}

func TestTail_WhatWasSealedAndIsGoneFromSpoolAndDiskIsDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: downStore{s, &down, nil}} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		down.Store(true)
		p.fs.Append("/logs/a", []byte("a2\na3\n"))
		p.pass(6 * time.Minute) // it is sealed, and cannot be shipped
		body := p.fs.Bytes("/logs/a")
		p.kill()
		require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool")))
		p.fs.Remove("/logs/a")
		down.Store(false)
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1")
		require.Equal(t, []string{"lost deleted"}, p.losses())

		p.fs.Write("/logs/a.1", append(body, "a4\n"...))
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "a3", "a4")
		require.Empty(t, p.verify().Lost, "what turns up takes its loss back")
	})
}

func TestTail_DeletedBeforeAnythingWasSealedIsDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a")
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines()
		require.Equal(t, []string{"note deleted"}, p.losses())
		p.finish()
		p.start()
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"note deleted"}, p.losses())
	})
}

func TestTail_RotatedAndDeletedWhileDownIsDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(10 * time.Second)
		p.fs.Rename("/logs/a", "/logs/a.1")
		p.fs.Write("/logs/a", []byte("b1\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a.1")
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "b1")
		require.Equal(t, []string{"note deleted"}, p.losses())
	})
}

func TestTail_UnreadableIsNotDeleted(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.fs.SetFault(func(op filestest.Op, path string, _ int64) error {
			if op == filestest.OpOpen && path == "/logs/a" {
				return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
			}
			return nil
		})
		p.start()
		p.pass(10 * time.Minute)
		require.Empty(t, p.losses())
		p.fs.SetFault(nil)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		require.Empty(t, p.losses())
	})
}

func TestTail_StartAtEndWantsWhatComesLater(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/empty", nil)
		p.fs.Write("/logs/half", []byte("a"))
		p.start()
		p.pass(time.Minute)
		p.fs.Append("/logs/empty", []byte("b1\n"))
		p.fs.Append("/logs/half", []byte("1\na2\n"))
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "b1")
		require.Empty(t, p.losses())
	})
}

// A copy that took the inode of an archive which was read before is not known yet, however long it
// takes to open it.
func TestTail_NothingIsDeclaredWhileACopyHidesBehindAnInode(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.HoldBytes = 1 // after the first few bytes nothing more is held until those are sealed
		p.fs.Write("/logs/x.gz", filestest.Gzip([]byte("b1\n")))
		p.start()
		p.pass(6 * time.Minute)
		p.spoolIsFull(true)
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.pass(10 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.fs.Rename("/logs/x.gz", "/logs/a.1")
		p.fs.Overwrite("/logs/a.1", p.fs.Bytes("/logs/a"))
		p.fs.Truncate("/logs/a", 0)
		slow := true
		p.fs.SetFault(func(op filestest.Op, path string, _ int64) error {
			if op == filestest.OpOpen && path == "/logs/a.1" && slow {
				time.Sleep(10 * time.Minute)
				slow = false
			}
			return nil
		})
		p.spoolIsFull(false)
		p.pass(30 * time.Minute)
		p.fs.SetFault(nil)
		p.wantLines("a1", "a2", "a3", "b1")
		require.Empty(t, p.losses())
	})
}
