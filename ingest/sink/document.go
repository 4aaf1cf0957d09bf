package sink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
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

// GetDocument reads a whole object; the error is ErrNotFound when there is none. Damaged bytes are read
// twice: once may be the network.
func GetDocument(ctx context.Context, store Store, key string) ([]byte, error) {
	b, err := getOnce(ctx, store, key)
	if !errors.As(err, new(*DamagedError)) {
		return b, err
	}
	b, err = getOnce(ctx, store, key)
	if errors.As(err, new(*DamagedError)) {
		err = fmt.Errorf("%w; restore it from a copy of the sink", err)
	}
	return b, err
}

func getOnce(ctx context.Context, store Store, key string) ([]byte, error) {
	r, _, err := store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := ReadDocument(r)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	return b, nil
}

// PutDocument puts an object that is held in memory.
func PutDocument(ctx context.Context, store Store, key string, body []byte) error {
	return store.Put(ctx, Document(key, body))
}

// Document is an object that is held in memory.
func Document(key string, body []byte) Object {
	return Object{
		Key: key, Size: int64(len(body)), SHA256: sha256.Sum256(body),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
}
