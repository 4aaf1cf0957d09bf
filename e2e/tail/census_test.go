//go:build soak

package tail_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/parquet/file"
)

// census reads a sink that grows and notes which numbers of which writer it has: a bit each, as
// there are hundreds of millions. It goes by what manifests name, like the reader of a lake.
type census struct {
	dir string

	mu      sync.Mutex           // guards what follows; a scan holds it
	folders map[string]time.Time // of the sources, when they last changed
	seen    map[string]bool      // paths of manifests
	numbers [][]uint64           // by writer
	faults  []string             // a few rejects and losses, for the message of a failure
	tally
}

// tally is what a census counts.
type tally struct {
	rows, twice, rejects, losses, batches, objects, bytes int64
}

func newCensus(dir string, writers int) *census {
	return &census{dir: dir, folders: map[string]time.Time{}, seen: map[string]bool{},
		numbers: make([][]uint64, writers)}
}

// settled is how old the last change of a folder is before its time is taken to tell the next one.
const settled = 2 * time.Second

// scan reads what is new.
func (c *census) scan() (tally, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	folders, err := filepath.Glob(filepath.Join(c.dir, "manifests", "*", "*", "*", "*"))
	if err != nil {
		return tally{}, err
	}
	for _, folder := range folders {
		now := time.Now()
		stat, err := os.Stat(folder)
		if err != nil {
			return tally{}, err
		}
		if c.folders[folder].Equal(stat.ModTime()) {
			continue
		}
		if err := c.source(folder); err != nil {
			return tally{}, err
		}
		if now.Sub(stat.ModTime()) > settled {
			c.folders[folder] = stat.ModTime()
		}
	}
	return c.tally, nil
}

// source reads the manifests of a source that are new.
func (c *census) source(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if c.seen[path] || !strings.HasSuffix(path, ".json") {
			continue
		}
		if err := c.batch(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		c.seen[path] = true
	}
	return nil
}

// batch notes the rows of one manifest.
func (c *census) batch(path string) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var m commit
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	if m.Kind != "" {
		c.losses++
		c.fault("%s: lost: %s", path, body)
		return nil
	}
	c.batches++
	c.rejects += int64(m.Rejects)
	for _, o := range m.Objects {
		if !strings.HasPrefix(o.Key, "data/") {
			if err := c.quarantine(path, filepath.Join(c.dir, o.Key)); err != nil {
				return fmt.Errorf("%s: %w", o.Key, err)
			}
			continue
		}
		n, err := c.object(filepath.Join(c.dir, o.Key))
		if err != nil {
			return fmt.Errorf("%s: %w", o.Key, err)
		}
		if n != o.Rows {
			return fmt.Errorf("%s: %d rows, want %d", o.Key, n, o.Rows)
		}
	}
	return nil
}

func (c *census) fault(format string, args ...any) {
	const most = 20
	if len(c.faults) < most {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
}

// quarantine notes what was rejected, of which there should be nothing.
func (c *census) quarantine(manifest, path string) error {
	rejects, err := readRecords(path, "raw")
	for _, r := range rejects {
		c.fault("%s: %s at %d: %q", manifest, r.reason, r.offset, r.text)
	}
	return err
}

// object notes the rows of one object.
func (c *census) object(path string) (rows int, err error) {
	stat, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	c.objects++
	c.bytes += stat.Size()
	for g := range r.NumRowGroups() {
		writers, err := column[int64](r, g, "writer")
		if err != nil {
			return 0, err
		}
		numbers, err := column[int64](r, g, "seq")
		if err != nil {
			return 0, err
		}
		if len(writers) != len(numbers) {
			return 0, errors.New("columns of different length")
		}
		for i, n := range numbers {
			c.note(writers[i], n)
		}
		rows += len(numbers)
	}
	return rows, nil
}

// note notes one row.
func (c *census) note(writer, n int64) {
	set := c.numbers[writer]
	for int64(len(set))*64 <= n {
		set = append(set, 0)
	}
	c.numbers[writer] = set
	c.rows++
	if bit := uint64(1) << (n % 64); set[n/64]&bit != 0 {
		c.twice++
	} else {
		set[n/64] |= bit
	}
}

// missing is how many of the numbers [from, to) of a writer the sink does not have.
func (c *census) missing(writer int, from, to int64) (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set := c.numbers[writer]
	for at := from; at < to; {
		word, first := at/64, at%64
		last := min(64, first+to-at)
		mask := ^uint64(0) << first
		if last < 64 {
			mask &= 1<<last - 1
		}
		have := uint64(0)
		if word < int64(len(set)) {
			have = set[word]
		}
		n += int64(bits.OnesCount64(mask &^ have))
		at += last - first
	}
	return n
}
