package parse

// Explain says why a line, with or without its line end, would be rejected and at which byte of
// it the fault is. ok is false when there is nothing to explain: the line is a row or blank.
func (p *Parser) Explain(line []byte) (at int, r Reject, ok bool) { return 0, Reject{}, false }
