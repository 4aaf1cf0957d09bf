package input

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
)

// Damaged bytes are an object's own; a store that was waited for in vain is everybody's.
func TestFS_Fault(t *testing.T) {
	l, _, _, root := newTestFS(t)
	path := root + "in/a.log"
	var inPath *fs.PathError
	for _, own := range []error{&sink.DamagedError{Err: errors.New("checksum")}, sink.ErrNotFound} {
		err := l.fault("read", path, fmt.Errorf("read in/a.log: %w", own))
		require.ErrorAs(t, err, &inPath)
		require.Equal(t, path, inPath.Path)
	}
	for _, other := range []error{
		fmt.Errorf("gave up after 9 attempts in 10m0s: %w",
			&sink.TransientError{Err: errors.New("503 SlowDown")}),
		&sink.RefusedError{Err: errors.New("403 NoSuchBucket"), Fix: "make it"},
	} {
		require.Equal(t, other, l.fault("read", path, other))
	}
}
