package spool

import (
	"context"
	"errors"
	"io"
	"os"

	"logseal/ingest/source"
)

// ErrUnusable is returned by every change to a Spool after the fsync of a folder failed: what is
// durable is unknown. Open the spool again and Recover.
var ErrUnusable = errors.New("spool must be opened again after a failed fsync")

// FullError says that the disk, or its quota, is full. What was asked for was not done; it may be
// tried again, with a new Stage, when there is room.
type FullError struct {
	Path string
	Err  error
}

func (e *FullError) Error() string { return "disk is full at " + e.Path + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *FullError) Unwrap() error { return e.Err }

// ConflictError says that the spool has another batch of this name: the encoder is not
// deterministic, or the disk is damaged.
type ConflictError struct{ Name string }

func (e *ConflictError) Error() string {
	return "spool has " + e.Name + " with another manifest"
}

// Name is the name of the batch of a source's range: <sid>-<start>-<end>-<seal>.
func Name(id source.ID, r source.Range, seal source.Seal) string {
	return id.String() + "-" + r.Name() + "-" + seal.String()
}

// ParseName reads what Name gives.
func ParseName(name string) (source.ID, source.Range, source.Seal, error) { panic("not yet") }

// Entry is a complete batch.
type Entry struct {
	Name     string
	Manifest []byte
	Size     int64 // of all its files
}

// Spool is an open spool. All methods may be called concurrently, but one name by one goroutine.
type Spool struct{}

// Open opens the spool in dir, which it makes if there is none. Call Recover before anything else.
// limit is how many bytes Reserve lets it grow to, 0 for no limit.
func Open(dir string, limit int64) (*Spool, error) { panic("not yet") }

// List returns the complete batches of the spool in dir, by name. It only reads, and may run
// beside the process that uses the spool. No folder is no batches.
func List(dir string) ([]Entry, error) { panic("not yet") }

// Recover removes what a crash left half done and returns the complete batches, by name. It is
// called once, before the first Stage.
func (s *Spool) Recover() ([]Entry, error) { panic("not yet") }

// List returns the complete batches, by name.
func (s *Spool) List() ([]Entry, error) { panic("not yet") }

// Has reports whether there is a complete batch called name.
func (s *Spool) Has(name string) bool { panic("not yet") }

// Open opens the i-th object of a batch, as its manifest counts them, and gives its size.
func (s *Spool) Open(name string, i int) (*os.File, int64, error) { panic("not yet") }

// Manifest returns the manifest of a batch.
func (s *Spool) Manifest(name string) ([]byte, error) { panic("not yet") }

// Remove removes a batch. That there is none is no error. After an error the batch may be there
// whole, or be rubbish that the next Recover or Commit of that name removes.
func (s *Spool) Remove(name string) error { panic("not yet") }

// Size is how many bytes the complete batches hold.
func (s *Spool) Size() int64 { panic("not yet") }

// Reserve waits until n more bytes fit under the limit: batches and other reservations counted.
// When there are neither it returns at once whatever n is, so one batch always passes. The caller
// must call release, once its batch is committed or given up; more calls do nothing.
func (s *Spool) Reserve(ctx context.Context, n int64) (release func(), err error) {
	panic("not yet")
}

// Hold stops counting a batch against the limit until the spool is opened again: that of a source
// that is stopped must not keep others from going on.
func (s *Spool) Hold(name string) { panic("not yet") }

// Stage starts a new batch.
func (s *Spool) Stage() (*Stage, error) { panic("not yet") }

// Stage is a batch being made. One goroutine owns it; the writers that Create gives may be used
// by others, one each.
type Stage struct{}

// Create makes a file of the batch. Its bytes are durable once its Close returned nil.
func (s *Stage) Create(name string) (io.WriteCloser, error) { panic("not yet") }

// Commit makes the batch complete and durable under name, with the staged file objects[i] as its
// i-th object. Every staged file must be closed and named once. When the spool has a complete
// batch of this name with the same manifest, the new one is dropped; with another manifest it
// returns *ConflictError. After any other error the batch may be there whole, or not at all.
func (s *Stage) Commit(name string, objects []string, manifest []byte) error { panic("not yet") }

// Abort removes what was staged. After Commit returned nil it does nothing.
func (s *Stage) Abort() error { panic("not yet") }
