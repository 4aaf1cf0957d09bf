package offsets

import "logseal/ingest/source"

// Format is the version of the ledger's own format.
const Format = 1

// FileName and LockName are the files in the state folder that belong to the ledger.
const (
	FileName = "ledger.db"
	LockName = "lock"
)

// Meta says whose ledger it is.
type Meta struct {
	Format int
	// WriterID is random and made with the ledger: no two ledgers share it.
	WriterID string
	// Sink is the sink's name in full. "" when the state lies inside the folder sink: not compared.
	Sink string
	// Origin is the origin of all sources, "" for none.
	Origin string
	// Created says that this call to Open made the ledger.
	Created bool
}

// Ledger is an open ledger. All methods may be called concurrently.
type Ledger struct{}

// Open opens the ledger in dir, or makes it, and locks the folder until Close. Of want it takes
// Sink and Origin. It returns *LockedError, *DamagedError or *MismatchError.
func Open(dir string, want Meta) (*Ledger, error) { panic("not yet") }

// OpenReadOnly opens the ledger in dir for reading; it creates and changes nothing. It returns an
// error that is fs.ErrNotExist when there is none, *LockedError beside a writer, *DamagedError.
func OpenReadOnly(dir string) (*Ledger, error) { panic("not yet") }

// Check reads the whole ledger in dir and returns the first thing wrong with it, as Open's errors.
func Check(dir string) error { panic("not yet") }

// Aside renames the ledger's file in dir so that Open makes a new one, and returns its new path.
// It returns *LockedError beside a writer.
func Aside(dir string) (string, error) { panic("not yet") }

// Meta says whose ledger it is.
func (l *Ledger) Meta() Meta { panic("not yet") }

// Empty reports whether the ledger knows no source.
func (l *Ledger) Empty() bool { panic("not yet") }

// Get returns the source at key; false when there is none.
func (l *Ledger) Get(key source.Key) (*Source, bool, error) { panic("not yet") }

// Keys returns the keys of all sources of a table, sorted by their text form.
func (l *Ledger) Keys(table source.Table) ([]source.Key, error) { panic("not yet") }

// All returns the keys of all sources, sorted by their text form.
func (l *Ledger) All() ([]source.Key, error) { panic("not yet") }

// Ends returns the ends known of a source, by offset.
func (l *Ledger) Ends(key source.Key) ([]End, error) { panic("not yet") }

// Update changes the source at key in one transaction: when it returns nil the change is durable.
// fn gets the source as it is, or a new one (Sealed at the origin, LastStart -1, all else zero),
// and may run while other goroutines read. An error of fn, or a source that breaks the rules on
// Source, changes nothing. After *CommitError the ledger on disk may hold the old value or the
// new value, and the Ledger refuses further use.
func (l *Ledger) Update(key source.Key, fn func(s *Source) error) error { panic("not yet") }

// Delete forgets a source, its ends and the files remembered as it, in one transaction. It gives
// its k back. That there is none is no error. Errors are as for Update.
func (l *Ledger) Delete(key source.Key) error { panic("not yet") }

// GetFile returns what is remembered of the file at path; false when nothing is.
func (l *Ledger) GetFile(table source.Table, path string) (FileRecord, bool, error) { panic("not yet") }

// PutFile remembers files in one transaction. Errors are as for Update.
func (l *Ledger) PutFile(table source.Table, files ...FileRecord) error { panic("not yet") }

// Close releases the ledger and the lock. The Ledger must not be used after it.
func (l *Ledger) Close() error { panic("not yet") }
