// Package filestest is an in-memory file system for tests of whatever reads log files: files can
// be created, grown, truncated, renamed and removed, and each call can be made to fail.
//
// It behaves as a POSIX system does where log rotation is concerned: a handle goes on to read its
// file after that was renamed or removed, and sees it grow and shrink. Time is a count of changes.
package filestest

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"logseal/ingest/files"
)

// Op names a call that a Fault may fail.
type Op string

// The calls. Those on a handle carry the path that it was opened by.
const (
	OpOpen       Op = "open"
	OpStat       Op = "stat"
	OpGlob       Op = "glob" // the path is the pattern
	OpRead       Op = "read" // ReadAt on a handle
	OpHandleStat Op = "fstat"
	OpClose      Op = "close"
)

// Fault is asked before each call; off is the offset of a read. The error it returns is what the
// call returns. It may change the FS: so a file can change between two reads.
type Fault func(op Op, path string, off int64) error

// FS is a file system in memory. The zero value is not ready: use New. All methods may be called
// concurrently; those that change a file panic when it does not exist.
type FS struct {
	mu    sync.Mutex
	files map[string]*node
	clock int64
	inode uint64
	open  int
	fault Fault
}

// node is a file, whatever its name.
type node struct {
	data []byte
	stat files.Stat // but for the size
}

var _ files.FS = (*FS)(nil)

// New gives an empty FS.
func New() *FS { return &FS{files: map[string]*node{}} }

// Write makes path a new file (another inode than the one that was there) that holds data.
func (m *FS) Write(path string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inode++
	n := &node{data: slices.Clone(data), stat: files.Stat{Dev: 1, Inode: m.inode}}
	m.files[path] = n
	m.touch(n)
}

// Append adds data to the file at path.
func (m *FS) Append(path string, data []byte) {
	m.change(path, func(b []byte) []byte { return append(slices.Clip(b), data...) })
}

// Truncate makes the file at path n bytes long; it is filled with zeros when it was shorter.
func (m *FS) Truncate(path string, n int) {
	m.change(path, func(b []byte) []byte {
		return append(slices.Clone(b[:min(n, len(b))]), make([]byte, max(0, n-len(b)))...)
	})
}

// Overwrite makes the file at path hold data: the same inode, as copytruncate leaves it.
func (m *FS) Overwrite(path string, data []byte) {
	m.change(path, func([]byte) []byte { return slices.Clone(data) })
}

// Remove removes the name path.
func (m *FS) Remove(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.node(path)
	delete(m.files, path)
}

// Rename moves a file to another name, in place of what is there.
func (m *FS) Rename(from, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.node(from)
	delete(m.files, from)
	m.files[to] = n
	m.clock++
	n.stat.CtimeNS = m.clock
}

// Link gives a file a second name.
func (m *FS) Link(from, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[to] = m.node(from)
}

// Bytes gives what the file at path holds.
func (m *FS) Bytes(path string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.node(path).data)
}

// Paths gives the names of all files, sorted.
func (m *FS) Paths() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.files))
}

// OpenHandles is how many handles are open.
func (m *FS) OpenHandles() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open
}

// SetFault sets what is asked before each call; nil for nothing.
func (m *FS) SetFault(f Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = f
}

// Clone gives a copy that shares nothing with m: no handles and no fault. Stats stay the same.
func (m *FS) Clone() *FS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &FS{files: map[string]*node{}, clock: m.clock, inode: m.inode}
	copies := map[*node]*node{}
	for path, n := range m.files {
		if copies[n] == nil {
			copies[n] = &node{data: n.data, stat: n.stat} // data is never changed in place
		}
		c.files[path] = copies[n]
	}
	return c
}

// Open implements files.FS.
func (m *FS) Open(path string) (files.Handle, error) {
	if err := m.ask(OpOpen, path, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(OpOpen, path)
	if err != nil {
		return nil, err
	}
	m.open++
	return &handle{fs: m, path: path, node: n}, nil
}

// Stat implements files.FS.
func (m *FS) Stat(path string) (files.Stat, error) {
	if err := m.ask(OpStat, path, 0); err != nil {
		return files.Stat{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(OpStat, path)
	if err != nil {
		return files.Stat{}, err
	}
	return n.now(), nil
}

// Glob implements files.FS.
func (m *FS) Glob(pattern string) ([]string, error) {
	if err := m.ask(OpGlob, pattern, 0); err != nil {
		return nil, err
	}
	var found []string
	for _, path := range m.Paths() {
		ok, err := files.Match(pattern, path)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, path)
		}
	}
	return found, nil
}

// ask asks the fault, without the lock.
func (m *FS) ask(op Op, path string, off int64) error {
	m.mu.Lock()
	f := m.fault
	m.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(op, path, off)
}

func (m *FS) change(path string, fn func([]byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.node(path)
	n.data = fn(n.data)
	m.touch(n)
}

func (m *FS) touch(n *node) {
	m.clock++
	n.stat.MtimeNS, n.stat.CtimeNS = m.clock, m.clock
}

func (m *FS) node(path string) *node {
	n, ok := m.files[path]
	if !ok {
		panic(fmt.Sprintf("filestest: no file %q", path))
	}
	return n
}

func (m *FS) find(op Op, path string) (*node, error) {
	if n, ok := m.files[path]; ok {
		return n, nil
	}
	for p := range m.files {
		if strings.HasPrefix(p, strings.TrimSuffix(path, "/")+"/") {
			return nil, &files.NotRegularError{Path: path, Dir: true}
		}
	}
	return nil, &fs.PathError{Op: string(op), Path: path, Err: fs.ErrNotExist}
}

func (n *node) now() files.Stat {
	st := n.stat
	st.Size = int64(len(n.data))
	return st
}

type handle struct {
	fs     *FS
	path   string
	node   *node
	closed bool
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if err := h.fs.ask(OpRead, h.path, off); err != nil {
		return 0, err
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.closed {
		return 0, &fs.PathError{Op: "read", Path: h.path, Err: fs.ErrClosed}
	}
	if off >= int64(len(h.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) Stat() (files.Stat, error) {
	if err := h.fs.ask(OpHandleStat, h.path, 0); err != nil {
		return files.Stat{}, err
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.closed {
		return files.Stat{}, &fs.PathError{Op: "fstat", Path: h.path, Err: fs.ErrClosed}
	}
	return h.node.now(), nil
}

// Close closes the handle also when the fault makes it return an error.
func (h *handle) Close() error {
	err := h.fs.ask(OpClose, h.path, 0)
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.closed {
		return &fs.PathError{Op: "close", Path: h.path, Err: fs.ErrClosed}
	}
	h.closed = true
	h.fs.open--
	return err
}
