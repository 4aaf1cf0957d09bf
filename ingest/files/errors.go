package files

import "fmt"

// CorruptError says that a compressed file cannot be decompressed any further: it is damaged, was
// cut off (the error then wraps io.ErrUnexpectedEOF), goes on with something that is not
// compressed, or asks for more memory than is allowed. It is a property of the file's bytes:
// trying again gives the same.
type CorruptError struct {
	Path   string
	Offset int64 // how many bytes the file gave, decompressed, before the fault
	Err    error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("decompress %s: fault after %d bytes: %v", e.Path, e.Offset, e.Err)
}

// Unwrap gives the decompressor's error.
func (e *CorruptError) Unwrap() error { return e.Err }

// ChangedError says that the bytes of a file before Offset are not those that a Point there
// proves.
type ChangedError struct {
	Path   string
	Offset int64
	Err    error
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s has changed before offset %d: %v", e.Path, e.Offset, e.Err)
}

// Unwrap gives what was found to differ.
func (e *ChangedError) Unwrap() error { return e.Err }

// ShrunkError says that a file is shorter than it was, or than a Point in it says: it was
// truncated, or another file took its place.
type ShrunkError struct {
	Path string
	Want int64 // bytes that it should hold at least
	Have int64 // bytes that it was found to hold at most
}

func (e *ShrunkError) Error() string {
	return fmt.Sprintf("%s is shorter than it was: want %d bytes, have %d", e.Path, e.Want, e.Have)
}

// TruncatedError says that a Live's file does not have the bytes any more that were taken of it:
// it was truncated, or truncated and written anew. What was taken before is held until it is
// released.
type TruncatedError struct {
	Path  string
	Taken int64 // bytes that are the Live's own
	Size  int64 // of the file when that was found; it may be more than Taken
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s was truncated or written anew: %d bytes were read, it has %d now",
		e.Path, e.Taken, e.Size)
}
