package sink

import (
	"errors"
	"io"
)

// DocumentMax is the largest object that is read as one document: a manifest, a definition. Ours are
// at most a few MiB; whoever may put objects must not fill the memory of who reads them.
const DocumentMax = 8 << 20

// ErrOversized is returned by ReadDocument for more than DocumentMax bytes.
var ErrOversized = errors.New("it is larger than 8 MiB, which no document of ours is")

// ReadDocument reads all of r.
func ReadDocument(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, DocumentMax+1))
	if err == nil && len(b) > DocumentMax {
		return nil, ErrOversized
	}
	return b, err
}
