package tail_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// longWindow is what `zstd --long` asks for.
const longWindow = 128 << 20

// pack writes lines to a zstd file that asks for a large window. They are to come out.
func (s *site) pack(name string, lines ...string) {
	s.Helper()
	s.expect(lines...)
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(longWindow))
	require.NoError(s, err)
	for _, line := range lines { // in pieces, so that the header has the window
		_, err := fmt.Fprintln(z, line)
		require.NoError(s, err)
		require.NoError(s, z.Flush())
	}
	require.NoError(s, z.Close())
	require.NoError(s, os.WriteFile(s.path(name), b.Bytes(), 0o644))
}

// Twenty archives that each want 128 MiB of memory to be unpacked, and begin alike.
func TestTail_LargeZstdWindows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 20 {
		s.pack(fmt.Sprintf("logs/%d.log.zst", i), append([]string{"banner"},
			lines(fmt.Sprintf("file %d %s", i, strings.Repeat("x", 100)), 50)...)...)
	}
	s.start()
	s.settle()
	if peak := memory(s.child.cmd.Process.Pid, "VmHWM"); peak > 0 {
		t.Logf("at most %d MiB resident", peak>>20)
		require.Less(t, peak, int64(256<<20))
	}
	s.look()
	s.finish()
}
