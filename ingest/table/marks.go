package table

import (
	"fmt"

	"logseal/ingest/source"
)

func printMarks(p *printer, marks []source.Mark) {
	p.name("marks")
	p.open('[')
	for _, m := range marks {
		p.comma()
		p.open('{')
		p.int("offset", m.Offset)
		p.text("chain", m.Chain)
		p.close('}')
	}
	p.close(']')
}

func (s *scanner) marks(name string) []source.Mark {
	var ms []source.Mark
	for _, raw := range s.array(name) {
		in := scanObject(raw)
		m := source.Mark{Offset: in.int("offset")}
		m.Chain = scanText(in, "chain", source.ParseDigest)
		s.inner(name, in)
		ms = append(ms, m)
	}
	return ms
}

// validateMarks returns an error unless marks are just the standard ones strictly within a range:
// who asks for one can rely on it.
func validateMarks(start, end int64, marks []source.Mark) error {
	at := start
	for _, m := range marks {
		want := source.NextMark(at)
		if want >= end || m.Offset != want {
			return fmt.Errorf("marks: %d is not the next within [%d, %d) after %d", m.Offset, start, end, at)
		}
		at = want
	}
	if next := source.NextMark(at); next < end {
		return fmt.Errorf("marks: the one at %d is missing", next)
	}
	return nil
}
