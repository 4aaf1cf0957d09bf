package offsets

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"logseal/ingest/durable"
)

// Open opens the ledger in dir, or makes it, and locks the folder until Close. Of want it takes
// Sink and Origin, which is noted if none was. It returns *LockedError, *DamagedError or
// *MismatchError.
func Open(dir string, want Meta) (*Ledger, error) {
	if err := durable.MakeDir(folders{dir}, dir); err != nil {
		return nil, fmt.Errorf("make state folder: %w", err)
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	l, err := openLocked(dir, want)
	if err != nil {
		lock.Close()
		return nil, err
	}
	l.lock = lock
	return l, nil
}

// openLocked is Open with the lock held.
func openLocked(dir string, want Meta) (*Ledger, error) {
	created := false
	// Lstat: a link to a file that is gone is not the absence of a ledger.
	_, err := os.Lstat(ledgerPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		created = true
		err = create(dir, want)
	}
	if err != nil {
		return nil, fmt.Errorf("make ledger: %w", err)
	}
	l, err := openFile(ledgerPath(dir), false)
	if err != nil {
		return nil, err
	}
	l.meta.Created = created
	// What was read may be a killed process's last write, which only the system's memory has: it
	// must be durable before anyone acts on it.
	if err = l.belongsTo(want); err == nil {
		err = errors.Join(l.db.file.Sync(), durable.SyncDir(dir))
	}
	if err == nil && want.Origin != "" {
		err = l.NoteOrigin(want.Origin)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Ledger) belongsTo(want Meta) error {
	if want.Sink != "" && l.meta.Sink != want.Sink {
		return &MismatchError{Path: l.db.path, What: "sink", Have: l.meta.Sink, Want: want.Sink}
	}
	return nil
}

// OpenReadOnly opens the ledger in dir for reading; it creates and changes nothing. It returns an
// error that is fs.ErrNotExist when there is none, *LockedError beside a writer, *DamagedError.
// Writers are kept out until Close.
func OpenReadOnly(dir string) (*Ledger, error) {
	lock, err := shareLock(dir)
	if err != nil {
		return nil, err
	}
	l, err := openFile(ledgerPath(dir), true)
	if err != nil {
		if lock != nil {
			lock.Close()
		}
		return nil, err
	}
	l.lock = lock
	return l, nil
}

// Aside renames the ledger's file in dir so that Open makes a new one, and returns its new path.
// It returns *LockedError beside a writer, and fs.ErrNotExist when there is no ledger.
func Aside(dir string) (string, error) {
	lock, err := takeLock(dir)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("set ledger aside: %w", err)
	}
	defer root.Close()
	for n := 1; ; n++ {
		name := FileName + ".aside-" + strconv.Itoa(n)
		_, err := root.Lstat(name)
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("set ledger aside: %w", err)
		}
		if err := root.Rename(FileName, name); err != nil {
			return "", fmt.Errorf("set ledger aside: %w", err)
		}
		if err := durable.SyncDir(dir); err != nil {
			return "", fmt.Errorf("set ledger aside: %w", err)
		}
		return filepath.Join(dir, name), nil
	}
}

// create makes an empty ledger: under another name first, so that a ledger is whole or absent.
//
//	open(ledger.db.tmp, O_CREAT), pwrite, fdatasync, …   bbolt's own, twice: pages, meta
//	rename(ledger.db.tmp, ledger.db)
//	fsync(dir)
//
// If we crash before the rename, the next create starts over; after it, the ledger is whole.
func create(dir string, want Meta) error {
	const temp = FileName + ".tmp"
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	options := boltOptions()
	options.OpenFile = func(_ string, flag int, _ os.FileMode) (*os.File, error) {
		return openIn(dir, temp, flag|os.O_EXCL)
	}
	db, err := bbolt.Open(filepath.Join(dir, temp), fileMode, options)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(func(b *bbolt.Tx) error { return fill(b, want) }),
		db.Close()); err != nil {
		return err
	}
	if err := root.Rename(temp, FileName); err != nil {
		return err
	}
	return durable.SyncDir(dir)
}

// fill writes what every ledger has.
func fill(b *bbolt.Tx, want Meta) error {
	for _, name := range buckets {
		if _, err := b.CreateBucket(name); err != nil {
			return err
		}
	}
	var id [8]byte
	rand.Read(id[:])
	meta, err := encode(storedMeta{Format, hex.EncodeToString(id[:]), text(want.Sink), want.Origin})
	if err != nil {
		return err
	}
	t := &tx{bolt: b}
	if err := t.put(bucketMeta, keyMeta, meta); err != nil {
		return err
	}
	return t.putSum()
}

func boltOptions() *bbolt.Options {
	return &bbolt.Options{
		// Only a program that knows nothing of our lock can hold bbolt's; 0 would wait without limit.
		Timeout:      time.Second,
		PageSize:     pageSize,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
	}
}

// openFile opens the ledger at path, which is there, and reads all of it.
func openFile(path string, readOnly bool) (*Ledger, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	db := &database{path: path}
	options := boltOptions()
	options.ReadOnly = readOnly
	options.OpenFile = func(name string, flag int, _ os.FileMode) (f *os.File, err error) {
		db.file, err = openIn(filepath.Dir(name), filepath.Base(name), flag&^os.O_CREATE)
		return db.file, err
	}
	err := guard(path, func() (err error) {
		db.bolt, err = bbolt.Open(path, fileMode, options)
		return err
	})
	if err != nil {
		if db.file != nil {
			db.file.Close() // again, unless bbolt panicked: its lock must not stay
		}
		if errors.Is(err, bolterrors.ErrTimeout) {
			return nil, &LockedError{Dir: filepath.Dir(path)}
		}
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{db: db}
	if err := db.guard(l.readAll); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// checkFile checks the file at path before bbolt gets it.
func checkFile(path string) error {
	f, err := openIn(filepath.Dir(path), filepath.Base(path), os.O_RDONLY)
	if errors.As(err, new(*notRegularError)) {
		return &DamagedError{Path: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	if err := checkPages(f, info.Size()); errors.Is(err, errOtherPages) {
		return otherFormat(path, "another program's bbolt file")
	} else if err != nil {
		return &DamagedError{Path: path, Err: err}
	}
	return nil
}

// readAll holds every entry against the sum and fills l.meta.
func (l *Ledger) readAll() error {
	b, err := l.db.bolt.Begin(false)
	if err != nil {
		return err
	}
	defer b.Rollback()
	bucket := b.Bucket(bucketMeta)
	if bucket == nil || bucket.Get(keyMeta) == nil {
		return otherFormat(l.db.path, "another program's bbolt file")
	}
	stored, err := decodeMeta(l.db.path, bucket.Get(keyMeta))
	if err != nil {
		return err
	}
	l.meta = Meta{Format: stored.Format, WriterID: stored.WriterID, Sink: string(stored.Sink),
		Origin: stored.Origin}
	t, err := begin(l.db.path, b)
	if err != nil {
		return err
	}
	return t.checkSum()
}

// decodeMeta reads who the ledger at path belongs to.
func decodeMeta(path string, b []byte) (storedMeta, error) {
	var version struct {
		Format int `json:"format"`
	}
	var stored storedMeta
	if err := json.Unmarshal(b, &version); err != nil {
		return stored, &DamagedError{Path: path, Err: fmt.Errorf("read its format: %w", err)}
	}
	if version.Format != Format {
		return stored, otherFormat(path, strconv.Itoa(version.Format))
	}
	if err := decode(b, &stored); err != nil {
		return stored, &DamagedError{Path: path, Err: fmt.Errorf("read its owner: %w", err)}
	}
	return stored, nil
}

func otherFormat(path, have string) error {
	return &MismatchError{Path: path, What: "format", Have: have, Want: strconv.Itoa(Format)}
}
