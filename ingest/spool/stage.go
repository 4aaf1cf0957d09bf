package spool

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"logseal/ingest/durable"
)

// writeBuffer is how much of an object is written at once. A batch has up to max_partitions (64)
// objects open, so they hold 4 MiB together.
const writeBuffer = 64 << 10

// stagedSuffix keeps the names that Create is given apart from those of a batch.
const stagedSuffix = ".staged"

// Stage is a batch being made. One goroutine owns it; the writers that Create gives may be used
// by others, one each.
type Stage struct {
	spool *Spool
	dir   string // what Abort removes; "" when there is nothing to remove

	mu    sync.Mutex // guards what follows, which the writers change
	files map[string]*stagedFile
	bytes int64
	err   error // the first failure: the Stage can only be aborted
}

// Stage starts a new batch.
func (s *Spool) Stage() (*Stage, error) {
	if err := s.usable(); err != nil {
		return nil, fmt.Errorf("stage batch: %w", err)
	}
	for {
		s.mu.Lock()
		dir := filepath.Join(s.dir, stagePrefix+strconv.Itoa(s.stages))
		s.stages++
		s.mu.Unlock()
		err := s.fs.Mkdir(dir)
		if errors.Is(err, fs.ErrExist) {
			continue // an Abort that failed left it
		}
		if err != nil {
			return nil, wrap("stage batch", s.dir, err)
		}
		return &Stage{spool: s, dir: dir, files: map[string]*stagedFile{}}, nil
	}
}

// Create makes a file of the batch. Its bytes are durable once its Close returned nil.
//
//	open(<stage>/<name>.staged, O_CREAT|O_EXCL), write…, fsync, close
//
// The fsync is on the descriptor that wrote: a later one might not be told of an error.
func (g *Stage) Create(name string) (io.WriteCloser, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") {
		return nil, fmt.Errorf("stage file %q: no name for a file", name)
	}
	f, err := g.spool.fs.Create(filepath.Join(g.dir, name+stagedSuffix))
	if err != nil {
		return nil, g.fail(wrap("stage file "+name, g.dir, err))
	}
	file := &stagedFile{stage: g, file: f, buf: bufio.NewWriterSize(f, writeBuffer)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.files[name] = file
	return file, nil
}

// fail notes the first failure and returns err.
func (g *Stage) fail(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil && g.err == nil {
		g.err = err
	}
	return err
}

// stagedFile is a file of a Stage while it is written.
type stagedFile struct {
	stage *Stage
	file  durable.File
	buf   *bufio.Writer
	bytes int64

	closed bool // guarded by stage.mu
}

// Write implements io.Writer.
func (f *stagedFile) Write(b []byte) (int, error) {
	n, err := f.buf.Write(b)
	f.bytes += int64(n)
	return n, f.stage.fail(wrap("write staged file", f.stage.dir, err))
}

// Close makes the file durable. A failure is final: the Stage cannot be committed.
func (f *stagedFile) Close() error {
	err := f.buf.Flush()
	if err == nil {
		err = f.file.Sync()
	}
	if err = errors.Join(err, f.close()); err != nil {
		return f.stage.fail(wrap("close staged file", f.stage.dir, err))
	}
	f.stage.mu.Lock()
	defer f.stage.mu.Unlock()
	f.stage.bytes += f.bytes
	return nil
}

// close closes the file as it is.
func (f *stagedFile) close() error {
	f.stage.mu.Lock()
	defer f.stage.mu.Unlock()
	f.closed = true
	return f.file.Close()
}

// Commit makes the batch complete and durable under name, with the staged file objects[i] as its
// i-th object. Every staged file must be closed and named once. When the spool has a complete
// batch of this name with the same manifest, the new one is dropped; with another manifest it
// returns *ConflictError. After any other error the batch may be there whole, or not at all.
//
//	rename(<stage>/<object>.staged, <stage>/<i>)     each; their bytes are durable since Close
//	fsync(<stage>)
//	rename(<stage>, <dir>/<name>)
//	fsync(<dir>)
//	open(<name>/manifest.json.tmp, O_CREAT|O_EXCL), write, fsync, close
//	rename(<name>/manifest.json.tmp, <name>/manifest.json)
//	fsync(<name>)
//
// If we crash before the first fsync of the folder <dir>, there is a stage or a batch without a
// manifest; until the last rename, a batch without a manifest: rubbish both. After the last rename
// the batch is whole, for everything else is durable already; only its being there is not, until
// the last fsync.
func (g *Stage) Commit(name string, objects []string, manifest []byte) error {
	if err := g.check(name, objects); err != nil {
		return fmt.Errorf("commit batch %s: %w", name, err)
	}
	dropped, err := g.commit(name, objects, manifest)
	if err != nil {
		return g.fail(wrap("commit batch "+name, g.spool.dir, err))
	}
	if !dropped {
		g.dir = ""
		g.spool.room.add(name, g.bytes+int64(len(manifest)))
		return nil
	}
	return g.Abort()
}

// check returns an error unless the stage can become the batch.
func (g *Stage) check(name string, objects []string) error {
	if err := errors.Join(checkName(name), g.spool.usable()); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	if g.dir == "" {
		return errors.New("the stage is gone")
	}
	named := map[string]bool{}
	for _, o := range objects {
		if f := g.files[o]; f == nil || !f.closed || named[o] {
			return fmt.Errorf("object %q is not staged, not closed, or named twice", o)
		}
		named[o] = true
	}
	if len(named) != len(g.files) {
		return fmt.Errorf("%d files are staged, %d objects named", len(g.files), len(named))
	}
	return nil
}

func (g *Stage) commit(name string, objects []string, manifest []byte) (dropped bool, err error) {
	s, final := g.spool, filepath.Join(g.spool.dir, name)
	switch have, err := readFileIn(s.dir, filepath.Join(final, manifestName)); {
	case err == nil && bytes.Equal(have, manifest):
		// The Commit that made it may have failed at its last fsync.
		return true, s.syncDir(final)
	case err == nil:
		return false, &ConflictError{Name: name}
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	if err := g.number(objects); err != nil {
		return false, err
	}
	if err := s.syncDir(g.dir); err != nil {
		return false, err
	}
	// What a Remove or Commit of this name that failed has left.
	if err := s.removeBatch(final); err != nil {
		return false, err
	}
	if err := s.fs.Rename(g.dir, final); err != nil {
		return false, err
	}
	g.dir = final
	if err := s.syncDir(s.dir); err != nil {
		return false, err
	}
	return false, s.writeManifest(final, manifest)
}

// number gives the staged files the names that a batch's objects have.
func (g *Stage) number(objects []string) error {
	for i, o := range objects {
		from, to := filepath.Join(g.dir, o+stagedSuffix), filepath.Join(g.dir, strconv.Itoa(i))
		if err := g.spool.fs.Rename(from, to); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool) writeManifest(dir string, manifest []byte) error {
	path := filepath.Join(dir, manifestName)
	return s.final(durable.WriteFile(s.fs, path+".tmp", path, manifest))
}

// Abort closes and removes what was staged, also after a Commit that failed; nobody may write any
// more. After Commit returned nil it does nothing. What it cannot remove, as everything when the
// spool is unusable, is left to Recover.
func (g *Stage) Abort() error {
	for _, f := range g.files {
		if !f.closed {
			f.close() // what it holds is not wanted
		}
	}
	if g.dir == "" || g.spool.usable() != nil {
		return nil
	}
	if err := g.spool.removeBatch(g.dir); err != nil {
		return wrap("abort batch", g.spool.dir, err)
	}
	g.dir = ""
	g.fail(errors.New("the stage was aborted"))
	return nil
}
