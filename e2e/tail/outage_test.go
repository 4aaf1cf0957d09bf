package tail_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// How long S3 is away, in bytes: more than spool and memory together may hold of lines that do not
// compress, so that reading pauses while files go on.
const (
	outageSpool = 8 << 20
	outageTurns = 5
	outageFiles = 3
	outageBytes = 8 << 20 // of one file between two rotations
)

// TestOutage_SpoolFull_NothingLost is a day without S3, to scale. Spool and memory fill, reading
// pauses; files grow, rotate, and are deleted unread, which is no loss: their descriptors are open.
func TestOutage_SpoolFull_NothingLost(t *testing.T) {
	t.Parallel()
	s := newCloudSite(t, func(c *settings) {
		c.spool = fmt.Sprint(outageSpool)
		c.batch = "{max_bytes: 2MiB, max_age: 200ms}"
	})
	noise := rand.NewChaCha8([32]byte{1})
	s.start()
	s.look()
	s.wire.Down()
	written := 0
	for turn := range outageTurns {
		for i := range outageFiles {
			name := fmt.Sprintf("logs/%d.log", i)
			for size := 0; size < outageBytes; {
				list := noisy(noise, fmt.Sprintf("file %d turn %d at %d", i, turn, size))
				s.append(name, list...)
				size += len(strings.Join(list, "\n")) + 1
			}
			written += outageBytes
			s.holds(name)
			s.rename(name, name+".1")
			s.remove(name + ".1")
		}
	}
	s.requirePaused()
	require.LessOrEqual(t, s.spooled(), int64(outageSpool)+4<<20, "bytes in the spool")
	s.wire.Up(t)
	s.settle()
	s.look()
	s.finish()
	s.requireEmptySpool()
	t.Logf("%d bytes written while S3 was away, a spool of %d", written, outageSpool)
}

// noisy are lines that hardly compress.
func noisy(r *rand.ChaCha8, what string) (list []string) {
	b := make([]byte, 6000)
	for i := range 100 {
		r.Read(b)
		list = append(list, fmt.Sprintf("%s-%d %s", what, i, base64.StdEncoding.EncodeToString(b)))
	}
	return list
}

// requirePaused waits until the program says that it does not read.
func (s *site) requirePaused() {
	s.Helper()
	s.await(func() (bool, string) {
		code, stdout, stderr := s.run("status", "-c", "ingest.yaml", "--json")
		return code == 0 && strings.Contains(stdout, `"paused":"`) &&
			!strings.Contains(stdout, `"paused":""`), stdout + stderr
	})
}

// spooled is how many bytes wait in the spool.
func (s *site) spooled() (bytes int64) {
	s.Helper()
	folders, err := os.ReadDir(s.path("state/spool"))
	require.NoError(s, err)
	for _, folder := range folders {
		files, _ := os.ReadDir(s.path("state/spool/" + folder.Name()))
		for _, f := range files {
			if info, err := f.Info(); err == nil {
				bytes += info.Size()
			}
		}
	}
	return bytes
}
