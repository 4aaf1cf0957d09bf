package pipeline

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/sink"
)

// pondModel knows which lines have to come out of a pond: every line that was written, once. Lines
// that were truncated or deleted before anyone can have looked at them need not.
type pondModel struct {
	*pond
	rt     *rapid.T
	next   int
	must   map[string]bool
	may    map[string]bool     // at most once
	young  map[string][]string // lines of a path since the last pass of time while the tail ran
	half   map[string]string   // the unended last line of a path
	bare   []string            // lines that are in no file any more, and perhaps not sealed yet
	copies map[string]bool     // paths that nobody appends to
	down   atomic.Bool         // the sink does not answer
	files  int
}

// failingStore is a sink that does not answer while down says so.
type failingStore struct {
	sink.Store
	down *atomic.Bool
}

func (s failingStore) Put(ctx context.Context, o sink.Object) error {
	if s.down.Load() {
		return &sink.TransientError{Err: fmt.Errorf("put %s: down", o.Key)}
	}
	return s.Store.Put(ctx, o)
}

func (m *pondModel) paths() []string {
	return slices.DeleteFunc(m.fs.Paths(), func(p string) bool { return strings.HasSuffix(p, ".gz") })
}

func (m *pondModel) pick() string {
	paths := m.paths()
	if len(paths) == 0 {
		m.write()
		paths = m.paths()
	}
	return rapid.SampledFrom(paths).Draw(m.rt, "path")
}

// write makes a new log.
func (m *pondModel) write() {
	m.files++
	path := fmt.Sprintf("/logs/%c%d.log", 'a'+m.files%3, m.files)
	m.fs.Write(path, nil)
	m.append(path)
}

func (m *pondModel) line() string {
	m.next++
	return fmt.Sprintf("a%06d", m.next)
}

func (m *pondModel) append(path string) {
	if m.copies[path] {
		return
	}
	var b strings.Builder
	n := rapid.IntRange(1, 5).Draw(m.rt, "lines")
	for i := range n {
		l := m.half[path]
		if i > 0 || l == "" {
			l = m.line()
			b.WriteString(l)
		} else {
			b.WriteString(l[4:]) // the rest of it
		}
		delete(m.half, path)
		b.WriteByte('\n')
		m.must[l] = true
		m.young[path] = append(m.young[path], l)
	}
	if rapid.IntRange(0, 3).Draw(m.rt, "half") == 0 {
		l := m.line()
		m.half[path] = l
		b.WriteString(l[:4])
	}
	m.fs.Append(path, []byte(b.String()))
	m.rt.Logf("append %s: %q", path, b.String())
}

// drop forgets a path whose bytes are gone, unless kept says that they are elsewhere.
func (m *pondModel) drop(path string, kept bool) {
	m.rt.Logf("drop %s, kept %v: young %q", path, kept, m.young[path])
	if !kept {
		m.mayBe(m.young[path])
		for l := range strings.Lines(string(m.fs.Bytes(path))) {
			m.bare = append(m.bare, strings.TrimSuffix(l, "\n"))
		}
	}
	if l := m.half[path]; l != "" {
		m.may[l[:4]], m.may[l] = true, true
	}
	delete(m.young, path)
	delete(m.half, path)
}

// mayBe says of lines that they need not come out.
func (m *pondModel) mayBe(lines []string) {
	for _, l := range lines {
		if m.must[l] {
			delete(m.must, l)
			m.may[l] = true
		}
	}
}

func (m *pondModel) rename() {
	from := m.pick()
	to := from + ".1"
	if slices.Contains(m.paths(), to) {
		return
	}
	m.fs.Rename(from, to)
	m.move(from, to)
}

// move notes that a file has another path now.
func (m *pondModel) move(from, to string) {
	m.young[to] = m.young[from]
	if l := m.half[from]; l != "" {
		m.half[to] = l
	}
	if m.copies[from] {
		m.copies[to] = true
	}
	delete(m.copies, from)
	delete(m.young, from)
	delete(m.half, from)
}

func (m *pondModel) recreate() {
	path := m.pick()
	m.drop(path, false)
	delete(m.copies, path)
	m.fs.Write(path, nil)
	m.append(path)
}

func (m *pondModel) remove() {
	path := m.pick()
	m.drop(path, false)
	m.fs.Remove(path)
}

func (m *pondModel) truncate() {
	path := m.pick()
	m.drop(path, false)
	delete(m.copies, path)
	m.fs.Truncate(path, 0)
	if rapid.Bool().Draw(m.rt, "goes on") {
		m.append(path)
	}
}

func (m *pondModel) copyTruncate() {
	path := m.pick()
	to := path + ".1"
	if slices.Contains(m.paths(), to) {
		return
	}
	body := m.fs.Bytes(path)
	if rapid.Bool().Draw(m.rt, "in two steps") {
		m.fs.Write(to, body[:len(body)/2])
		m.pass(time.Duration(rapid.IntRange(0, 3000).Draw(m.rt, "ms")) * time.Millisecond)
		m.fs.Append(to, body[len(body)/2:])
	} else {
		m.fs.Write(to, body)
	}
	if h := m.half[path]; h != "" {
		m.may[h[:4]] = true
		delete(m.half, path)
	}
	m.move(path, to)
	m.copies[to] = true
	m.fs.Truncate(path, 0)
	if rapid.Bool().Draw(m.rt, "goes on") {
		m.append(path)
	}
}

func (m *pondModel) compress() {
	path := m.pick()
	to := path + ".gz"
	if slices.Contains(m.fs.Paths(), to) || len(m.fs.Bytes(path)) == 0 {
		return
	}
	m.fs.Write(to, gzipped(m.fs.Bytes(path)))
	if rapid.Bool().Draw(m.rt, "slowly") {
		m.passing()
	}
	m.drop(path, true)
	m.fs.Remove(path)
}

func (m *pondModel) copyOf() {
	path := m.pick()
	body := m.fs.Bytes(path)
	first := bytes.IndexByte(body, '\n') + 1
	if first == 0 {
		return // of a file that begins with half a line nobody knows which one it is
	}
	m.files++
	n := rapid.IntRange(first, len(body)).Draw(m.rt, "bytes")
	n = bytes.LastIndexByte(body[:n], '\n') + 1 // a half line in a whole file is a record
	to := fmt.Sprintf("/logs/copy%d", m.files)
	m.fs.Write(to, body[:n])
	m.copies[to] = true
	for _, l := range m.half {
		m.may[l[:4]] = true
	}
}

func (m *pondModel) passing() {
	m.pass(time.Duration(rapid.SampledFrom([]int{10, 500, 1500, 5_000, 70_000}).
		Draw(m.rt, "ms")) * time.Millisecond)
}

// pass lets time pass; after more than a poll all that there was is read.
func (m *pondModel) pass(d time.Duration) {
	m.pond.pass(d)
	if m.tail != nil && d > 2*time.Second {
		clear(m.young)
		m.bare = nil
	}
}

func (m *pondModel) restart() {
	switch {
	case m.tail == nil:
		m.start()
	case rapid.Bool().Draw(m.rt, "kill"):
		m.kill()
		m.mayBe(m.bare)
		// What was read and not sealed is read again, if it is still there.
		for _, path := range m.paths() {
			for l := range strings.Lines(string(m.fs.Bytes(path))) {
				if l = strings.TrimSuffix(l, "\n"); m.must[l] {
					m.young[path] = append(m.young[path], l)
				}
			}
		}
	default:
		m.finish()
	}
}

func (m *pondModel) outage() { m.down.Store(!m.down.Load()) }

func gzipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

// check brings everything to its end and holds what came out against what had to.
func (m *pondModel) check() {
	m.down.Store(false)
	m.fs.SetFault(nil)
	if m.tail == nil {
		m.start()
	}
	m.pass(20 * time.Minute)
	for _, s := range m.tail.Status().Sources {
		m.rt.Logf("%s %s: size %d, read %d, sealed %d, shipped %d", s.Path, s.State, s.Size, s.Read,
			s.Sealed, s.Shipped)
	}
	for _, p := range m.tail.Status().Problems {
		m.rt.Logf("%s %v", p.Kind, p)
	}
	m.finish()
	have := map[string]int{}
	for _, l := range m.lines() {
		have[l]++
	}
	for l := range m.must {
		require.Equal(m.rt, 1, have[l], "line %s, in %v", l, m.holding(l))
		delete(have, l)
	}
	for l, n := range have {
		if len(l) < len("a000001") {
			continue // part of a line: a file ended there, or a copy does
		}
		require.True(m.rt, m.may[l], "line %s came from nowhere", l)
		require.LessOrEqual(m.rt, n, 1, "line %s", l)
	}
	m.verify()
}

// holding lists the objects that hold a line.
func (m *pondModel) holding(line string) (keys []string) {
	for _, key := range m.sink.Keys() {
		if strings.HasSuffix(key, ".parquet") && slices.Contains(m.linesOf(key), line) {
			keys = append(keys, key)
		}
	}
	return keys
}

// inBubble runs a property in a bubble of its own; how it ends is passed on to who draws.
func inBubble(t *testing.T, property func(t *testing.T)) {
	var ended any
	synctest.Test(t, func(t *testing.T) {
		defer func() { ended = recover() }()
		property(t)
	})
	if ended != nil {
		panic(ended)
	}
}

func TestTail_Model(t *testing.T) {
	warmUpOnce(t)
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func(t *testing.T) { runModel(t, rt) })
	})
}

func runModel(t *testing.T, rt *rapid.T) {
	dir, err := os.MkdirTemp("", "tail-model-")
	require.NoError(rt, err)
	defer os.RemoveAll(dir)
	m := &pondModel{pond: newPond(t, dir), rt: rt, must: map[string]bool{},
		may: map[string]bool{}, young: map[string][]string{}, half: map[string]string{},
		copies: map[string]bool{}}
	m.t = rt
	m.cfg.CopyWait, m.cfg.Follow[0].MaxAge = 10*time.Minute, time.Minute
	m.store = func(s sink.Store) sink.Store {
		return &Retrier{Store: failingStore{s, &m.down}}
	}
	defer func() {
		if m.tail != nil {
			m.kill()
		}
	}()
	m.start()
	steps := map[string]func(*rapid.T){}
	for name, step := range map[string]func(){
		"write": m.write, "append": func() { m.append(m.pick()) },
		"append more": func() { m.append(m.pick()) }, "rename": m.rename,
		"recreate": m.recreate, "remove": m.remove, "truncate": m.truncate,
		"copytruncate": m.copyTruncate, "compress": m.compress, "copy": m.copyOf,
		"pass": m.passing, "pass again": m.passing, "restart": m.restart, "outage": m.outage,
	} {
		steps[name] = func(*rapid.T) { step() }
	}
	rt.Repeat(steps)
	m.check()
}
