package dir

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"logseal/ingest/sink"
)

// Put implements sink.Store.
//
//	open    <root>/.tmp/<writer id>/<n>   O_CREAT|O_EXCL
//	write                                 the bytes, hashed on the way
//	fsync                                 the file
//	mkdir, fsync                          the object's folders, see ensure
//	link    the file to its key           EEXIST: read the object and compare
//	unlink  <root>/.tmp/<writer id>/<n>
//	fsync   the object's folder
//
// If we crash before the link, there is a file that New removes. If we crash between link and
// unlink, New removes its second name. If we crash before the last fsync, the object is there, or
// after a power loss it may not be: it was not acknowledged, and the same Put is made again.
func (s *Store) Put(ctx context.Context, o sink.Object) error {
	if err := s.put(ctx, o); err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, o sink.Object) error {
	if err := sink.CheckKey(o.Key); err != nil {
		return err
	}
	if s.writer == "" {
		return errors.New("the folder was opened for reading")
	}
	tmp, err := s.stage(ctx, o)
	if err != nil {
		return err
	}
	defer tmp.remove()
	return s.publish(tmp, o)
}

// stage writes the object's bytes to a temporary file, durably. It leaves no file behind when it
// fails.
func (s *Store) stage(ctx context.Context, o sink.Object) (*staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, f, err := s.newStaged()
	if err != nil {
		return nil, err
	}
	err = copyObject(ctx, f, o)
	if err == nil {
		err = s.fsync(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		t.remove()
		return nil, err
	}
	return t, nil
}

// copyObject writes the object's bytes to w and returns an error unless they are what it says.
func copyObject(ctx context.Context, w io.Writer, o sink.Object) (err error) {
	r, err := o.Open()
	if err != nil {
		return err
	}
	defer func() {
		if cerr := r.Close(); err == nil {
			err = cerr
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), &cancelReader{ctx, r})
	if err != nil {
		return err
	}
	if got := [32]byte(h.Sum(nil)); n != o.Size || got != o.SHA256 {
		return fmt.Errorf("its bytes have changed: %d with sha256 %x, not %d with %x",
			n, got, o.Size, o.SHA256)
	}
	return nil
}

// cancelReader ends a copy when the context does.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// publish gives the staged file its name. From here on a cancelled context is not looked at: the
// link is one call, and what follows it only makes it durable.
func (s *Store) publish(tmp *staged, o sink.Object) error {
	path := s.dir.path(o.Key)
	folder := filepath.Dir(path)
	if err := s.ensureFolder(folder); err != nil {
		return err
	}
	err := s.link(tmp, path)
	if errors.Is(err, fs.ErrNotExist) { // a folder of the object was removed under us
		s.forgetFolders()
		if err = s.ensureFolder(folder); err == nil {
			err = s.link(tmp, path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		// Whoever put it may not have come to its fsync yet, and we are to say that it is durable.
		if err := s.compare(path, o); err != nil {
			return err
		}
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.EXDEV):
		return fmt.Errorf("%w: the sink must be one file system with hard links", err)
	case err != nil:
		return err
	}
	return s.syncPath(folder)
}

// link gives the staged file its name by way of the two folders, each reached without a link out of
// the sink.
func (s *Store) link(tmp *staged, path string) error {
	from, err := tmp.dir.Open(".")
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := s.dir.open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer to.Close()
	err = unix.Linkat(int(from.Fd()), tmp.name, int(to.Fd()), filepath.Base(path), 0)
	if err != nil {
		return &os.LinkError{Op: "link", Old: filepath.Join(s.tmp(), tmp.name), New: path, Err: err}
	}
	return nil
}

// compare returns nil when the object at path has the bytes of o, and makes them durable.
func (s *Store) compare(path string, o sink.Object) error {
	f, err := s.dir.open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if have := [32]byte(h.Sum(nil)); have != o.SHA256 {
		return &sink.ConflictError{Key: o.Key, Want: o.SHA256, Have: have}
	}
	return s.syncPath(path)
}
