package tail

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// model is a history under way. It knows of each line that was written whether it has to come out.
type model struct {
	*pond
	history
	rng   *rand.Rand
	told  *story
	storm storm
	moves map[string]func()

	strict    bool // nothing holds up reading: what was there for two seconds was read
	alike     bool // logs begin with one line
	contested bool // somebody else ships the logs, too
	second    *pond
	old       map[string][]byte // ledger and spool at some time
	turned    time.Time         // when an outage began or ended

	written int
	files   int
	must    map[string]bool     // once
	may     map[string]bool     // at most once
	young   map[string][]string // when strict: lines of a path since it was read last
	half    map[string]string   // the unended last line of a path
	broken  map[string]bool     // lines that may come out in two parts: see check
	bare    []string            // lines that are in no file any more, and perhaps not sealed yet
	copies  map[string]bool     // paths that nobody appends to
	changed map[string]time.Time
	blind   map[string]bool // paths that got other bytes while the tail could not seal, and may not see it
	bereft  bool            // the spool is lost, and the tail may not know that yet
	past    []string        // what files held that are gone or packed, and what others have shipped
}

// scarceRolls is a row of random numbers that no move of a history takes.
const scarceRolls = 1 << 20

func newModel(t *testing.T, h history, dir string, told *story) *model {
	m := &model{pond: newPond(t, dir), history: h, told: told, rng: h.rng(0), must: map[string]bool{},
		may: map[string]bool{}, young: map[string][]string{}, half: map[string]string{}, broken: map[string]bool{},
		copies: map[string]bool{}, changed: map[string]time.Time{}, blind: map[string]bool{}}
	m.t = &critic{}
	m.alike = m.flip()
	m.cfg.CopyWait, m.cfg.Follow[0].MaxAge = 10*time.Minute, time.Minute
	m.strict = !h.kind.losing && m.rng.IntN(3) == 0
	if !m.strict {
		m.cfg.Streams[0].MaxBytes = oneOf[int64](m.rng, 64<<20, 4096, 256, 100)
		m.cfg.HoldBytes = oneOf[int64](m.rng, 48<<20, 48<<20, 16<<10)
		if *modelFaults {
			m.spool = oneOf[int64](m.rng, 0, 0, 1)
		}
		m.contested = m.flip()
		m.cfg.OpenFiles = oneOf(h.rng(scarceRolls), 0, 0, 1, 2, 4)
	}
	m.cfg.Workers = 2 - int(h.seed%2) // and not what the machine has: with one, who waits for a turn waits longer
	m.cfg.Log = m.teller()
	retries := m.strict || m.flip()
	m.store = func(s sink.Store) sink.Store {
		s = stormy{s, &m.storm}
		if retries {
			s = &retry.Store{Store: s}
		}
		return s
	}
	if h.kind.two {
		m.second = newPond(t, dir+"/second")
		m.second.sink, m.second.fs, m.second.t, m.second.store = m.sink, m.fs, m.t, m.store
		m.second.others, m.others = []*pond{m.pond}, []*pond{m.second}
		m.second.cfg.CopyWait, m.second.cfg.Follow[0].MaxAge = 10*time.Minute, 37*time.Second
		m.second.cfg.Streams[0].MaxBytes = oneOf[int64](m.rng, 64<<20, 200)
		m.second.cfg.OpenFiles = oneOf(h.rng(scarceRolls+1), 0, 1, 3)
		m.second.cfg.Workers = m.cfg.Workers
		m.second.cfg.Log = m.cfg.Log.With("by", "second")
		m.contested = true
	}
	m.choose()
	fmt.Fprintf(m.told, "strict %v, alike %v, contested %v, batches of %d, memory %d, spool %d, retries %v, open %d\n",
		m.strict, m.alike, m.contested, m.cfg.Streams[0].MaxBytes, m.cfg.HoldBytes, m.spool, retries,
		m.cfg.OpenFiles)
	return m
}

func (m *model) teller() *slog.Logger {
	return slog.New(slog.NewTextHandler(m.told, &slog.HandlerOptions{Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey:
				return slog.String("at", a.Value.Time().Format("04:05.000"))
			case slog.LevelKey, "stream":
				return slog.Attr{}
			}
			return a
		}}))
}

// choose says what can happen in this history: not all of it in each, for what takes several of one
// kind of step comes about where there are few other kinds.
func (m *model) choose() {
	appends := func() { m.append(m.pick()) }
	m.moves = map[string]func(){
		"write": m.write, "append": appends, "append more": appends, "append much": m.appendMuch,
		"rename": m.rename, "recreate": m.recreate, "remove": m.remove, "truncate": m.truncate,
		"copytruncate": m.copyTruncate, "compress": m.compress, "copy": m.copyOf,
		"pass": m.passing, "pass again": m.passing, "restart": m.restart, "outage": m.outage,
	}
	if !m.strict {
		m.moves["faulty files"], m.moves["remove packed"] = m.faultyFiles, m.removePacked
		m.moves["hide spool"] = m.hideSpool
	}
	if !m.strict && *modelFaults {
		m.moves["weather"], m.moves["fill spool"] = m.weather, m.fillSpool
	}
	if m.contested {
		m.moves["elsewhere"] = m.elsewhere
	}
	if m.kind.losing {
		m.moves["lose"], m.moves["snapshot"] = m.lose, m.snapshot
	}
	if m.kind.two {
		m.moves["second"] = m.startOrEndSecond
	}
	for _, name := range slices.Sorted(maps.Keys(m.moves)) {
		if m.rng.IntN(5) < 2 && !slices.Contains([]string{"write", "append", "pass"}, name) {
			delete(m.moves, name)
		}
	}
}

func (m *model) flip() bool { return m.rng.IntN(2) == 0 }

// between draws from lo to hi.
func (m *model) between(lo, hi int) int { return lo + m.rng.IntN(hi-lo+1) }

// oneOf draws one of several.
func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// paths are of the logs that programs write or rotate.
func (m *model) paths() []string {
	return slices.DeleteFunc(m.fs.Paths(), isPacked)
}

func isPacked(path string) bool { return strings.HasSuffix(path, ".gz") }

func (m *model) pick() string {
	if len(m.paths()) == 0 {
		m.write()
	}
	return oneOf(m.rng, m.paths()...)
}

// contents are what the files hold, unpacked.
func (m *model) contents() map[string]string {
	all := map[string]string{}
	for _, path := range m.fs.Paths() {
		body := m.fs.Bytes(path)
		if isPacked(path) {
			body = unpacked(body)
		}
		all[path] = string(body)
	}
	return all
}

func unpacked(b []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	all, _ := io.ReadAll(r)
	return all
}

// linesOfText gives the lines of what a file holds, without their ends.
func linesOfText(body string) (all []string) {
	for l := range strings.Lines(body) {
		all = append(all, strings.TrimSuffix(l, "\n"))
	}
	return all
}

// write makes a new log.
func (m *model) write() {
	m.files++
	path := fmt.Sprintf("/logs/%c%d.log", 'a'+m.files%3, m.files)
	m.fs.Write(path, nil)
	m.begin(path)
	m.append(path)
}

// begin notes that the file at a path is another one, or begins anew.
func (m *model) begin(path string) {
	delete(m.copies, path)
	m.changed[path] = time.Now()
	if m.alike && m.rng.IntN(3) > 0 {
		m.fs.Append(path, []byte("h0\n"))
	}
}

// scarce reports whether files may have to wait for their turn while others are truncated.
func (m *model) scarce() bool {
	return m.cfg.OpenFiles > 0 || m.second != nil && m.second.cfg.OpenFiles > 0
}

func (m *model) line() string {
	m.written++
	return fmt.Sprintf("a%06d", m.written)
}

// halfAt is where a line is cut that is written in two steps.
const halfAt = 4

func (m *model) append(path string) {
	if m.copies[path] {
		return
	}
	var b strings.Builder
	for i := range m.between(1, 5) {
		l := m.half[path]
		if i > 0 || l == "" {
			l = m.line()
			b.WriteString(l)
		} else {
			b.WriteString(l[halfAt:])
			m.broken[l] = strings.HasSuffix(path, ".1") || m.scarce()
		}
		delete(m.half, path)
		b.WriteByte('\n')
		m.must[l] = true
		m.young[path] = append(m.young[path], l)
	}
	if m.rng.IntN(4) == 0 {
		l := m.line()
		m.half[path] = l
		b.WriteString(l[:halfAt])
	}
	m.fs.Append(path, []byte(b.String()))
}

func (m *model) appendMuch() {
	path := m.pick()
	for range m.between(1, 12) {
		m.append(path)
	}
}

func (m *model) rename() {
	from := m.pick()
	to := from + ".1"
	if slices.Contains(m.paths(), to) {
		return
	}
	m.fs.Rename(from, to)
	m.move(from, to)
}

// move notes that what a path held is at another one.
func (m *model) move(from, to string) {
	m.young[to] = m.young[from]
	if l := m.half[from]; l != "" {
		m.half[to] = l
	}
	m.copies[to] = m.copies[from]
	delete(m.copies, from)
	delete(m.young, from)
	delete(m.half, from)
	m.changed[from], m.changed[to] = time.Now(), time.Now()
	m.blind[to] = m.blind[from]
}

func (m *model) recreate() {
	path := m.pick()
	m.vanish(path, false)
	m.fs.Write(path, nil)
	m.begin(path)
	m.append(path)
}

func (m *model) remove() {
	path := m.pick()
	m.vanish(path, false)
	m.fs.Remove(path)
	m.changed[path] = time.Now()
}

// removePacked removes an archive. Of what only it had, and nobody has sealed, nobody knows whether
// it was read.
func (m *model) removePacked() {
	packed := slices.DeleteFunc(m.fs.Paths(), func(p string) bool { return !isPacked(p) })
	if len(packed) == 0 {
		return
	}
	path := oneOf(m.rng, packed...)
	body := m.contents()[path]
	m.past = append(m.past, body)
	m.fs.Remove(path)
	m.mayBe(m.nowhere(linesOfText(body)))
}

func (m *model) truncate() {
	path := m.pick()
	m.vanish(path, false)
	m.fs.Truncate(path, 0)
	m.begin(path)
	if m.flip() {
		m.append(path)
	}
}

func (m *model) copyTruncate() {
	path := m.pick()
	to := path + ".1"
	if slices.Contains(m.paths(), to) {
		return
	}
	body := m.fs.Bytes(path)
	if m.flip() {
		m.fs.Write(to, body[:len(body)/2])
		m.pass(time.Duration(m.between(0, 3000)) * time.Millisecond)
		m.fs.Append(to, body[len(body)/2:])
	} else {
		m.fs.Write(to, body)
	}
	delete(m.half, path) // its rest is never written
	m.move(path, to)
	m.copies[to], m.blind[path] = true, m.mayStall()
	m.fs.Truncate(path, 0)
	m.begin(path)
	if m.flip() {
		m.append(path)
	}
}

func (m *model) compress() {
	path := m.pick()
	to := path + ".gz"
	if slices.Contains(m.fs.Paths(), to) || len(m.fs.Bytes(path)) == 0 {
		return
	}
	m.fs.Write(to, filestest.Gzip(m.fs.Bytes(path)))
	if m.flip() {
		m.passing()
	}
	m.vanish(path, true)
	m.fs.Remove(path)
	m.changed[path] = time.Now()
}

// copyOf copies the first lines of a log. Of less than its first line nobody knows whose copy it is,
// and half a line in a whole file is a record.
func (m *model) copyOf() {
	body := m.fs.Bytes(m.pick())
	first := bytes.IndexByte(body, '\n') + 1
	if first == 0 {
		return
	}
	m.files++
	n := len(body)
	if m.flip() {
		n = m.between(first, n)
	}
	n = bytes.LastIndexByte(body[:n], '\n') + 1
	to := fmt.Sprintf("/logs/copy%d", m.files)
	m.fs.Write(to, body[:n])
	m.copies[to] = true
	m.changed[to] = time.Now()
}

func (m *model) passing() {
	m.pass(time.Duration(oneOf(m.rng, 10, 500, 1500, 5_000, 15_000, 70_000)) * time.Millisecond)
}
