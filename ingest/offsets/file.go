package offsets

import (
	"bytes"
	"fmt"

	"logseal/ingest/source"
)

// FileRecord remembers a file that was read to its end: while its state is unchanged it need not be
// opened. It falls with its source: once that is given up it is not believed any more, also when
// another file takes the source's key. Nor is it believed where the source has gone on otherwise, as it
// does when another writer's batch won: what is remembered is the content, by its chain.
type FileRecord struct {
	Path  string
	State FileState
	// Key is the source that the file was proved to be.
	Key source.Key
	// Offset is where the file ends, in decompressed bytes, and Chain its chain there: an end of the
	// source.
	Offset int64
	Chain  source.Digest
}

// GetFile returns what is remembered of the file at path; false when nothing is.
func (l *Ledger) GetFile(table source.Table, path string) (f FileRecord, ok bool, err error) {
	err = l.db.view(func(t *tx) error {
		f, ok, err = t.file(table, path)
		return err
	})
	return f, ok, err
}

// PutFile remembers files in one transaction. Each file's source must be of the table, and the ledger
// must have it: an error that is ErrNoSource says that it does not. Other errors are as for Update.
func (l *Ledger) PutFile(table source.Table, files ...FileRecord) error {
	return l.db.change("remember files", func(t *tx) error {
		for _, f := range files {
			if err := t.putFile(table, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// file returns a file that is remembered of a source that is still there.
func (t *tx) file(table source.Table, path string) (FileRecord, bool, error) {
	b := t.get(bucketFiles, fileKey(table, path))
	if b == nil {
		return FileRecord{}, false, nil
	}
	f, serial, err := decodeFile(path, b)
	if err != nil {
		return f, false, t.damaged("file "+path, err)
	}
	// Delete leaves the records of a source behind: to find them it would have to read all there are.
	s, ok, err := t.source(f.Key)
	if err != nil || !ok || s.Serial != serial {
		return FileRecord{}, false, err
	}
	if end := t.get(bucketEnds, endKey(f.Key, f.Offset)); !bytes.Equal(end, f.Chain[:]) {
		return FileRecord{}, false, nil
	}
	return f, true, nil
}

func (t *tx) putFile(table source.Table, f FileRecord) error {
	if f.Key.Table != table {
		return fmt.Errorf("remember file %s: its source %s is not of table %s", f.Path, f.Key, table)
	}
	s, ok, err := t.source(f.Key)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("remember file %s as source %s: %w", f.Path, f.Key, ErrNoSource)
	}
	b, err := encodeFile(f, s.Serial)
	if err != nil {
		return err
	}
	return t.put(bucketFiles, fileKey(table, f.Path), b)
}
