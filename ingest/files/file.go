package files

import (
	"context"

	"logseal/ingest/source"
)

// File is an open log file as it was when it was opened. Close it; its Reader dies with it.
type File struct {
	path string
	stat Stat
}

// Open opens the file at path and tells from its first bytes whether it is plain, gzip or zstd.
func Open(fsys FS, path string) (*File, error) { return nil, nil }

// Path is the path the file was opened by.
func (f *File) Path() string { return f.path }

// Stat describes the file as it was when it was opened.
func (f *File) Stat() Stat { return f.stat }

// Compressed says whether the file is gzip or zstd.
func (f *File) Compressed() bool { return false }

// Changed says whether the file's size or time of modification differ from when it was opened.
func (f *File) Changed() (bool, error) { return false, nil }

// Close closes the file.
func (f *File) Close() error { return nil }

// Head finds the file's head, see source.Head.
func (f *File) Head(finished bool, isHeader func(line []byte) bool) ([]byte, bool, error) {
	return nil, false, nil
}

// Marker is the SHA-256 of the last KiB, or less, before off. Plain files only.
func (f *File) Marker(off int64) (source.Digest, error) { return source.Digest{}, nil }

// Marks reads the whole file and gives the Point at each of the offsets that it reaches, and at
// its end. With a *CorruptError both are still given, as far as the file goes.
func (f *File) Marks(ctx context.Context, offsets []int64) (
	marks map[int64]source.Point, end source.Point, err error) {
	return nil, source.Point{}, nil
}

// MarksTo is Marks but stops after the greatest of the offsets; reached is how far it read.
func (f *File) MarksTo(ctx context.Context, offsets []int64) (
	marks map[int64]source.Point, reached int64, err error) {
	return nil, 0, nil
}
