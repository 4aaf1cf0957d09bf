package follow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/follow"
	"logseal/ingest/source"
)

func TestFile_WhatWasReadSurvives(t *testing.T) {
	for name, change := range map[string]func(*filestest.FS){
		"truncated": func(m *filestest.FS) { m.Truncate("app.log", 0) },
		"regrown":   func(m *filestest.FS) { m.Overwrite("app.log", []byte("new line that is long\n")) },
		"removed":   func(m *filestest.FS) { m.Remove("app.log") },
		"replaced":  func(m *filestest.FS) { m.Write("app.log", []byte("other\n")) },
		"renamed":   func(m *filestest.FS) { m.Rename("app.log", "app.log.1") },
	} {
		t.Run(name, func(t *testing.T) {
			l, fsys := openFile(t, "one\ntwo\nhalf")
			catchUp(t, l)
			change(fsys)
			require.Equal(t, "one\ntwo\n", viewed(t, l, source.Origin(), 12, false))
			require.Equal(t, "one\ntwo\nhalf", viewed(t, l, source.Origin(), 12, true))
			_, err := l.Read(1 << 20)
			var truncated *follow.TruncatedError
			if name == "truncated" || name == "regrown" {
				require.ErrorAs(t, err, &truncated)
				require.Equal(t, int64(12), truncated.Taken)
				require.Equal(t, int64(len(fsys.Bytes("app.log"))), truncated.Size)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, truncated != nil, l.Lost())
			at := pointAt([]byte("one\ntwo\nhalf"), 4)
			l.Release(4)
			require.Equal(t, "two\nhalf", viewed(t, l, at, 12, true))
		})
	}
}

func TestFile_Begin_AfterALoss(t *testing.T) {
	l, fsys := openFile(t, "old one\nold two\n")
	catchUp(t, l)
	old, err := l.Handle(16)
	require.NoError(t, err)
	fsys.Overwrite("app.log", []byte("new one\nnew two\nnew three\n"))
	l.Abandon()
	require.True(t, l.Lost())
	require.NoError(t, l.Begin(8))
	require.False(t, l.Lost())
	require.Equal(t, int64(8), l.Taken())
	catchUp(t, l)
	at := pointAt([]byte("new one\n"), 8)
	require.Equal(t, "new two\nnew three\n", viewed(t, l, at, 26, false))
	got := make([]byte, 16)
	_, err = old.ReadAt(got, 0)
	require.NoError(t, err)
	require.Equal(t, "old one\nold two\n", string(got))
	require.NoError(t, old.Close())

	require.ErrorAs(t, l.Begin(27), new(*files.ShrunkError))
	require.Error(t, l.Begin(-1))
	require.Equal(t, int64(26), l.Taken(), "it is as it was")
}

// A file written anew that is the same around where reading stopped is another one all the same.
func TestFile_WrittenAnew_TheSameInPart(t *testing.T) {
	old := strings.Repeat("a line of some text\n", 300)
	for name, fresh := range map[string]string{
		"but for the beginning":     "b" + old[1:],
		"but for the end":           old[:len(old)-2] + "?\n",
		"but for the end, longer":   old[:len(old)-2] + "?\n" + old,
		"but for what is not there": old[:len(old)-1],
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []int64{0, 4000, int64(len(old))} {
				l, fsys := openFile(t, old)
				require.NoError(t, l.Begin(at))
				catchUp(t, l)
				fsys.Overwrite("app.log", []byte(fresh))
				_, err := l.Read(1 << 20)
				require.ErrorAs(t, err, new(*follow.TruncatedError))
				require.Equal(t, int64(len(old)), l.Taken())
			}
		})
	}
}

func TestFile_Compressed(t *testing.T) {
	for _, enc := range filestest.Encodings[1:] {
		t.Run(enc.Name, func(t *testing.T) {
			stored := enc.Store([]byte("one\nhalf"), 3)
			l, fsys := openFile(t, "")
			for n := 1; n <= 15; n++ { // it is written byte by byte
				fsys.Overwrite("app.log", stored[:n])
				got, _ := l.Read(1)
				require.Equal(t, int64(0), got)
			}
			fsys.Overwrite("app.log", stored)
			_, err := l.Look()
			require.NoError(t, err)
			require.True(t, l.Compressed())
			_, err = l.Read(1)
			require.ErrorContains(t, err, "the file is compressed")
			require.Equal(t, "one\nhalf", viewed(t, l, source.Origin(), 0, true))
			require.Equal(t, "one\n", viewed(t, l, source.Origin(), 0, false))
			f, err := l.Snapshot(0, true)
			require.NoError(t, err)
			require.Equal(t, int64(len(stored)), f.Stat().Size)
			fsys.Append("app.log", []byte{0})
			changed, err := f.Changed()
			require.NoError(t, err)
			require.True(t, changed)
			require.NoError(t, f.Close())
			require.Equal(t, 1, fsys.OpenHandles())
		})
	}
}

// Text that begins as a compressed file may is taken once it is clear.
func TestFile_Undecided(t *testing.T) {
	for _, text := range []string{"P", "(", "\x1f", "P*", "ZM\n", "(\xb5", "_*M", "a", "Pa"} {
		l, fsys := openFile(t, text)
		catchUp(t, l)
		require.Contains(t, []int64{0, int64(len(text))}, l.Taken())
		require.Equal(t, text, viewed(t, l, source.Origin(), int64(len(text)), true))
		fsys.Append("app.log", []byte("...\n"))
		_, err := l.Read(1)
		require.NoError(t, err)
		catchUp(t, l)
		require.Equal(t, text+"...\n", viewed(t, l, source.Origin(), l.Taken(), false))
	}
}

func TestFile_RealFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	w, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer w.Close()
	l, err := follow.Open(files.OS(), path)
	require.NoError(t, err)
	defer l.Close()
	text := strings.Repeat("a line of some text\n", 50_000)
	_, err = w.WriteString(text)
	require.NoError(t, err)
	catchUp(t, l)
	require.NoError(t, os.Rename(path, path+".1"))
	_, err = w.WriteString("after the rename\n")
	require.NoError(t, err)
	catchUp(t, l)
	require.NoError(t, os.Remove(path+".1"))
	_, err = w.WriteString("after removal\n")
	require.NoError(t, err)
	catchUp(t, l)
	require.NoError(t, w.Truncate(0))
	_, err = w.WriteString(text + text)
	require.NoError(t, err)
	_, err = l.Read(1 << 20)
	require.ErrorAs(t, err, new(*follow.TruncatedError))
	text += "after the rename\nafter removal\n"
	require.Equal(t, text, viewed(t, l, source.Origin(), int64(len(text)), true))
}
