package durable_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/durable"
)

var errDisk = errors.New("bad disk")

// recorder works in the folder root, notes every call, and fails the one that is fails.
type recorder struct {
	root  string
	calls []string
	fails string
}

var (
	_ durable.Folders = (*recorder)(nil)
	_ durable.Files   = (*recorder)(nil)
)

func newRecorder(t *testing.T) *recorder { return &recorder{root: t.TempDir()} }

// call notes a call with its paths as they are in root.
func (r *recorder) call(what string, paths ...string) error {
	for _, path := range paths {
		name, err := filepath.Rel(r.root, path)
		if err != nil {
			return err
		}
		what += " " + name
	}
	r.calls = append(r.calls, what)
	if what == r.fails {
		return fmt.Errorf("%s: %w", what, errDisk)
	}
	return nil
}

// requireCalls compares the calls up to now with a list of them.
func (r *recorder) requireCalls(t *testing.T, want string) {
	t.Helper()
	require.Equal(t, want, strings.Join(r.calls, ", "))
}

func (r *recorder) Mkdir(path string) error {
	if err := r.call("mkdir", path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o700)
}

func (r *recorder) Rename(from, to string) error {
	if err := r.call("rename", from, to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (r *recorder) Create(path string) (durable.File, error) {
	return r.open("create", path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
}

func (r *recorder) OpenDir(path string) (durable.Syncer, error) {
	return r.open("open", path, os.O_RDONLY)
}

func (r *recorder) open(what, path string, flag int) (*recorded, error) {
	if err := r.call(what, path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return &recorded{f, r}, nil
}

// recorded is an open file or folder.
type recorded struct {
	file *os.File
	by   *recorder
}

func (f *recorded) Write(b []byte) (int, error) {
	if err := f.by.call("write", f.file.Name()); err != nil {
		return 0, err
	}
	return f.file.Write(b)
}

func (f *recorded) Sync() error {
	if err := f.by.call("fsync", f.file.Name()); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *recorded) Close() error {
	return errors.Join(f.by.call("close", f.file.Name()), f.file.Close())
}
