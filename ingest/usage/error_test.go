package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestError_WrapsAndIsWrapped(t *testing.T) {
	err := Errorf("--out: %w", fs.ErrNotExist)
	require.EqualError(t, err, "--out: file does not exist")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.True(t, Is(fmt.Errorf("stream a: %w", err)))
	require.False(t, Is(errors.New("the disk is full")))
	require.False(t, Is(nil))
	require.False(t, Is(Errorf("--out: %w", syscall.ENOSPC)), "the machine failed, not the user")
}
