package parse

// Parser is a compiled Definition. It may be used concurrently, with a Table for each user.
type Parser struct {
	def Definition
}

// New validates and compiles d.
func New(d Definition) (*Parser, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return &Parser{def: d.Canonical()}, nil
}

// Definition is what p was made of, in canonical form. Its slices are not to be changed.
func (p *Parser) Definition() Definition { return p.def }

// EventTime is the index of the event time's column, -1 for none.
func (p *Parser) EventTime() int { return -1 }

// Parse parses whole lines that begin at offset of their source; the last may be unended. What t
// held before is dropped and its memory used again. t's rejects alias data.
func (p *Parser) Parse(offset int64, data []byte, t *Table) { panic("parse: not yet written") }

// Explain says why a line, with or without its line end, would be rejected and at which byte of
// it the fault is. ok is false when there is nothing to explain: the line is a row or blank.
func (p *Parser) Explain(line []byte) (at int, r Reject, ok bool) { return 0, Reject{}, false }
