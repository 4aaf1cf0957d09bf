package tail_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// append writes lines to the end of a file, which is made if it is not there, with one call. They
// are to come out.
func (s *site) append(name string, lines ...string) {
	s.Helper()
	s.expect(lines...)
	s.write(name, strings.Join(lines, "\n")+"\n")
}

// expect says that lines are to come out.
func (s *site) expect(lines ...string) {
	for _, line := range lines {
		s.want[line]++
	}
}

// write writes bytes to the end of a file, with one call.
func (s *site) write(name, text string) {
	s.Helper()
	require.NoError(s, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	f := s.writer(name)
	defer f.Close()
	_, err := f.WriteString(text)
	require.NoError(s, err)
}

// writer is a writer of a log, which goes on with its file wherever that is moved.
func (s *site) writer(name string) *os.File {
	s.Helper()
	f, err := os.OpenFile(s.path(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(s, err)
	return f
}

// say writes lines by a writer. They are to come out.
func (s *site) say(f io.Writer, lines ...string) {
	s.Helper()
	s.expect(lines...)
	_, err := io.WriteString(f, strings.Join(lines, "\n")+"\n")
	require.NoError(s, err)
}

// lines are n lines that no other call gives.
func lines(what string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("%s line %d", what, i))
	}
	return list
}

func (s *site) rename(from, to string) {
	s.Helper()
	require.NoError(s, os.MkdirAll(filepath.Dir(s.path(to)), 0o755))
	require.NoError(s, os.Rename(s.path(from), s.path(to)))
}

func (s *site) remove(name string) {
	s.Helper()
	require.NoError(s, os.Remove(s.path(name)))
}

func (s *site) truncate(name string) {
	s.Helper()
	require.NoError(s, os.Truncate(s.path(name), 0))
}

// copy copies a file as cp does: the name is there before all bytes are.
func (s *site) copy(from, to string) {
	s.Helper()
	require.NoError(s, os.MkdirAll(filepath.Dir(s.path(to)), 0o755))
	in, err := os.Open(s.path(from))
	require.NoError(s, err)
	defer in.Close()
	out, err := os.Create(s.path(to))
	require.NoError(s, err)
	_, err = io.Copy(out, in)
	require.NoError(s, err)
	require.NoError(s, out.Close())
}

// copyTruncate rotates a file without a new one.
func (s *site) copyTruncate(from, to string) {
	s.Helper()
	s.copy(from, to)
	s.truncate(from)
}

// compress does what gzip and zstd do: the new name grows, then the old one goes.
func (s *site) compress(name, suffix string) {
	s.Helper()
	in, err := os.Open(s.path(name))
	require.NoError(s, err)
	defer in.Close()
	out, err := os.Create(s.path(name + suffix))
	require.NoError(s, err)
	var z io.WriteCloser = gzip.NewWriter(out)
	if suffix == ".zst" {
		z, err = zstd.NewWriter(out)
		require.NoError(s, err)
	}
	_, err = io.Copy(z, in)
	require.NoError(s, err)
	require.NoError(s, z.Close())
	require.NoError(s, out.Close())
	s.remove(name)
}
