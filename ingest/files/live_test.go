package files_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// openLive follows a new file that holds data.
func openLive(t *testing.T, data string) (*files.Live, *filestest.FS) {
	t.Helper()
	fsys := filestest.New()
	fsys.Write("app.log", []byte(data))
	l, err := files.OpenLive(fsys, "app.log")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		require.Equal(t, 0, fsys.OpenHandles())
	})
	return l, fsys
}

// catchUp takes what there is.
func catchUp(t *testing.T, l *files.Live) {
	t.Helper()
	_, err := l.Read(1 << 40)
	require.NoError(t, err)
}

// viewed gives the records of a View from a Point.
func viewed(t *testing.T, l *files.Live, at source.Point, end int64, finished bool) string {
	t.Helper()
	f, err := l.View(end, finished)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r, err := f.Reader(ctx, at, 1<<20)
	require.NoError(t, err)
	data, err := filestest.ReadAll(r, 0)
	require.NoError(t, err)
	return string(data)
}

func TestLive_WhatWasReadSurvives(t *testing.T) {
	for name, change := range map[string]func(*filestest.FS){
		"truncated": func(m *filestest.FS) { m.Truncate("app.log", 0) },
		"regrown":   func(m *filestest.FS) { m.Overwrite("app.log", []byte("new line that is long\n")) },
		"removed":   func(m *filestest.FS) { m.Remove("app.log") },
		"replaced":  func(m *filestest.FS) { m.Write("app.log", []byte("other\n")) },
		"renamed":   func(m *filestest.FS) { m.Rename("app.log", "app.log.1") },
	} {
		t.Run(name, func(t *testing.T) {
			l, fsys := openLive(t, "one\ntwo\nhalf")
			catchUp(t, l)
			change(fsys)
			require.Equal(t, "one\ntwo\n", viewed(t, l, source.Origin(), 12, false))
			require.Equal(t, "one\ntwo\nhalf", viewed(t, l, source.Origin(), 12, true))
			_, err := l.Read(1 << 20)
			var truncated *files.TruncatedError
			if name == "truncated" || name == "regrown" {
				require.ErrorAs(t, err, &truncated)
				require.Equal(t, int64(12), truncated.Taken)
				require.Equal(t, int64(len(fsys.Bytes("app.log"))), truncated.Size)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, truncated != nil, l.Lost())
			at := modelPoint([]byte("one\ntwo\nhalf"), 4)
			l.Release(4)
			require.Equal(t, "two\nhalf", viewed(t, l, at, 12, true))
		})
	}
}

// A truncation in the course of a backlog that is read from the file is no end, and no bytes of
// another incarnation.
func TestLive_View_OfABacklogThatIsTruncated(t *testing.T) {
	old := strings.Repeat("old line\n", 1<<17)
	for name, fresh := range map[string]string{
		"shorter": "new\n", "longer": strings.Repeat("new line\n", 1<<18), "empty": ""} {
		t.Run(name, func(t *testing.T) {
			l, fsys := openLive(t, old)
			require.NoError(t, l.Begin(9000))
			f, err := l.View(int64(len(old)), false)
			require.NoError(t, err)
			r, err := f.Reader(ctx, modelPoint([]byte(old), 9000), 100)
			require.NoError(t, err)
			reads := 0
			fsys.SetFault(func(op filestest.Op, _ string, off int64) error {
				if op == filestest.OpRead && off > 9000 {
					if reads++; reads == 3 {
						fsys.SetFault(nil)
						fsys.Overwrite("app.log", []byte(fresh))
					}
				}
				return nil
			})
			got, err := filestest.ReadAll(r, 0)
			var shrunk *files.ShrunkError
			require.ErrorAs(t, err, &shrunk)
			require.True(t, strings.HasPrefix(old[9000:], string(got)))
			require.True(t, l.Lost())
			_, err = l.Read(1)
			require.ErrorAs(t, err, new(*files.TruncatedError))
			_, err = f.Marker(int64(len(old)))
			require.ErrorAs(t, err, &shrunk)
			require.NoError(t, f.Close())
			_, err = l.View(int64(len(old)), true)
			require.ErrorAs(t, err, &shrunk)
		})
	}
}

func TestLive_Begin_AfterALoss(t *testing.T) {
	l, fsys := openLive(t, "old one\nold two\n")
	catchUp(t, l)
	old, err := l.View(16, true)
	require.NoError(t, err)
	fsys.Overwrite("app.log", []byte("new one\nnew two\nnew three\n"))
	l.Abandon()
	require.True(t, l.Lost())
	require.NoError(t, l.Begin(8))
	require.False(t, l.Lost())
	require.Equal(t, int64(8), l.Taken())
	catchUp(t, l)
	at := modelPoint([]byte("new one\n"), 8)
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

// A View of an incarnation that was lost before all of it was held takes nothing from the next.
func TestLive_View_OfALostIncarnation(t *testing.T) {
	l, fsys := openLive(t, "old one\nold two\n")
	f, err := l.View(16, true)
	require.NoError(t, err)
	l.Abandon()
	require.NoError(t, l.Begin(0))
	_, err = f.Marker(8)
	require.ErrorAs(t, err, new(*files.ShrunkError))
	require.NoError(t, f.Close())
	require.Error(t, f.Close())
	_, err = f.Marker(8)
	require.ErrorIs(t, err, os.ErrClosed)
	require.Equal(t, 1, fsys.OpenHandles(), "the Live stays open")
	_, err = l.View(-1, true)
	require.ErrorContains(t, err, "negative end")
}

// A file written anew that is the same around where reading stopped is another one all the same.
func TestLive_WrittenAnew_TheSameInPart(t *testing.T) {
	old := strings.Repeat("a line of some text\n", 300)
	for name, fresh := range map[string]string{
		"but for the beginning":     "b" + old[1:],
		"but for the end":           old[:len(old)-2] + "?\n",
		"but for the end, longer":   old[:len(old)-2] + "?\n" + old,
		"but for what is not there": old[:len(old)-1],
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []int64{0, 4000, int64(len(old))} {
				l, fsys := openLive(t, old)
				require.NoError(t, l.Begin(at))
				catchUp(t, l)
				fsys.Overwrite("app.log", []byte(fresh))
				_, err := l.Read(1 << 20)
				require.ErrorAs(t, err, new(*files.TruncatedError))
				require.Equal(t, int64(len(old)), l.Taken())
			}
		})
	}
}

// When another incarnation begins while a View reads the one before, the View gives none of it.
func TestLive_View_WhileAnotherIncarnationBegins(t *testing.T) {
	l, fsys := openLive(t, "old one\nold two\n")
	f, err := l.View(16, true)
	require.NoError(t, err)
	fsys.SetFault(func(op filestest.Op, _ string, _ int64) error {
		fsys.SetFault(nil)
		fsys.Overwrite("app.log", []byte("new one\nnew two\n"))
		l.Abandon()
		return l.Begin(0)
	})
	_, err = f.ReadAt(make([]byte, 8), 0)
	require.ErrorAs(t, err, new(*files.ShrunkError))
	require.False(t, l.Lost(), "the other one is there")
	require.NoError(t, f.Close())
}

// Its Stat is one that the file had while its bytes were those taken: a file written anew is never
// taken for the one that was read.
func TestLive_View_Stat(t *testing.T) {
	l, fsys := openLive(t, "one\n")
	catchUp(t, l)
	want, err := l.Look()
	require.NoError(t, err)
	fsys.Overwrite("app.log", []byte("new\n"))
	now, err := l.Look()
	require.NoError(t, err)
	require.NotEqual(t, want, now)
	for range 2 {
		f, err := l.View(4, true)
		require.NoError(t, err)
		require.Equal(t, want, f.Stat())
		require.NoError(t, f.Close())
		_, err = l.Read(1)
		require.ErrorAs(t, err, new(*files.TruncatedError))
	}
}

func TestLive_Compressed(t *testing.T) {
	for _, enc := range filestest.Encodings[1:] {
		t.Run(enc.Name, func(t *testing.T) {
			stored := enc.Store([]byte("one\nhalf"), 3)
			l, fsys := openLive(t, "")
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
			f, err := l.View(0, true)
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
func TestLive_Undecided(t *testing.T) {
	for _, text := range []string{"P", "(", "\x1f", "P*", "ZM\n", "(\xb5", "_*M", "a", "Pa"} {
		l, fsys := openLive(t, text)
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

func TestLive_Held(t *testing.T) {
	l, fsys := openLive(t, "")
	require.Equal(t, int64(0), l.Held())
	var all []byte
	for i := range 300 {
		line := strings.Repeat("GET /index.html 200 some agent\n", 100+i)
		all = append(all, line...)
		fsys.Append("app.log", []byte(line))
		catchUp(t, l)
		require.Positive(t, l.Held())
	}
	require.Less(t, l.Held(), int64(len(all)/10))
	half := int64(bytes.LastIndexByte(all[:len(all)/2], '\n') + 1)
	before := l.Held()
	l.Release(half)
	require.InDelta(t, before/2, l.Held(), 40<<10)
	l.Release(half - 1000) // nothing comes back
	fsys.Truncate("app.log", 0)
	at := modelPoint(all, int(half))
	require.Equal(t, string(all[half:]), viewed(t, l, at, int64(len(all)), false))
	l.Release(1 << 40)
	require.Equal(t, int64(0), l.Held())
	require.Equal(t, int64(len(all)), l.Taken())
}

// Thousands of files at rest cost little.
// What was read can be let go of only while the file has it.
func TestLive_Forget(t *testing.T) {
	l, fsys := openLive(t, strings.Repeat("line\n", 1000)+"half")
	catchUp(t, l)
	l.Release(5000)
	require.NoError(t, l.Forget())
	require.Equal(t, int64(5000), l.Taken())
	require.Equal(t, int64(0), l.Held())
	fsys.Append("app.log", []byte(" line\n"))
	catchUp(t, l)
	require.Equal(t, int64(5010), l.Taken())

	fsys.Overwrite("app.log", append(fsys.Bytes("app.log")[:5000], "another line\n"...))
	require.ErrorAs(t, l.Forget(), new(*files.TruncatedError))
	require.Equal(t, int64(5010), l.Taken())
	require.Equal(t, "half line\n", viewed(t, l, modelPoint(fsys.Bytes("app.log"), 5000), 5010, false))
	require.ErrorAs(t, l.Forget(), new(*files.TruncatedError))
}

func TestLive_AtRest_IsSmall(t *testing.T) {
	const n = 1000
	fsys := filestest.New()
	line := []byte(strings.Repeat("some line of a log\n", 1<<14))
	fsys.Write("app.log", line)
	follow := func() *files.Live {
		l, err := files.OpenLive(fsys, "app.log")
		require.NoError(t, err)
		_, err = l.Read(1 << 30)
		require.NoError(t, err)
		l.Release(int64(len(line)))
		return l
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	_ = follow().Close()
	before := heap()
	lives := make([]*files.Live, n)
	for i := range lives {
		lives[i] = follow()
	}
	each := (heap() - before) / n
	t.Logf("%d bytes each", each)
	require.Less(t, each, int64(900))
	for _, l := range lives {
		require.NoError(t, l.Close())
	}
}

func TestLive_RealFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	w, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer w.Close()
	l, err := files.OpenLive(files.OS(), path)
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
	require.ErrorAs(t, err, new(*files.TruncatedError))
	text += "after the rename\nafter removal\n"
	require.Equal(t, text, viewed(t, l, source.Origin(), int64(len(text)), true))
}
