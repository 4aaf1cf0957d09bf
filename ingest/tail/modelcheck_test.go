package tail

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/verify"
)

// check ends all that fails, lets the tails come to rest and holds what is in the table against what
// was written: every line once.
//
// A line need not come out
//
//   - when it may be lost (see modellosing_test.go);
//   - when all files that have it are undecided, and rightly so (mayStayUndecided): who holds the
//     first lines of a log that is no more holds a copy of it, as far as anyone can tell. With the
//     next line it is read;
//   - when it is in no file and still in the spool, and the ledger that knew of which source it is was
//     lost: it waits there for its file, and is named;
//   - when it is in no file, and another writer has a batch at its place: what is in memory or in the
//     spool of who comes second there is only shipped as far as both say the same. Then it is in the
//     spool still, or declared.
//
// A line may have come out in two parts when its file was renamed in between, or when a copy of a file that
// was truncated had to wait for its turn. Lines that are cut off at a file's end, and the first lines that logs share, are not counted.
func (m *model) check() {
	m.calm()
	m.pass(2 * napMost)
	if m.tail == nil {
		m.start()
	}
	if m.second != nil && m.second.tail == nil {
		m.second.start()
	}
	m.pass(30 * time.Minute)
	status := m.tail.Status()
	m.tellStatus(status)
	excused := m.excused(status)
	m.finish()
	if m.second != nil {
		m.second.finish()
	}
	wrong := m.wrongLines(excused)
	if len(wrong) > 0 {
		panic(wrongness(strings.Join(wrong, "\n")))
	}
	m.checkTable()
}

func (m *model) tellStatus(status Status) {
	for _, s := range status.Sources {
		fmt.Fprintf(m.told, "%s is %s, source %.4s k %d: size %d, read %d, sealed %d, shipped %d\n", s.Path,
			s.State, s.SID, s.K, s.Size, s.Read, s.Sealed, s.Shipped)
	}
	for _, p := range status.Problems {
		fmt.Fprintf(m.told, "%s: %v\n", p.Kind, p)
	}
	fmt.Fprintf(m.told, "in the spool: %d, declared: %v\n", len(m.inSpool()), m.losses())
}

// wrongLines says which lines are missing, or there too often.
func (m *model) wrongLines(excused map[string]bool) (wrong []string) {
	have := map[string]int{}
	for _, l := range m.lines() {
		have[l]++
	}
	for l, broken := range m.broken {
		if broken {
			have[l] += have[l[halfAt:]]
		}
	}
	inFiles, held := map[string]bool{}, map[string]bool{}
	for path, body := range m.contents() {
		for _, l := range linesOfText(body) {
			inFiles[l] = inFiles[l] || !excused[path]
		}
	}
	for _, l := range m.spoolLines() {
		held[l] = true
	}
	for _, l := range slices.Sorted(maps.Keys(m.must)) {
		_, someFile := inFiles[l]
		switch {
		case have[l] == 1, have[l] == 0 && someFile && !inFiles[l]:
		case have[l] == 0 && !someFile && held[l] && (m.kind.losing || m.contested || m.alike):
		case have[l] == 0 && !someFile && m.contested && len(m.losses()) > 0:
		default:
			wrong = append(wrong, fmt.Sprintf("line %s is there %d times, in %v; in a file %v, in the spool %v",
				l, have[l], m.holding(l), inFiles[l], held[l]))
		}
	}
	for _, l := range slices.Sorted(maps.Keys(have)) {
		switch {
		case m.must[l], len(l) < len("a000001"):
		case !m.may[l]:
			wrong = append(wrong, fmt.Sprintf("line %s comes from nowhere", l))
		case have[l] > 1:
			wrong = append(wrong, fmt.Sprintf("line %s is there %d times, in %v", l, have[l], m.holding(l)))
		}
	}
	return wrong
}

// excused gives the files that are undecided, and rightly so.
func (m *model) excused(status Status) map[string]bool {
	undecided, excused := map[string]bool{}, map[string]bool{}
	for _, s := range status.Sources {
		undecided[s.Path] = undecided[s.Path] || s.State == string(isUndecided)
	}
	for _, p := range status.Problems {
		undecided[p.Path] = undecided[p.Path] || p.Kind == commit.Undecided
	}
	for path, body := range m.contents() {
		excused[path] = undecided[path] && m.mayStayUndecided(path, body)
	}
	return excused
}

// mayStayUndecided reports whether what a file has of whole lines can be the beginning of a log that is no
// more, or that somebody else has shipped: one that is longer and agrees with it up to the last mark in
// both. With logs that are there it can be compared.
func (m *model) mayStayUndecided(path, body string) bool {
	whole := body[:strings.LastIndexByte(body, '\n')+1]
	for _, log := range m.past {
		if len(log) > len(whole) && firstLine(log) == firstLine(body) &&
			log[:lastMark(len(whole))] == whole[:lastMark(len(whole))] {
			return true
		}
	}
	for other, log := range m.contents() {
		if other != path && len(log) > len(body) && strings.HasPrefix(log, body) {
			return true
		}
	}
	return false
}

func firstLine(body string) string { return body[:strings.IndexByte(body, '\n')+1] }

// lastMark is the last offset up to n at which the chain of every source is known.
func lastMark(n int) int {
	mark := 0
	for next := source.NextMark(0); next <= int64(n); next = source.NextMark(next) {
		mark = int(next)
	}
	return mark
}

// holding lists the objects that hold a line.
func (m *model) holding(line string) (keys []string) {
	for _, key := range m.sink.Keys() {
		if strings.HasSuffix(key, ".parquet") && slices.Contains(m.linesOf(key), line) {
			keys = append(keys, key)
		}
	}
	return keys
}

// checkTable verifies the table. What a put that came late or a writer that died left behind is not
// its fault: it is cleaned first, and must then be gone. Nothing waits any more, but for what needs a
// file that is gone.
func (m *model) checkTable() {
	r, err := verify.Run(context.Background(), verify.Options{Store: m.sink, Deep: true, Clean: !m.strict,
		Spool: func() ([]spool.Entry, error) {
			return spool.List(filepath.Join(m.dir, "state", "spool"))
		}})
	if err != nil {
		panic(wrongness(fmt.Sprintf("verify: %v", err)))
	}
	if !r.OK {
		panic(wrongness(fmt.Sprintf("verify: %+v", r.Findings)))
	}
	if left := m.inSpool(); len(left) > 0 && !m.kind.losing && !m.contested && !m.alike {
		panic(wrongness(fmt.Sprintf("left in the spool: %v", left)))
	}
}
