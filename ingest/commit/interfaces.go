package commit

import (
	"context"
	"io"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/spool"
)

// Ledger is what a run asks of *offsets.Ledger. Every change is one durable transaction;
// after an error it may have been made or not, and the run ends.
type Ledger interface {
	SourceLedger
	FileLedger
	SightingLedger
	TableLedger
}

// SourceLedger has the sources.
type SourceLedger interface {
	Empty() bool
	Get(source.Key) (*offsets.Source, bool, error)
	Ends(source.Key) ([]offsets.End, error)
	Update(source.Key, func(*offsets.Source) error) error
	Delete(source.Key) error
	SourceLists
}

// SourceLists lists sources.
type SourceLists interface {
	// All reads all that ever was. It is for a sink that has nothing, where the ledger must not have
	// shipped anything.
	All() ([]source.Key, error)
	Waiting() ([]source.Key, error)
}

// FileLedger has the files that were read to their end.
type FileLedger interface {
	GetFile(source.Table, string) (offsets.FileRecord, bool, error)
	PutFile(source.Table, ...offsets.FileRecord) error
}

// SightingLedger has how long files are known to be. Only a tail asks for that.
type SightingLedger interface {
	Sighting(source.Key) (offsets.Sighting, bool, error)
	Behind() ([]offsets.Sighting, error)
	PutSightings(...offsets.Sighting) error
	ForgetSighting(source.Key, source.Range) error
}

// TableLedger has what a tail knows of a table: which definitions were accepted, and whether its files are
// being looked at for the first time.
type TableLedger interface {
	HasTable(source.Table) (bool, error)
	Accepted(source.Table, source.Digest) (bool, error)
	Accept(source.Table, source.Digest) error
	FirstLook(source.Table) (bool, error)
	SetFirstLook(table source.Table, underWay bool) error
}

// Spool is what a run asks of *spool.Spool: sealed batches on local disk, each whole or not
// there.
type Spool interface {
	Stage() (Stage, error)
	Recover() ([]spool.Entry, error)
	Remove(name string) error
	SpoolReader
	SpoolRoom
	HeldSpool
}

// SpoolReader reads complete batches.
type SpoolReader interface {
	Manifest(name string) ([]byte, error)
	// Open opens the i-th file of a batch.
	Open(name string, i int) (io.ReadCloser, error)
}

// SpoolRoom bounds what a spool holds.
type SpoolRoom interface {
	// Reserve waits for room for n more bytes; release gives it back once they count themselves.
	Reserve(ctx context.Context, n int64) (release func(), err error)
	// Hold stops counting a batch that cannot be shipped now.
	Hold(name string)
}

// HeldSpool has the batches that nobody ships.
type HeldSpool interface {
	// SetApart moves a batch to those that nobody ships; none is no error. Held lists these.
	SetApart(name string) error
	Held() ([]spool.Entry, error)
	RemoveHeld(name string) error
}

// Stage is what a run asks of *spool.Stage: a batch being written.
type Stage interface {
	Create(name string) (io.WriteCloser, error)
	Commit(name string, objects []string, manifest []byte) error
	CommitHeld(name string, objects []string, manifest []byte) error
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
