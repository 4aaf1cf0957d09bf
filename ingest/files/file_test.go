package files_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

func TestOpen_TellsTheFormatFromTheFirstBytes(t *testing.T) {
	for name, c := range map[string]struct {
		stored     string
		compressed bool
	}{
		"empty":                  {"", false},
		"one byte":               {"\x1f", false},
		"text":                   {"line\n", false},
		"gzip":                   {string(filestest.Gzip([]byte("x"))), true},
		"gzip magic":             {"\x1f\x8b", true},
		"gzip, broken header":    {"\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", true},
		"zstd":                   {string(filestest.SkippedZstd([]byte("x"))[11:]), true},
		"zstd skippable frame":   {"\x50\x2a\x4d\x18\x00\x00\x00\x00", true},
		"zstd magic, cut":        {"\x28\xb5\x2f", false},
		"like a skippable frame": {"\x60\x2a\x4d\x18", false},
	} {
		t.Run(name, func(t *testing.T) {
			f, fsys := openBytes(t, []byte(c.stored))
			defer closeAll(t, f, fsys)
			require.Equal(t, c.compressed, f.Compressed())
			require.Equal(t, "app.log", f.Path())
			require.Equal(t, int64(len(c.stored)), f.Stat().Size)
		})
	}
}

func TestOpen_Errors_LeaveNothingOpen(t *testing.T) {
	fsys := filestest.New()
	_, err := files.Open(fsys, "none")
	require.ErrorIs(t, err, os.ErrNotExist)
	fsys.Write("app.log", []byte("line\n"))
	bad := errors.New("bad disk")
	for _, op := range []filestest.Op{filestest.OpOpen, filestest.OpHandleStat, filestest.OpRead} {
		fsys.SetFault(func(o filestest.Op, _ string, _ int64) error {
			if o == op {
				return bad
			}
			return nil
		})
		_, err := files.Open(fsys, "app.log")
		require.ErrorIs(t, err, bad, op)
		require.Equal(t, 0, fsys.OpenHandles(), op)
	}
}

func TestOS(t *testing.T) {
	makeTree(t, "dir/a.log")
	require.NoError(t, unix.Mkfifo("fifo", 0o666))
	fsys := files.OS()
	for path, dir := range map[string]bool{"dir": true, "fifo": false} {
		_, err := fsys.Open(path)
		var other *files.NotRegularError
		require.ErrorAs(t, err, &other)
		require.Equal(t, files.NotRegularError{Path: path, Dir: dir}, *other)
	}
	_, err := fsys.Open("none")
	require.ErrorIs(t, err, os.ErrNotExist)

	f, err := files.Open(fsys, "dir/a.log")
	require.NoError(t, err)
	defer f.Close()
	st, err := fsys.Stat("dir/a.log")
	require.NoError(t, err)
	require.Equal(t, f.Stat(), st)
	info, err := os.Stat("dir/a.log")
	require.NoError(t, err)
	require.Equal(t, info.Size(), st.Size)
	require.Equal(t, info.ModTime().UnixNano(), st.MtimeNS)
	require.NotZero(t, st.Inode)
	require.NotZero(t, st.CtimeNS)

	require.NoError(t, os.Rename("dir/a.log", "dir/a.log.1"))
	changed, err := f.Changed()
	require.NoError(t, err)
	require.False(t, changed, "renamed only")
	got, err := filestest.ReadAll(newReader(t, f, 100), 0)
	require.NoError(t, err)
	require.Equal(t, "dir/a.log", string(got))
	require.NoError(t, os.WriteFile("dir/a.log.1", []byte("more than it was\n"), 0))
	changed, err = f.Changed()
	require.NoError(t, err)
	require.True(t, changed)
}

func TestFile_Head(t *testing.T) {
	long, blank := strings.Repeat("x", source.HeadMax+10), strings.Repeat("\n", source.HeadMax)
	for name, c := range map[string]struct {
		data     string
		finished bool
		want     string
		ok       bool
	}{
		"empty":              {"", true, "", false},
		"first line":         {"one\ntwo\n", false, "one\n", true},
		"unended, finished":  {"# c\none", true, "one", true},
		"unended, growing":   {"# c\none", false, "", false},
		"only comments":      {"#\n\n", true, "#\n\n", true},
		"cut at 64 KiB":      {long, false, long[:source.HeadMax], true},
		"begins at the last": {blank[1:] + long, false, long[:source.HeadMax], true},
		"nothing in 64 KiB":  {blank + blank + blank + "x\n", true, blank, true},
	} {
		for _, enc := range filestest.Encodings {
			t.Run(name+"/"+enc.Name, func(t *testing.T) {
				f, fsys := openBytes(t, enc.Store([]byte(c.data), len(c.data)/2))
				defer closeAll(t, f, fsys)
				head, ok, err := f.Head(c.finished)
				require.NoError(t, err)
				require.Equal(t, c.ok, ok)
				require.Equal(t, c.want, string(head))
			})
		}
	}
}

// A head that a fault cuts off would name another source than the whole file does.
func TestFile_Head_BeforeAFault(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want string
	}{
		"before it":     {"one\ntw", "one\n"},
		"within it":     {"# c\non", ""},
		"none at all":   {"# c\n\n", ""},
		"fault at once": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			stored := filestest.Gzip([]byte(c.data))
			f, fsys := openBytes(t, append(stored, "garbage"...))
			defer closeAll(t, f, fsys)
			head, ok, err := f.Head(true)
			require.Equal(t, c.want, string(head))
			require.Equal(t, c.want != "", ok)
			if !ok {
				var corrupt *files.CorruptError
				require.ErrorAs(t, err, &corrupt)
				require.Equal(t, int64(len(c.data)), corrupt.Offset)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestFile_Marker(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 300)
	f, fsys := openBytes(t, data)
	defer closeAll(t, f, fsys)
	for _, off := range []int{0, 1, 1023, 1024, 1025, len(data)} {
		got, err := f.Marker(int64(off))
		require.NoError(t, err)
		require.Equal(t, source.Digest(sha256.Sum256(data[max(0, off-1024):off])), got, off)
	}
	var shrunk *files.ShrunkError
	_, err := f.Marker(int64(len(data)) + 1)
	require.ErrorAs(t, err, &shrunk)
	require.Equal(t, int64(len(data)), shrunk.Have)
	_, err = f.Marker(-1)
	require.Error(t, err)
	before, err := f.Marker(100)
	require.NoError(t, err)
	fsys.Overwrite("app.log", bytes.Repeat([]byte("x"), 200))
	after, err := f.Marker(100)
	require.NoError(t, err)
	require.NotEqual(t, before, after, "a marker is of the file as it is now")

	z, zfs := openBytes(t, filestest.Gzip(data))
	defer closeAll(t, z, zfs)
	_, err = z.Marker(10)
	require.ErrorContains(t, err, "compressed")
}

func TestFile_Marks_EqualTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := readable(bytes.Repeat(drawLog(t), rapid.SampledFrom([]int{1, 1, 7, 5000}).Draw(t, "repeat")))
		offsets := rapid.SliceOfN(rapid.Int64Range(-1, int64(len(data))+3), 0, 5).Draw(t, "offsets")
		enc := rapid.SampledFrom(filestest.Encodings).Draw(t, "encoding")
		f, fsys := openBytes(t, enc.Store(data, len(data)/3))
		defer closeAll(t, f, fsys)

		want := map[int64]source.Point{}
		greatest := int64(0)
		for _, off := range offsets {
			if off >= 0 && off <= int64(len(data)) {
				want[off] = modelPoint(data, int(off))
			}
			greatest = max(greatest, off)
		}
		marks, end, err := f.Marks(ctx, offsets)
		require.NoError(t, err)
		require.Equal(t, want, marks)
		require.Equal(t, modelPoint(data, len(data)), end)
		marks, reached, err := f.MarksTo(ctx, offsets)
		require.NoError(t, err)
		require.Equal(t, want, marks)
		require.Equal(t, min(greatest, int64(len(data))), reached)
	})
}

func TestFile_Marks_StopWhenToldTo(t *testing.T) {
	f, fsys := openBytes(t, bytes.Repeat([]byte("line\n"), 1<<20))
	defer closeAll(t, f, fsys)
	reads := 0
	stopped, cancel := context.WithCancel(ctx)
	fsys.SetFault(func(op filestest.Op, _ string, _ int64) error {
		if reads++; reads == 2 {
			cancel()
		}
		return nil
	})
	_, _, err := f.Marks(stopped, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2, reads)
	_, err = f.Reader(stopped, source.Point{Offset: 5, Line: 5}, 10)
	require.ErrorIs(t, err, context.Canceled)
}

func TestFile_Marks_OfACorruptFile(t *testing.T) {
	f, fsys := openBytes(t, append(filestest.Gzip([]byte("one\ntwo\n")), "garbage"...))
	defer closeAll(t, f, fsys)
	marks, end, err := f.Marks(ctx, []int64{4, 8, 9})
	var corrupt *files.CorruptError
	require.ErrorAs(t, err, &corrupt)
	require.Equal(t, modelPoint([]byte("one\ntwo\n"), 8), end)
	require.Equal(t, map[int64]source.Point{4: modelPoint([]byte("one\n"), 4), 8: end}, marks)
	_, reached, err := f.MarksTo(ctx, []int64{8})
	require.NoError(t, err, "the fault is after it")
	require.Equal(t, int64(8), reached)
}

func TestFile_Reader_RefusesAPointThatIsNotInTheFile(t *testing.T) {
	data := []byte(strings.Repeat("0123456789\n", 20))
	for _, enc := range filestest.Encodings {
		t.Run(enc.Name, func(t *testing.T) {
			f, fsys := openBytes(t, enc.Store(data, 100))
			defer closeAll(t, f, fsys)
			at := modelPoint(data, 110)
			_, err := f.Reader(ctx, at, 100)
			require.NoError(t, err)

			other := bytes.Replace(data, []byte("9\n0"), []byte("x\n0"), 10)
			var changed *files.ChangedError
			_, err = f.Reader(ctx, modelPoint(other, 110), 100)
			require.ErrorAs(t, err, &changed)
			require.Equal(t, int64(110), changed.Offset)

			var shrunk *files.ShrunkError
			_, err = f.Reader(ctx, modelPoint(append(data, "more\n"...), len(data)+5), 100)
			require.ErrorAs(t, err, &shrunk)
			require.Equal(t, int64(len(data)+5), shrunk.Want)
			require.Equal(t, int64(len(data)), shrunk.Have)

			for _, bad := range []source.Point{{Offset: -1}, {Offset: 1, Line: 2}, {Line: -1}} {
				_, err = f.Reader(ctx, bad, 100)
				require.ErrorContains(t, err, "bad start")
			}
			_, err = f.Reader(ctx, source.Origin(), 0)
			require.ErrorContains(t, err, "bad start")
		})
	}
}

func TestFile_Reader_GoesOnFarIntoAFile(t *testing.T) {
	var data []byte
	for i := range 100_000 {
		data = fmt.Appendf(data, "line %d\n", i)
	}
	for _, enc := range filestest.Encodings {
		f, fsys := openBytes(t, enc.Store(data, 5))
		for _, near := range []int{256 << 10, 256<<10 + 100, 512 << 10, 1000_000} {
			at := bytes.LastIndexByte(data[:near], '\n') + 1
			r, err := f.Reader(ctx, modelPoint(data, at), 100)
			require.NoError(t, err, enc.Name)
			got, err := filestest.ReadAll(r, 0)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data[at:], got))
			require.Equal(t, modelPoint(data, len(data)), r.Point())
		}
		closeAll(t, f, fsys)
	}
}

// A File that is not closed leaves no goroutine, and one that is read uses one core.
func TestFile_StartsNoGoroutines(t *testing.T) {
	data := bytes.Repeat([]byte("line\n"), 1<<18)
	for _, enc := range filestest.Encodings {
		before := runtime.NumGoroutine()
		f, fsys := openBytes(t, enc.Store(data, 5))
		r := newReader(t, f, 100)
		r.Begin(0, 0)
		_, err := r.Next()
		require.NoError(t, err)
		// One that an earlier test left may end meanwhile.
		require.LessOrEqual(t, runtime.NumGoroutine(), before, enc.Name)
		closeAll(t, f, fsys)
	}
}

func TestFile_Reader_EndsTheOneBefore(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<17)
	for _, enc := range filestest.Encodings {
		f, fsys := openBytes(t, enc.Store(data, 10))
		old := newReader(t, f, 100)
		old.Begin(0, 0)
		newReader(t, f, 100)
		_, err := readOn(old)
		require.ErrorContains(t, err, "closed", enc.Name)
		closeAll(t, f, fsys)
	}
}

// readOn reads the rest of a range.
func readOn(r *files.Reader) (n int, err error) {
	for {
		c, err := r.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += len(c.Data)
	}
}
