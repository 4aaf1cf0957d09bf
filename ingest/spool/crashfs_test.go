package spool

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"logseal/ingest/durable"
)

var errCrash = errors.New("crashed")

// crashFS does what it is asked for in a real folder, until the call that stopAt counts: that one
// and all later ones fail with stopErr. Beside it, it keeps what is durable, so that powerLoss can
// leave in the folder what a disk might.
type crashFS struct {
	t       require.TestingT
	root    string
	model   *node
	calls   int
	stopAt  int // 0 for never
	once    bool
	stopErr error
}

// node is a file or folder: as processes see it, and as the disk surely has it.
type node struct {
	names, durable map[string]*node // of a folder
	data, synced   []byte           // of a file
}

func newFolder() *node { return &node{names: map[string]*node{}, durable: map[string]*node{}} }

func newCrashFS(t require.TestingT, root string) *crashFS {
	return &crashFS{t: t, root: root, model: newFolder(), stopErr: errCrash}
}

// step counts a call and says whether it fails.
func (c *crashFS) step() error {
	c.calls++
	if c.calls == c.stopAt || !c.once && c.stopAt > 0 && c.calls > c.stopAt {
		return c.stopErr
	}
	return nil
}

// parent finds the folder of path in the model, and path's name in it.
func (c *crashFS) parent(path string) (*node, string) {
	rel, err := filepath.Rel(c.root, path)
	require.NoError(c.t, err)
	parts := strings.Split(rel, "/")
	at := c.model
	for _, p := range parts[:len(parts)-1] {
		require.NotNil(c.t, at.names[p], path)
		at = at.names[p]
	}
	return at, parts[len(parts)-1]
}

func (c *crashFS) Mkdir(path string) error {
	if err := errors.Join(c.step()); err != nil {
		return err
	}
	if err := OS(c.root).Mkdir(path); err != nil {
		return err
	}
	dir, name := c.parent(path)
	dir.names[name] = newFolder()
	return nil
}

func (c *crashFS) Create(path string) (durable.File, error) {
	if err := c.step(); err != nil {
		return nil, err
	}
	f, err := OS(c.root).Create(path)
	if err != nil {
		return nil, err
	}
	dir, name := c.parent(path)
	n := &node{}
	dir.names[name] = n
	return &crashFile{c, n, f}, nil
}

func (c *crashFS) Rename(from, to string) error {
	if err := c.step(); err != nil {
		return err
	}
	if err := OS(c.root).Rename(from, to); err != nil {
		return err
	}
	dir, name := c.parent(from)
	n := dir.names[name]
	delete(dir.names, name)
	dir, name = c.parent(to)
	dir.names[name] = n
	return nil
}

func (c *crashFS) Remove(path string) error {
	if _, err := os.Lstat(path); err != nil {
		return err // changes nothing, so there is nothing to count
	}
	if err := c.step(); err != nil {
		return err
	}
	if err := OS(c.root).Remove(path); err != nil {
		return err
	}
	dir, name := c.parent(path)
	delete(dir.names, name)
	return nil
}

func (c *crashFS) OpenDir(path string) (durable.Syncer, error) {
	if err := c.step(); err != nil {
		return nil, err
	}
	n := c.model
	if path != c.root {
		dir, name := c.parent(path)
		n = dir.names[name]
	}
	return &crashDir{c, n}, nil
}

type crashDir struct {
	fs   *crashFS
	node *node
}

func (d *crashDir) Sync() error {
	if err := d.fs.step(); err != nil {
		return err
	}
	d.node.durable = maps.Clone(d.node.names)
	return nil
}

func (d *crashDir) Close() error { return nil }

type crashFile struct {
	fs   *crashFS
	node *node
	file durable.File
}

// Write writes half of b when it is the call that fails.
func (f *crashFile) Write(b []byte) (int, error) {
	err := f.fs.step()
	if err != nil {
		b = b[:len(b)/2]
	}
	f.node.data = append(f.node.data, b...)
	n, werr := f.file.Write(b)
	return n, errors.Join(err, werr)
}

func (f *crashFile) Sync() error {
	if err := f.fs.step(); err != nil {
		return err
	}
	f.node.synced = bytes.Clone(f.node.data)
	return nil
}

func (f *crashFile) Close() error { return f.file.Close() }

// powerLoss leaves what the disk has: all that was synced, and of the rest what lucky picks.
func (c *crashFS) powerLoss(lucky func() bool) {
	c.model = c.model.afterLoss(lucky)
	old, err := os.ReadDir(c.root)
	require.NoError(c.t, err)
	for _, f := range old {
		require.NoError(c.t, os.RemoveAll(filepath.Join(c.root, f.Name())))
	}
	c.write(c.root, c.model)
}

func (n *node) afterLoss(lucky func() bool) *node {
	if n.names == nil {
		data := n.synced
		if len(n.data) > len(data) && lucky() {
			data = n.data[:len(data)+(len(n.data)-len(data)+1)/2]
		}
		return &node{data: data, synced: data}
	}
	left := maps.Clone(n.durable)
	changed := maps.Clone(n.names)
	maps.Copy(changed, n.durable)
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if n.names[name] == n.durable[name] || !lucky() {
			continue
		}
		if n.names[name] == nil {
			delete(left, name)
		} else {
			left[name] = n.names[name]
		}
	}
	for name, child := range left {
		left[name] = child.afterLoss(lucky)
	}
	return &node{names: left, durable: maps.Clone(left)}
}

func (c *crashFS) write(dir string, n *node) {
	for name, child := range n.names {
		path := filepath.Join(dir, name)
		if child.names == nil {
			require.NoError(c.t, os.WriteFile(path, child.data, 0o644))
			continue
		}
		require.NoError(c.t, os.Mkdir(path, 0o755))
		c.write(path, child)
	}
}
