package tail_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/stretchr/testify/require"
)

// lake reads what a sink holds without the help of the program: the manifests, and the objects that
// they name. Neither ever changes, so each is read once.
type lake struct {
	dir     string
	commits map[string]*commit // by path
	lines   map[string]int     // how often each is a row
}

// commit is a manifest or a declared loss.
type commit struct {
	Kind    string `json:"kind"` // of a loss
	Reason  string `json:"reason"`
	SID     string `json:"sid"`
	Start   int64  `json:"start"`
	End     *int64 `json:"end"`
	AtLeast *int64 `json:"at_least"`
	OpenEnd bool   `json:"open_end"`
	Rows    int    `json:"rows"`
	Rejects int    `json:"rejects"`
	Skipped int    `json:"skipped_bytes"`
	Objects []struct {
		Key  string `json:"key"`
		Rows int    `json:"rows"`
	} `json:"objects"`

	key     string
	rows    []record
	rejects []record
}

// record is a row or a reject.
type record struct {
	sid    string
	offset int64
	text   string // the column `line`, or the raw bytes
	reason string
}

func newLake(dir string) *lake { return &lake{dir, map[string]*commit{}, map[string]int{}} }

// read reads what is new and gives all.
func (l *lake) read(t testing.TB) []*commit {
	t.Helper()
	root := filepath.Join(l.dir, "manifests")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // there is none so far
			return nil
		}
		if err != nil || e.IsDir() || l.commits[path] != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		c, err := l.commit(path)
		if err == nil {
			l.commits[path] = c
			for _, r := range c.rows {
				l.lines[r.text]++
			}
		}
		return err
	})
	require.NoError(t, err)
	var all []*commit
	for _, c := range l.commits {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *commit) int { return strings.Compare(a.key, b.key) })
	return all
}

// commit reads a manifest and its objects.
func (l *lake) commit(path string) (*commit, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &commit{key: strings.TrimPrefix(path, l.dir+"/")}
	if err := json.Unmarshal(body, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, o := range c.Objects {
		column, into := "line", &c.rows
		if strings.HasPrefix(o.Key, "quarantine/") {
			column, into = "raw", &c.rejects
		}
		records, err := readRecords(filepath.Join(l.dir, o.Key), column)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Key, err)
		}
		if len(records) != o.Rows {
			return nil, fmt.Errorf("%s: %d rows, want %d", o.Key, len(records), o.Rows)
		}
		*into = append(*into, records...)
	}
	if len(c.rows) != c.Rows || len(c.rejects) != c.Rejects {
		return nil, fmt.Errorf("%s: objects have %d rows and %d rejects, want %d and %d",
			c.key, len(c.rows), len(c.rejects), c.Rows, c.Rejects)
	}
	return c, nil
}

// readRecords reads an object; text is the column of the records' texts.
func readRecords(path, text string) ([]record, error) {
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []record
	for g := range r.NumRowGroups() {
		group := make([]record, r.MetaData().RowGroup(g).NumRows())
		for name, set := range map[string]func(*record, parquet.ByteArray){
			"_sid":   func(r *record, b parquet.ByteArray) { r.sid = string(b) },
			"reason": func(r *record, b parquet.ByteArray) { r.reason = string(b) },
			text:     func(r *record, b parquet.ByteArray) { r.text = string(b) },
		} {
			values, err := column[parquet.ByteArray](r, g, name)
			if err != nil {
				return nil, err
			}
			for i, v := range values {
				set(&group[i], v)
			}
		}
		offsets, err := column[int64](r, g, "_offset")
		if err != nil {
			return nil, err
		}
		for i, v := range offsets {
			group[i].offset = v
		}
		all = append(all, group...)
	}
	return all, nil
}

// column reads a required column of a row group; one that is not there is empty.
func column[T parquet.ByteArray | int64](r *file.Reader, group int, name string) ([]T, error) {
	at := r.MetaData().Schema.ColumnIndexByName(name)
	if at < 0 {
		return nil, nil
	}
	chunk, err := r.RowGroup(group).Column(at)
	if err != nil {
		return nil, err
	}
	batches, ok := chunk.(interface {
		ReadBatch(int64, []T, []int16, []int16) (int64, int, error)
	})
	if !ok || chunk.Descriptor().MaxDefinitionLevel() > 0 {
		return nil, fmt.Errorf("column %s is a %v, which may be null: %v", name, chunk.Type(),
			chunk.Descriptor().MaxDefinitionLevel() > 0)
	}
	rows := r.MetaData().RowGroup(group).NumRows()
	values := make([]T, rows)
	var read int64
	for read < rows {
		n, _, err := batches.ReadBatch(rows-read, values[read:], nil, nil)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("column %s has %d values, want %d", name, read, rows)
		}
		keep(values[read : read+n])
		read += n
	}
	return values, nil
}

// keep copies texts, which the reader lends for the time of one page.
func keep[T parquet.ByteArray | int64](values []T) {
	if texts, ok := any(values).([]parquet.ByteArray); ok {
		for i := range texts {
			texts[i] = slices.Clone(texts[i])
		}
	}
}
