package follow

import "fmt"

// TruncatedError says that a file no longer has the bytes that were taken of it: a writer truncated it,
// and may have filled it again. The bytes that were taken stay in memory until they are released.
type TruncatedError struct {
	Path  string
	Taken int64 // bytes that were taken
	Size  int64 // of the file when the loss was found; it may be more than Taken
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s was truncated or rewritten: %d bytes were read, it has %d now",
		e.Path, e.Taken, e.Size)
}

// Abandon says that the file no longer has this incarnation, as a *TruncatedError does.
func (f *File) Abandon() {
	f.mu.Lock()
	size := f.stat.Size
	f.mu.Unlock()
	_ = f.loseAt(size) // it always gives the loss
}

// Lost reports whether the file was found to have lost this incarnation, or was abandoned. Snapshots then
// give the bytes in memory, and a *files.ShrunkError for all others.
func (f *File) Lost() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost != nil
}

// lose notes that the file no longer has its incarnation, and returns the loss.
func (f *File) lose() error {
	st, err := f.h.Stat()
	if err != nil {
		return err
	}
	return f.loseAt(st.Size)
}

func (f *File) loseAt(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost == nil {
		f.lost = &TruncatedError{Path: f.path, Taken: f.known.at, Size: size}
	}
	return f.lost
}
