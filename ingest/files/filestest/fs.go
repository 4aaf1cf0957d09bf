// Package filestest is an in-memory file system for tests of whatever reads log files.
package filestest

import "logseal/ingest/files"

// FS holds files in memory.
type FS struct{}

// New gives an empty FS.
func New() *FS { return &FS{} }

// Write makes the file at path hold data: a new file (inode), also when there was one.
func (m *FS) Write(path string, data []byte) {}

// Append adds data to the file at path, which it creates when there is none.
func (m *FS) Append(path string, data []byte) {}

// Truncate cuts the file at path to n bytes.
func (m *FS) Truncate(path string, n int64) {}

// Remove removes the file at path; open handles go on to read it.
func (m *FS) Remove(path string) {}

// Rename moves a file; it stays the same inode.
func (m *FS) Rename(from, to string) {}

// Clone gives an independent copy without open handles and hooks.
func (m *FS) Clone() *FS { return m }

// Open implements files.FS.
func (m *FS) Open(path string) (files.Handle, error) { return nil, nil }

// Stat implements files.FS.
func (m *FS) Stat(path string) (files.Stat, error) { return files.Stat{}, nil }

// Glob implements files.FS.
func (m *FS) Glob(pattern string) ([]string, error) { return nil, nil }

var _ files.FS = (*FS)(nil)
