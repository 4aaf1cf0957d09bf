package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// tmp is where this writer's files are written.
func (s *Store) tmp() string { return filepath.Join(s.dir.root, Temp, s.writer) }

// clearTmp makes this writer's own temporary folder and empties it. A file in it is either not
// linked, and then nobody has seen it, or a second name of an object, which stays.
//
//	mkdir   <root>/.tmp/<writer id>
//	unlink  <root>/.tmp/<writer id>/<n>       each
func (s *Store) clearTmp() error {
	tmp, err := s.openTmp()
	if err != nil {
		return err
	}
	defer tmp.Close()
	entries, err := fs.ReadDir(tmp.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := tmp.RemoveAll(e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// openTmp opens this writer's temporary folder, and makes it when it is not there. A link in its
// place, or in that of the folder it is in, would have us delete what it points to.
func (s *Store) openTmp() (*os.Root, error) {
	root, err := os.OpenRoot(s.dir.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := makeReal(root, Temp, s.dir.dirMode()); err != nil {
		return nil, err
	}
	name := filepath.Join(Temp, s.writer)
	if err := makeReal(root, name, tmpMode); err != nil {
		return nil, err
	}
	return root.OpenRoot(name)
}

// makeReal makes a folder, and returns an error when something else is there.
func makeReal(root *os.Root, name string, mode fs.FileMode) error {
	err := root.Mkdir(name, mode)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := root.Lstat(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder: find out who put it there, and remove it",
			filepath.Join(root.Name(), name))
	}
	return err
}

// staged is a file in the temporary folder that has an object's bytes.
type staged struct {
	dir  *os.Root
	name string
}

// newStaged makes an empty file, and opens it for writing.
func (s *Store) newStaged() (*staged, *os.File, error) {
	tmp, err := s.openTmp()
	if err != nil {
		return nil, nil, err
	}
	t := &staged{tmp, strconv.FormatUint(s.seq.Add(1), 10)}
	f, err := tmp.OpenFile(t.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, s.dir.mode)
	if err != nil {
		return nil, nil, errors.Join(err, tmp.Close())
	}
	return t, f, nil
}

// remove removes the file. The object, if it was linked, does not depend on this name; the next New
// sees to what stays.
func (t *staged) remove() {
	_ = t.dir.Remove(t.name)
	_ = t.dir.Close()
}
