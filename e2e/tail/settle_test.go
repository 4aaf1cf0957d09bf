package tail_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// rows are the lines in the sink, each with how often it is there.
func (s *site) rows() map[string]int {
	s.Helper()
	s.lake.read(s)
	return s.lake.lines
}

// rejects are the raw bytes in quarantine.
func (s *site) rejects() (raw []string) {
	s.Helper()
	for _, c := range s.lake.read(s) {
		for _, r := range c.rejects {
			raw = append(raw, r.text)
		}
	}
	slices.Sort(raw)
	return raw
}

// declared are the reasons of the losses that the sink declares, of bytes that no batch has after
// all.
func (s *site) declared() (reasons []string) {
	s.Helper()
	for _, c := range s.lake.read(s) {
		found := strings.TrimSuffix(c.key, ".json") + "-found.json"
		if c.Kind != "" && s.lake.commits[s.lake.dir+"/"+found] == nil {
			reasons = append(reasons, c.Reason)
		}
	}
	slices.Sort(reasons)
	return reasons
}

// sources are the sources in the sink, each with its lines in order.
func (s *site) sources() map[string][]string {
	s.Helper()
	records := map[string][]record{}
	for _, c := range s.lake.read(s) {
		records[c.SID] = append(records[c.SID], c.rows...)
	}
	lines := map[string][]string{}
	for sid, list := range records {
		slices.SortFunc(list, func(a, b record) int { return int(a.offset - b.offset) })
		for _, r := range list {
			lines[sid] = append(lines[sid], r.text)
		}
	}
	return lines
}

// lacking lists what have lacks of want, a few of it.
func lacking(want, have map[string]int) string {
	const most = 10
	var list []string
	lacks := 0
	for line, n := range want {
		if n -= have[line]; n <= 0 {
			continue
		}
		if lacks++; lacks <= most {
			list = append(list, fmt.Sprintf("%.60q x%d", line, n))
		}
	}
	slices.Sort(list)
	if lacks > most {
		list = append(list, fmt.Sprintf("and %d more", lacks-most))
	}
	return strings.Join(list, ", ")
}

// settle waits until every line and reject that is to come out did.
func (s *site) settle() {
	s.Helper()
	s.await(func() (bool, string) {
		if missing := lacking(s.want, s.rows()); missing != "" {
			return false, "lines: " + missing
		}
		missing := lacking(counted(s.raw), counted(s.rejects()))
		return missing == "", "rejects: " + missing
	})
}

func counted(list []string) map[string]int {
	n := map[string]int{}
	for _, s := range list {
		n[s]++
	}
	return n
}

// look waits until the program has looked at all files since now: a line in another file, which it
// finds after now, has come out. Twice, for what takes a look more.
func (s *site) look() {
	s.Helper()
	for range 2 {
		s.looks++
		line := fmt.Sprintf("look %d", s.looks)
		s.append(fmt.Sprintf("logs/zz-look-%d.log", s.looks), line)
		s.await(func() (bool, string) { return s.rows()[line] > 0, line })
	}
}

// settleLost waits until losses are declared for these reasons.
func (s *site) settleLost(reasons ...string) {
	s.Helper()
	s.lost = append(s.lost, reasons...)
	slices.Sort(s.lost)
	s.await(func() (bool, string) {
		have := s.declared()
		return slices.Equal(s.lost, have), fmt.Sprintf("losses: want %v, have %v", s.lost, have)
	})
}

// finish ends the program and wants everything to be there that should be, and nothing else.
func (s *site) finish() {
	s.Helper()
	s.settle()
	s.stop()
	s.exact()
}

// exact wants the sink to hold what it should, once, and to be in order.
func (s *site) exact() {
	s.Helper()
	have := s.rows()
	require.Empty(s, lacking(s.want, have), "lines that are missing")
	require.Empty(s, lacking(have, s.want), "lines that are there too often")
	slices.Sort(s.raw)
	require.Equal(s, s.raw, s.rejects(), "rejects")
	require.Equal(s, s.lost, s.declared(), "declared losses")
	r := s.verify()
	require.Len(s, r.Lost, len(s.lost), "losses that verify finds")
}
