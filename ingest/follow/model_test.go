package follow_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/follow"
	"logseal/ingest/source"
)

// model is a file, all incarnations that it ever had, and the File that follows it.
type model struct {
	fsys *tornFS
	path string
	live *follow.File

	data    []byte   // of the file, as it is now
	past    [][]byte // what ended incarnations held last
	shared  []byte   // what all incarnations begin with
	lines   int
	changed bool   // an incarnation ended since Begin
	taken   []byte // what the File took, as it served it
	sealed  int
}

func newModel(t *rapid.T) *model {
	m := &model{fsys: &tornFS{FS: filestest.New()}, path: "app.log"}
	m.shared = bytes.Repeat([]byte("#"), rapid.SampledFrom([]int{0, 3, 700, 1500}).Draw(t, "shared"))
	m.fsys.Write(m.path, nil)
	live, err := follow.Open(m.fsys, m.path)
	require.NoError(t, err)
	m.live = live
	return m
}

// text makes about n bytes that no other call makes.
func (m *model) text(t *rapid.T, n int) []byte {
	ends := []string{"\n", "\r\n", "", "\n\n", " long long long line\n", "\r"}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	var b []byte
	for len(b) < n {
		m.lines++
		b = fmt.Appendf(b, "%d of %d%s", m.lines, len(m.past), ends[r.IntN(len(ends))])
	}
	return b
}

func (m *model) size(t *rapid.T) int {
	return rapid.SampledFrom([]int{1, 20, 700, 3000, 20_000, 60_000, 300_000}).Draw(t, "size")
}

func (m *model) append(t *rapid.T) {
	b := m.text(t, m.size(t))
	if len(m.data) == 0 {
		b = append(bytes.Clone(m.shared), b...)
	}
	m.data = append(m.data[:len(m.data):len(m.data)], b...)
	m.put(m.data)
}

// renew ends the incarnation: the file is truncated, or truncated and written anew to any length.
func (m *model) renew(t *rapid.T) {
	m.past = append(m.past, m.data)
	m.changed = true
	var fresh []byte
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
	case 1:
		fresh = append(bytes.Clone(m.shared), m.text(t, m.size(t))...)
	case 2: // past where it was
		fresh = append(bytes.Clone(m.shared), m.text(t, len(m.data)+1)...)
	case 3: // to where it was
		fresh = append(bytes.Clone(m.shared), m.text(t, len(m.data)+1)...)[:len(m.data)]
	}
	m.data = fresh
	m.put(fresh)
}

func (m *model) put(data []byte) {
	if m.path != "" {
		m.fsys.Overwrite(m.path, data)
	}
}

// meddling lets up to three things happen between or within the calls that follow.
func (m *model) meddling(t *rapid.T) {
	type event struct {
		at   int
		kind int
	}
	var events []event
	for range rapid.IntRange(0, 3).Draw(t, "events") {
		events = append(events, event{rapid.IntRange(1, 12).Draw(t, "at"),
			rapid.IntRange(0, 3).Draw(t, "kind")})
	}
	calls := 0
	m.fsys.meddle = func(bool) error {
		calls++
		for _, e := range events {
			if e.at != calls || m.path == "" {
				continue
			}
			switch e.kind {
			case 0:
				m.append(t)
			case 1, 2:
				m.renew(t)
			case 3:
				return errBadDisk
			}
		}
		return nil
	}
}

// incarnations are all that there were, as far as they came.
func (m *model) incarnations() [][]byte {
	return append(m.past[:len(m.past):len(m.past)], m.data)
}

// check reads what is held and holds it against the incarnations.
func (m *model) check(t *rapid.T) {
	m.fsys.meddle = nil
	end := m.live.Taken()
	from := max(0, int64(m.sealed)-source.BlockSize)
	if end > int64(m.sealed) {
		from = max(0, int64(m.sealed)-files.MarkerSize)
	}
	f, err := m.live.Snapshot(end, true)
	require.NoError(t, err)
	held, err := m.live.Handle(end)
	require.NoError(t, err)
	got := make([]byte, end-from)
	before, err := m.live.Look()
	require.NoError(t, err)
	m.fsys.SetFault(func(filestest.Op, string, int64) error { return errBadDisk })
	_, err = held.ReadAt(got, from)
	m.fsys.SetFault(nil)
	require.NoError(t, err, "what is held needs no file")
	require.Equal(t, end, f.Stat().Size)
	require.Equal(t, before.Inode, f.Stat().Inode)
	require.NoError(t, held.Close())
	require.NoError(t, f.Close())
	require.GreaterOrEqual(t, end, int64(len(m.taken)))
	require.True(t, bytes.Equal(m.taken[from:], got[:int64(len(m.taken))-from]),
		"what was taken stays")
	m.taken = append(m.taken, got[int64(len(m.taken))-from:]...)

	for _, data := range m.incarnations() {
		if bytes.HasPrefix(data, m.taken) {
			return
		}
	}
	t.Fatalf("the %d bytes taken are of no one incarnation", len(m.taken))
}

func (m *model) read(t *rapid.T) {
	limit := rapid.SampledFrom([]int64{1, 100, 5000, 200_000, 1 << 30}).Draw(t, "limit")
	m.meddling(t)
	taken, err := m.live.Taken(), error(nil)
	n, err := m.live.Read(limit)
	m.fsys.meddle = nil
	require.LessOrEqual(t, n, max(limit, 15))
	require.Equal(t, m.live.Taken()-taken, n)
	m.check(t)
	m.judge(t, err)
}

// judge holds what Read said against what happened.
func (m *model) judge(t *rapid.T, err error) {
	var truncated *follow.TruncatedError
	switch {
	case errors.As(err, &truncated):
		require.True(t, m.changed, "it was never truncated")
		require.True(t, m.live.Lost())
		require.Equal(t, int64(len(m.taken)), truncated.Taken)
	case err != nil:
		require.ErrorIs(t, err, errBadDisk)
	default:
		require.False(t, m.live.Lost())
	}
	if m.live.Lost() {
		return
	}
	// With the world at rest, another Read takes all of it, or sees that it is another one.
	_, err = m.live.Read(1 << 30)
	m.check(t)
	if !m.changed {
		require.NoError(t, err)
	}
	if err == nil {
		require.True(t, bytes.Equal(m.data, m.taken), "all is taken")
	} else {
		require.ErrorAs(t, err, &truncated)
	}
}

// begin begins at 0, or goes on where all is known.
func (m *model) begin(t *rapid.T) {
	at := 0
	if !m.live.Lost() && bytes.HasPrefix(m.data, m.taken) && rapid.Bool().Draw(t, "middle") {
		at = rapid.IntRange(0, len(m.data)).Draw(t, "at")
	}
	require.NoError(t, m.live.Begin(int64(at)))
	require.Equal(t, int64(at), m.live.Taken())
	require.Equal(t, int64(0), m.live.Held())
	require.False(t, m.live.Lost())
	m.changed, m.sealed, m.taken = false, at, bytes.Clone(m.data[:at])
	m.check(t)
}

func (m *model) release(t *rapid.T) {
	upTo := rapid.IntRange(m.sealed, len(m.taken)).Draw(t, "upTo")
	i := bytes.LastIndexByte(m.taken[:upTo], '\n') + 1
	if i >= m.sealed && rapid.Bool().Draw(t, "at a record's end") {
		upTo = i
	}
	m.live.Release(int64(upTo))
	m.sealed = upTo
	if upTo == len(m.taken) {
		require.Equal(t, int64(0), m.live.Held())
	}
	m.check(t)
}

// forget lets go of what is not released, which is done only while the file has it.
func (m *model) forget(t *rapid.T) {
	m.meddling(t)
	err := m.live.Forget()
	m.fsys.meddle = nil
	if err == nil {
		require.Equal(t, int64(m.sealed), m.live.Taken())
		require.Equal(t, int64(0), m.live.Held())
		m.taken = m.taken[:m.sealed]
		m.check(t)
		return
	}
	require.Equal(t, int64(len(m.taken)), m.live.Taken())
	m.check(t)
	if !errors.Is(err, errBadDisk) {
		require.ErrorAs(t, err, new(*follow.TruncatedError))
		require.True(t, m.changed && m.live.Lost())
	}
}

// view reads what a sealer would, from the sealed offset, and holds it against a plain File.
func (m *model) view(t *rapid.T) {
	most := len(m.taken)
	if ours := !m.live.Lost() && bytes.HasPrefix(m.data, m.taken); ours {
		most = len(m.data)
	} else if most == m.sealed {
		return // there is nothing to seal
	}
	end := rapid.IntRange(m.sealed, most).Draw(t, "end")
	whole := m.taken
	if end > len(whole) {
		whole = m.data
	}
	finished := rapid.Bool().Draw(t, "finished")
	f, err := m.live.Snapshot(int64(end), finished)
	require.NoError(t, err)
	fsys := filestest.New()
	fsys.Write("app.log", whole[:end])
	plain, err := files.Open(fsys, "app.log")
	require.NoError(t, err)
	if !finished {
		plain.SetGrowing()
	}
	sameRanges(t, plain, f, pointAt(whole, m.sealed))
	changed, err := f.Changed()
	require.NoError(t, err)
	require.False(t, changed)
	for _, off := range []int64{int64(m.sealed), int64(end)} {
		want, err := plain.Marker(off)
		require.NoError(t, err)
		got, err := f.Marker(off)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.NoError(t, f.Close())
	require.NoError(t, plain.Close())
}

// sameRanges reads two files at once from a Point, in ranges of any kind.
func sameRanges(t *rapid.T, want, got *files.File, at source.Point) {
	maxRecord := rapid.SampledFrom([]int{1, 7, 100, 100_000}).Draw(t, "maxRecord")
	if want.Stat().Size-at.Offset > 10_000 {
		maxRecord = max(maxRecord, 100)
	}
	maxBytes := rapid.SampledFrom([]int64{0, 50_000, 300_000}).Draw(t, "maxBytes")
	a, err := want.Reader(background, at, maxRecord)
	require.NoError(t, err)
	b, err := got.Reader(background, at, maxRecord)
	require.NoError(t, err)
	for {
		end := a.AtEnd()
		require.Equal(t, end, b.AtEnd())
		if end {
			break
		}
		a.Begin(maxBytes, 0)
		b.Begin(maxBytes, 0)
		for err != io.EOF {
			var x, y source.Chunk
			x, err = a.Next()
			y, errGot := b.Next()
			require.Equal(t, err, errGot)
			require.True(t, x.Offset == y.Offset && x.Line == y.Line && x.Kind == y.Kind &&
				x.Open == y.Open && bytes.Equal(x.Data, y.Data))
		}
		err = nil
		require.Equal(t, a.Point(), b.Point())
	}
	require.Equal(t, a.LeftHalf(), b.LeftHalf())
}

// rename, or remove: nothing changes for who holds the file open.
func (m *model) rename(t *rapid.T) {
	if m.path == "" {
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
		m.fsys.Remove(m.path)
		m.path = ""
		return
	}
	to := fmt.Sprintf("app.log.%d", m.lines)
	m.lines++
	m.fsys.Rename(m.path, to)
	m.path = to
	m.live.SetPath(to)
	require.Equal(t, to, m.live.Path())
}

func TestFile_AgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				if m.path != "" {
					m.append(t)
				}
			},
			"renew": func(t *rapid.T) {
				if m.path != "" {
					m.renew(t)
				}
			},
			"read":    m.read,
			"begin":   m.begin,
			"release": m.release,
			"forget":  m.forget,
			"view":    m.view,
			"rename":  m.rename,
		})
		require.NoError(t, m.live.Close())
		require.Equal(t, 0, m.fsys.OpenHandles())
	})
}
