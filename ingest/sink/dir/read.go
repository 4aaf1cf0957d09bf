package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"logseal/ingest/sink"
)

// Get implements sink.Store.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	if _, err := s.Stat(ctx, key); err != nil {
		return nil, sink.Info{}, err
	}
	f, err := s.dir.open(s.dir.path(key))
	if err != nil {
		return nil, sink.Info{}, notFound("get", key, err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, sink.Info{}, fmt.Errorf("get %s: %w", key, err)
	}
	return f, sink.Info{Key: key, Size: st.Size(), Modified: st.ModTime()}, nil
}

// Stat implements sink.Store.
func (s *Store) Stat(ctx context.Context, key string) (sink.Info, error) {
	if err := sink.CheckKey(key); err != nil {
		return sink.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return sink.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	st, err := s.dir.stat(s.dir.path(key))
	if err != nil {
		return sink.Info{}, notFound("stat", key, err)
	}
	if !st.Mode().IsRegular() {
		return sink.Info{}, fmt.Errorf("stat %s: %w", key, sink.ErrNotFound)
	}
	return sink.Info{Key: key, Size: st.Size(), Modified: st.ModTime()}, nil
}

// notFound wraps err, as sink.ErrNotFound when there is nothing at key.
func notFound(verb, key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		err = sink.ErrNotFound
	}
	return fmt.Errorf("%s %s: %w", verb, key, err)
}

// Delete implements sink.Store.
//
//	unlink  the object         ENOENT is fine
//	fsync   the folder it was in
//
// If we crash in between, the object may come back with a power loss: its deletion was not
// acknowledged.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := sink.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	path := s.dir.path(key)
	err := s.dir.unlink(path)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err == nil {
		err = s.syncPath(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// List implements sink.Store. It yields every file in the folders of sink.Roots, also one whose
// name could not be a key: someone else put it there, and verify wants to know. Links to files
// count as files, also one that leads out of its folder, which nothing follows; links to folders are
// not followed.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	return func(yield func(sink.Info, error) bool) {
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			// A prefix that no key can have has nothing below it, least of all outside the root.
			if sink.CheckKey(prefix[:i]+"/x") == nil {
				s.walk(ctx, prefix[:i], prefix, yield)
			}
			return
		}
		s.walkRoots(ctx, prefix, yield)
	}
}

func (s *Store) walkRoots(ctx context.Context, prefix string, yield func(sink.Info, error) bool) {
	names := append(sink.Roots(), sink.RootObject())
	slices.Sort(names)
	for _, name := range names {
		switch {
		case !strings.HasPrefix(name, prefix):
		case name != sink.RootObject():
			if !s.walk(ctx, name, prefix, yield) {
				return
			}
		default:
			info, err := s.Stat(ctx, name)
			if errors.Is(err, sink.ErrNotFound) {
				continue
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// walk yields the objects below the folder in the order of their keys; it reports whether to go
// on. The names of folders are sorted as if they ended in a slash, as they do in keys.
func (s *Store) walk(
	ctx context.Context, folder, prefix string, yield func(sink.Info, error) bool,
) bool {
	if err := ctx.Err(); err != nil {
		yield(sink.Info{}, fmt.Errorf("list %s: %w", folder, err))
		return false
	}
	entries, err := s.dir.readDir(s.dir.path(folder))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return true
	}
	if err != nil {
		yield(sink.Info{}, fmt.Errorf("list %s: %w", folder, err))
		return false
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		return strings.Compare(sortName(a), sortName(b))
	})
	for _, e := range entries {
		key := folder + "/" + e.Name()
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if e.IsDir() {
			if !s.walk(ctx, key, prefix, yield) {
				return false
			}
			continue
		}
		st, err := s.statEntry(key, e)
		if errors.Is(err, fs.ErrNotExist) || err == nil && st.IsDir() {
			continue // deleted since, or a link to a folder or to nothing
		}
		if err != nil {
			yield(sink.Info{}, fmt.Errorf("list %s: %w", folder, err))
			return false
		}
		if !yield(sink.Info{Key: key, Size: st.Size(), Modified: st.ModTime()}, nil) {
			return false
		}
	}
	return true
}

// statEntry describes an entry of a folder; a link that nothing follows is described itself.
func (s *Store) statEntry(key string, e fs.DirEntry) (fs.FileInfo, error) {
	st, err := s.dir.stat(s.dir.path(key))
	if err != nil && e.Type()&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrNotExist) {
		return s.dir.lstat(s.dir.path(key))
	}
	return st, err
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}
