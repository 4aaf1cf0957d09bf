package tail

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"logseal/ingest/spool"
	"logseal/ingest/table"
)

// What a history may lose, and which lines then need not come out:
//
//   - those that were gone before they can have been read (vanish);
//   - those that are in no file any more and were not sealed when the tail died (forget);
//   - those that a lost spool alone had (lose).

const (
	// readWithin is how long it takes until all that there is was read, if nothing holds up reading.
	readWithin = 2 * time.Second
	// toldWithin is how long it may take to tell who a file is with a sink that does not answer.
	toldWithin = 2 * askMax
)

// pass lets time pass. In a strict history all that there was is read soon, but for what is undecided;
// only a tail that knows nothing waits for the sink before it looks at anything.
func (m *model) pass(d time.Duration) {
	began := time.Now()
	looks := m.tail != nil && !m.tail.LastLook().IsZero()
	m.pond.pass(d)
	m.noteEnd()
	rested := d > laneWaitMax && !m.storm.isDown()
	if !m.full.Load() && (m.spool == 0 || rested) {
		clear(m.blind)
	}
	m.bereft = m.bereft && !rested
	within := readWithin
	if m.storm.isDown() || began.Sub(m.turned) < toldWithin {
		within = toldWithin
	}
	if m.strict && m.tail != nil && looks && d > within {
		excused := m.excused(m.tail.Status())
		maps.DeleteFunc(m.young, func(path string, _ []string) bool { return !excused[path] })
		m.bare = nil
	}
}

// vanish notes that what a path holds is about to be gone; kept says that it is elsewhere.
func (m *model) vanish(path string, kept bool) {
	defer func() { m.blind[path] = m.mayStall() }()
	body := string(m.fs.Bytes(path))
	m.past = append(m.past, body)
	if l := m.half[path]; l != "" {
		m.may[l] = true
		delete(m.half, path)
	}
	young := m.young[path]
	delete(m.young, path)
	if !kept && m.mayStayUndecided(path, body) {
		m.mayBe(linesOfText(body)) // nobody could tell which log it was, so it went unread
	}
	if kept {
		return
	}
	if !m.strict {
		young = linesOfText(body[m.readOf(path, body):])
		others := m.contents()
		delete(others, path)
		young = m.missingFrom(young, others)
	}
	m.mayBe(young)
	m.bare = append(m.bare, linesOfText(body)...)
}

// mayStall reports whether a batch may wait for room in the spool.
func (m *model) mayStall() bool { return m.full.Load() || m.spool > 0 }

// readOf is how much of a file the tail says that it has read, when it has seen what the file is and
// has all that it saw. That much it has to seal, whatever becomes of the file.
func (m *model) readOf(path, body string) int {
	if m.tail == nil {
		return 0
	}
	st := m.tail.Status()
	if at, ok := m.changed[path]; !ok || m.blind[path] || !st.LastLook.After(at) {
		return 0
	}
	read := -1
	for _, s := range st.Sources {
		if s.Path != path {
			continue
		}
		if s.State != string(isActive) || s.Read != s.Size || read >= 0 {
			return 0 // not read, not yet, or there are two that were at this path
		}
		if m.bereft && s.Shipped < s.Sealed {
			return 0 // what it has sealed is gone
		}
		read = int(s.Read)
	}
	read = min(max(read, 0), len(body))
	return strings.LastIndexByte(body[:read], '\n') + 1
}

// mayBe says of lines that they need not come out.
func (m *model) mayBe(lines []string) {
	for _, l := range lines {
		if m.must[l] {
			delete(m.must, l)
			m.may[l] = true
		}
	}
}

// nowhere gives those of lines that nobody has.
func (m *model) nowhere(lines []string) []string { return m.missingFrom(lines, m.contents()) }

// missingFrom gives those of lines that are neither in the sink nor in the spool, nor in these files.
func (m *model) missingFrom(lines []string, files map[string]string) []string {
	have := map[string]bool{}
	for _, l := range append(m.lines(), m.spoolLines()...) {
		have[l] = true
	}
	for _, body := range files {
		for _, l := range linesOfText(body) {
			have[l] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return have[l] })
}

// spoolLines gives the lines that are in the spool, also of what is held there.
func (p *pond) spoolLines() []string {
	dir := filepath.Join(p.dir, "state", "spool")
	lines := p.linesOfBatches(dir)
	if held := filepath.Join(dir, "held"); exists(held) {
		lines = append(lines, p.linesOfBatches(held)...)
	}
	return lines
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (p *pond) linesOfBatches(dir string) (lines []string) {
	entries, err := spool.List(dir)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		manifest, err := table.ParseManifest(e.Manifest)
		if err != nil {
			continue // a declared loss
		}
		for i, o := range manifest.Objects {
			body, err := os.ReadFile(filepath.Join(dir, e.Name, string('0'+rune(i))))
			if err == nil {
				lines = append(lines, p.linesIn(o.Key, body)...)
			}
		}
	}
	return lines
}

// restart starts the tail, ends it or kills it.
func (m *model) restart() {
	switch {
	case m.tail == nil:
		m.start()
	case m.flip():
		m.killed()
	default:
		m.endWell(m.pond)
		if !m.strict { // with a full spool it ends before all is sealed
			m.forget()
		}
	}
}

func (m *model) killed() {
	m.kill()
	m.forget()
	// What was read and not sealed is read again, if it is still there.
	for path, body := range m.contents() {
		for _, l := range linesOfText(body) {
			if m.must[l] {
				m.young[path] = append(m.young[path], l)
			}
		}
	}
}

// forget lets those lines be lost that only the memory of a tail had which is no more.
func (m *model) forget() {
	m.mayBe(m.nowhere(m.bare))
	m.bare = nil
}

// noteEnd notes which tails ended by themselves. One does so when the sink fails it before it was
// reached, and is started again by whoever keeps it; any other end is wrong.
func (m *model) noteEnd() {
	if m.endedEarly(m.pond) {
		m.forget()
	}
	if m.second != nil {
		m.endedEarly(m.second)
	}
}

func (m *model) endedEarly(p *pond) bool {
	if p.tail == nil {
		return false
	}
	select {
	case <-p.done:
		m.mayEnd(p)
		p.gone()
		return true
	default:
		return false
	}
}

// mayEnd demands that a tail which ended had a reason.
func (m *model) mayEnd(p *pond) {
	fmt.Fprintf(m.told, "a tail ended: %v\n", p.err)
	if p.err == nil || p.tail.Status().Ready || !m.storm.isFelt() {
		panic(wrongness(fmt.Sprintf("a tail ended by itself: %v", p.err)))
	}
}

// endWell ends a tail as SIGTERM does.
func (m *model) endWell(p *pond) {
	p.stop()
	<-p.done
	if p.err != nil {
		m.mayEnd(p)
	}
	p.gone()
}

// snapshot keeps a copy of ledger and spool.
func (m *model) snapshot() {
	up := m.tail != nil
	if up {
		m.killed()
	}
	m.old = m.readState()
	if up {
		m.start()
	}
}

const ledgerFile = "/ledger.db"

func (m *model) readState() map[string][]byte {
	state, all := filepath.Join(m.dir, "state"), map[string][]byte{}
	err := filepath.WalkDir(state, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		all[strings.TrimPrefix(path, state)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		panic(err)
	}
	return all
}

// lose loses a part of the state, or puts an old copy of it back, and starts the tail again.
func (m *model) lose() {
	if m.tail != nil {
		m.killed()
	}
	state := filepath.Join(m.dir, "state")
	what := oneOf(m.rng, "ledger", "spool", "both", "old state", "old ledger")
	m.told.Write([]byte("lost: " + what + "\n"))
	switch what {
	case "ledger":
		os.Remove(state + ledgerFile)
	case "spool":
		os.RemoveAll(filepath.Join(state, "spool"))
		m.bereft = true
	case "both":
		os.RemoveAll(state)
	case "old state":
		if m.old != nil {
			os.RemoveAll(state)
			m.putBack(func(string) bool { return true })
		}
	case "old ledger":
		m.putBack(func(path string) bool { return path == ledgerFile })
	}
	m.mayBe(m.nowhere(slices.Sorted(maps.Keys(m.must))))
	m.start()
}

func (m *model) putBack(wanted func(path string) bool) {
	for path, body := range m.old {
		if !wanted(path) {
			continue
		}
		to := filepath.Join(m.dir, "state", path)
		err := os.MkdirAll(filepath.Dir(to), 0o700)
		if err == nil {
			err = os.WriteFile(to, bytes.Clone(body), 0o600)
		}
		if err != nil {
			panic(err)
		}
	}
}

// startOrEndSecond starts the second tail, ends it or kills it.
func (m *model) startOrEndSecond() {
	switch {
	case m.second.tail == nil:
		m.second.start()
	case m.flip():
		m.second.kill()
	default:
		m.endWell(m.second)
	}
}
