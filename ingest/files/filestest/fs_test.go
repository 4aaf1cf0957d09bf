package filestest_test

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

// contents reads what a handle gives.
func contents(t *testing.T, h files.Handle) string {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(h, 0, 1<<20))
	require.NoError(t, err)
	return string(b)
}

func TestFS_BehavesUnderRotation(t *testing.T) {
	m := filestest.New()
	m.Write("a", []byte("one\n"))
	h, err := m.Open("a")
	require.NoError(t, err)
	before, err := h.Stat()
	require.NoError(t, err)
	require.Equal(t, int64(4), before.Size)

	m.Append("a", []byte("two\n"))
	grown, err := h.Stat()
	require.NoError(t, err)
	require.Equal(t, before.Inode, grown.Inode)
	require.Greater(t, grown.MtimeNS, before.MtimeNS)
	require.Equal(t, "one\ntwo\n", contents(t, h))

	m.Link("a", "b")
	m.Rename("a", "a.1")
	m.Write("a", []byte("new\n"))
	renamed, err := h.Stat()
	require.NoError(t, err)
	require.Equal(t, grown.MtimeNS, renamed.MtimeNS)
	require.Greater(t, renamed.CtimeNS, grown.CtimeNS)
	other, err := m.Stat("a")
	require.NoError(t, err)
	require.NotEqual(t, renamed.Inode, other.Inode)
	linked, err := m.Stat("b")
	require.NoError(t, err)
	require.Equal(t, renamed, linked)

	m.Truncate("a.1", 2)
	require.Equal(t, "on", contents(t, h))
	m.Truncate("a.1", 3)
	require.Equal(t, "on\x00", contents(t, h))
	m.Overwrite("b", []byte("over"))
	m.Remove("b")
	m.Remove("a.1")
	require.Equal(t, "over", contents(t, h))
	require.Equal(t, []string{"a"}, m.Paths())
	_, err = m.Open("b")
	require.ErrorIs(t, err, fs.ErrNotExist)

	require.Equal(t, 1, m.OpenHandles())
	require.NoError(t, h.Close())
	require.Equal(t, 0, m.OpenHandles())
	require.ErrorIs(t, h.Close(), fs.ErrClosed)
	_, err = h.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, fs.ErrClosed)
	require.Panics(t, func() { m.Append("none", nil) })
}

func TestFS_Clone_SharesNothing(t *testing.T) {
	m := filestest.New()
	m.Write("a", []byte("one"))
	m.Link("a", "b")
	c := m.Clone()
	c.Append("b", []byte(" more"))
	require.Equal(t, "one", string(m.Bytes("a")))
	require.Equal(t, "one more", string(c.Bytes("a")), "links stay links")
	st, err := m.Stat("a")
	require.NoError(t, err)
	m.Append("a", []byte("!"))
	require.Equal(t, "one more", string(c.Bytes("a")))
	now, err := c.Stat("a")
	require.NoError(t, err)
	require.Equal(t, st.Inode, now.Inode)
}

func TestFS_Fault_IsAskedBeforeEveryCall(t *testing.T) {
	m := filestest.New()
	m.Write("d/a", []byte("one"))
	h, err := m.Open("d/a")
	require.NoError(t, err)
	bad := errors.New("bad disk")
	var ops []filestest.Op
	m.SetFault(func(op filestest.Op, path string, off int64) error {
		ops = append(ops, op)
		return bad
	})
	_, err = m.Open("d/a")
	require.ErrorIs(t, err, bad)
	_, err = m.Stat("d/a")
	require.ErrorIs(t, err, bad)
	_, err = m.Glob("d/*")
	require.ErrorIs(t, err, bad)
	_, err = h.ReadAt(make([]byte, 1), 1)
	require.ErrorIs(t, err, bad)
	_, err = h.Stat()
	require.ErrorIs(t, err, bad)
	require.ErrorIs(t, h.Close(), bad)
	require.Equal(t, []filestest.Op{filestest.OpOpen, filestest.OpStat, filestest.OpGlob,
		filestest.OpRead, filestest.OpHandleStat, filestest.OpClose}, ops)
	require.Equal(t, 0, m.OpenHandles(), "closed all the same")

	m.SetFault(nil)
	found, err := m.Glob("**")
	require.NoError(t, err)
	require.Equal(t, []string{"d/a"}, found)
	_, err = m.Glob("[")
	require.ErrorContains(t, err, "syntax error")
	_, err = m.Stat("d")
	require.ErrorContains(t, err, "folder")
}
