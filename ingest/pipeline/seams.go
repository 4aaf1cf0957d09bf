package pipeline

import (
	"context"
	"io"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/spool"
)

// Ledger is what the pipeline asks of *offsets.Ledger. Every change is one durable transaction;
// after an error it may have been made or not, and the run ends.
type Ledger interface {
	Empty() bool
	Get(source.Key) (*offsets.Source, bool, error)
	Ends(source.Key) ([]offsets.End, error)
	All() ([]source.Key, error)
	Update(source.Key, func(*offsets.Source) error) error
	Delete(source.Key) error
	GetFile(source.Table, string) (offsets.FileRecord, bool, error)
	PutFile(source.Table, ...offsets.FileRecord) error
	Files(source.Table) ([]offsets.FileRecord, error)
}

// Spool is what the pipeline asks of *spool.Spool: sealed batches on local disk, each whole or not
// there.
type Spool interface {
	Stage() (Stage, error)
	Recover() ([]spool.Entry, error)
	Manifest(name string) ([]byte, error)
	// Open opens the i-th file of a complete batch.
	Open(name string, i int) (io.ReadCloser, error)
	Remove(name string) error
	// Reserve waits for room for n more bytes; release gives it back once they count themselves.
	Reserve(ctx context.Context, n int64) (release func(), err error)
	// Hold stops counting a batch that cannot be shipped now.
	Hold(name string)
}

// Stage is what the pipeline asks of *spool.Stage: a batch being written.
type Stage interface {
	Create(name string) (io.WriteCloser, error)
	Commit(name string, objects []string, manifest []byte) error
	Abort() error
}

// DiskSpool makes a *spool.Spool a Spool.
type DiskSpool struct{ *spool.Spool }

// Stage starts a new batch.
func (s DiskSpool) Stage() (Stage, error) { return s.Spool.Stage() }

// Open opens the i-th file of a batch.
func (s DiskSpool) Open(name string, i int) (io.ReadCloser, error) {
	f, _, err := s.Spool.Open(name, i)
	return f, err
}

var (
	_ Ledger = (*offsets.Ledger)(nil)
	_ Spool  = DiskSpool{}
)
