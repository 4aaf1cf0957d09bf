package files

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// CorruptError says that a compressed file cannot be decompressed any further: it is damaged, was
// cut off (the error then wraps io.ErrUnexpectedEOF), goes on with something that is not
// compressed, or asks for more memory than is allowed. It is a property of the file's bytes:
// trying again gives the same.
type CorruptError struct {
	Path   string
	Offset int64 // how many bytes the file gave, decompressed, before the fault
	// Trailing says that all before the fault is whole: what follows the last member, frame or stream is
	// none. See File.AssumeWhole.
	Trailing bool
	Err      error
}

func (e *CorruptError) Error() string { return fmt.Sprintf("decompress %s: %s", e.Path, e.Fault()) }

// Fault says what is wrong, and how to unpack a file that wants what is not given it.
func (e *CorruptError) Fault() string {
	switch {
	case e.wants(zstd.ErrUnknownDictionary):
		return "it needs a dictionary, which is not in the file: unpack it with `zstd -d -D DICTIONARY` first"
	case e.wants(zstd.ErrWindowSizeExceeded):
		return fmt.Sprintf("its window is larger than %d MiB, which would take that much memory: unpack "+
			"it with `zstd -d --long=31` first", largestWindow()>>20)
	}
	return fmt.Sprintf("fault after %d bytes: %v", e.Offset, e.Err)
}

// Unsupported reports whether the file is most likely whole, and wants a dictionary or more memory.
func (e *CorruptError) Unsupported() bool {
	return e.wants(zstd.ErrUnknownDictionary) || e.wants(zstd.ErrWindowSizeExceeded)
}

// wants reports whether err is about what a frame wants. A damaged block may exceed its window, too:
// then bytes came before it.
func (e *CorruptError) wants(err error) bool {
	return errors.Is(e.Err, err) && (e.Offset == 0 || err == zstd.ErrUnknownDictionary)
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
