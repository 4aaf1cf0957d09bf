package tail

import (
	"context"
	"io"
	"io/fs"
	"sync/atomic"
	"syscall"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// mortal is a ledger, spool and store that do nothing any more once their process is dead.
type mortalStore struct {
	sink.Store
	dead *atomic.Bool
}

func (s mortalStore) Put(ctx context.Context, o sink.Object) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.Store.Put(ctx, o)
}

type mortalLedger struct {
	commit.Ledger
	dead  *atomic.Bool
	scans *atomic.Int64
}

func (l mortalLedger) All() ([]source.Key, error) {
	l.scans.Add(1)
	return l.Ledger.All()
}

func (l mortalLedger) Update(key source.Key, fn func(*offsets.Source) error) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.Update(key, fn)
}

func (l mortalLedger) Delete(key source.Key) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.Delete(key)
}

func (l mortalLedger) PutFile(t source.Table, some ...offsets.FileRecord) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.PutFile(t, some...)
}

func (l mortalLedger) PutSightings(some ...offsets.Sighting) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.PutSightings(some...)
}

func (l mortalLedger) ForgetSighting(key source.Key, declared source.Range) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.ForgetSighting(key, declared)
}

func (l mortalLedger) Accept(t source.Table, epoch source.Digest) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.Accept(t, epoch)
}

func (l mortalLedger) SetFirstLook(t source.Table, underWay bool) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.SetFirstLook(t, underWay)
}

type mortalSpool struct {
	commit.DiskSpool
	dead, full *atomic.Bool
	unreadable *atomic.Value
}

// trouble is what opening a batch meets.
func (s mortalSpool) trouble(name string) error {
	if fault, _ := s.unreadable.Load().(syscall.Errno); fault != 0 {
		return &fs.PathError{Op: "open", Path: name, Err: fault}
	}
	return nil
}

func (s mortalSpool) Open(name string, i int) (io.ReadCloser, error) {
	if err := s.trouble(name); err != nil {
		return nil, err
	}
	return s.DiskSpool.Open(name, i)
}

func (s mortalSpool) Manifest(name string) ([]byte, error) {
	if err := s.trouble(name); err != nil {
		return nil, err
	}
	return s.DiskSpool.Manifest(name)
}

func (s mortalSpool) Reserve(ctx context.Context, n int64) (func(), error) {
	for s.full.Load() {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.DiskSpool.Reserve(ctx, n)
}

func (s mortalSpool) Stage() (commit.Stage, error) {
	if s.dead.Load() {
		return nil, errKilled
	}
	stage, err := s.DiskSpool.Stage()
	return mortalStage{stage, s.dead}, err
}

func (s mortalSpool) SetApart(name string) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.DiskSpool.SetApart(name)
}

func (s mortalSpool) Remove(name string) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.DiskSpool.Remove(name)
}

type mortalStage struct {
	commit.Stage
	dead *atomic.Bool
}

func (s mortalStage) Commit(name string, objects []string, manifest []byte) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.Stage.Commit(name, objects, manifest)
}

func (s mortalStage) CommitHeld(name string, objects []string, manifest []byte) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.Stage.CommitHeld(name, objects, manifest)
}
