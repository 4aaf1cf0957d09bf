package parse

import (
	"bytes"
	"fmt"
	"regexp/syntax"
	"unicode/utf8"
)

// Explain says why a line, with or without its line end, would be rejected and at which byte of
// it the fault is: where a column at fault begins, or the first byte after which no text could
// make the line match, which is the line's end when it merely ends too soon. Of JSON it is where
// the value at fault begins, or a name that should not be there; where a member is missing, the
// end of the object that it should lie in. ok is false when
// there is nothing to explain: the line is a row or blank. Of a frame it may be lines that are
// parts of one record. It is for people, and slow.
func (p *Parser) Explain(line []byte) (at int, r Reject, ok bool) {
	if p.def.Frame != NoFrame {
		return p.explainFramed(line)
	}
	var t Table
	t.reset(p.def.Columns)
	content := trimLineEnd(line)
	if len(content) == 0 {
		return 0, Reject{}, false
	}
	bad := p.appendRow(content, &t)
	if bad.reason == "" {
		return 0, Reject{}, false
	}
	return p.faultAt(bad, content), bad.reject(line), true
}

func (bad failure) reject(line []byte) Reject {
	return Reject{Raw: line, Reason: bad.reason, Field: bad.field, Detail: bad.detail}
}

// faultAt is where the fault of a content is.
func (p *Parser) faultAt(bad failure, content []byte) int {
	switch {
	case bad.reason == NoMatch:
		return matchedPrefix(p.re.String(), content)
	case p.def.Kind == Regex && bad.column >= 0:
		return p.groupStart(p.fields[bad.column].group, content)
	}
	return bad.at
}

// groupStart is where a group begins in a line that matches; one that took no part would have
// begun where the groups before it end.
func (p *Parser) groupStart(group int, content []byte) int {
	groups := p.re.FindSubmatchIndex(content)
	if at := groups[2*group]; at >= 0 {
		return at
	}
	at := 0
	for g := 1; g < group; g++ {
		at = max(at, groups[2*g+1])
	}
	return at
}

// matchedPrefix is the length of the longest beginning of text that some matching text also
// begins with; what \b and the like ask of the next character counts as fulfilled until that comes.
// Pattern is one that regexp compiles and is anchored at its start.
func matchedPrefix(pattern string, text []byte) int {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		panic(fmt.Sprintf("parse: compiled pattern %q: %v", pattern, err))
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		panic(fmt.Sprintf("parse: compiled pattern %q: %v", pattern, err))
	}
	m := machine{prog: prog, seen: make([]int, len(prog.Inst))}
	last, at := rune(-1), 0
	m.follow(uint32(prog.Start), 1)
	for step := 2; ; step++ {
		next, size := rune(-1), 0
		if at < len(text) {
			next, size = utf8.DecodeRune(text[at:])
		}
		m.advance(last, next, step)
		if len(m.waiting) == 0 { // at the end of text at the latest
			return at
		}
		last = next
		at += size
	}
}

// machine runs all ways to match at once, as package regexp does, without what it needs for groups.
type machine struct {
	prog *syntax.Prog
	// waiting are the instructions that look at the next character or its surroundings.
	waiting []uint32
	// seen holds the last step at which an instruction was followed.
	seen []int
}

// follow adds what instruction pc leads to without reading, each instruction once a step.
func (m *machine) follow(pc uint32, step int) {
	if m.seen[pc] == step {
		return
	}
	m.seen[pc] = step
	inst := &m.prog.Inst[pc]
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		m.follow(inst.Out, step)
		m.follow(inst.Arg, step)
	case syntax.InstCapture, syntax.InstNop:
		m.follow(inst.Out, step)
	case syntax.InstFail, syntax.InstMatch:
	default:
		m.waiting = append(m.waiting, pc)
	}
}

// advance lets the waiting instructions read next, which comes after last; -1 is an end of text.
func (m *machine) advance(last, next rune, step int) {
	// A condition that holds leads to more instructions that wait for the same character.
	around := syntax.EmptyOpContext(last, next)
	for i := 0; i < len(m.waiting); i++ {
		inst := &m.prog.Inst[m.waiting[i]]
		if inst.Op == syntax.InstEmptyWidth && syntax.EmptyOp(inst.Arg)&^around == 0 {
			m.follow(inst.Out, step-1)
		}
	}
	now := m.waiting
	m.waiting = nil
	for _, pc := range now {
		inst := &m.prog.Inst[pc]
		if inst.Op != syntax.InstEmptyWidth && next >= 0 && inst.MatchRune(next) {
			m.follow(inst.Out, step)
		}
	}
}

// explainFramed is Explain for lines of a frame.
func (p *Parser) explainFramed(lines []byte) (at int, r Reject, ok bool) {
	fr := newFramer(p.def.Frame)
	var parts []part
	var starts []int
	for from := 0; from < len(lines); {
		to := len(lines)
		if n := bytes.IndexByte(lines[from:], '\n'); n >= 0 {
			to = from + n + 1
		}
		if line := lines[from:to]; len(trimLineEnd(line)) > 0 {
			x, bad := fr.split(bytes.TrimSuffix(line, []byte("\n")))
			if bad.reason != "" {
				return from + bad.at, bad.reject(lines), true
			}
			parts, starts = append(parts, x), append(starts, from)
		}
		from = to
	}
	if len(parts) == 0 {
		return 0, Reject{}, false
	}
	content := fr.joined(parts, bytes.HasSuffix(lines, []byte("\n")))
	if len(content) == 0 && !p.whole {
		return 0, Reject{}, false
	}
	var t Table
	t.reset(p.def.Columns)
	first := parts[0]
	bad := p.appendFramed(&joined{stream: first.stream, time: first.time, attrs: first.attrs},
		content, &t)
	if bad.reason == "" {
		return 0, Reject{}, false
	}
	if bad.column >= 0 && bad.column < p.outer {
		return starts[0] + first.timeAt, bad.reject(lines), true
	}
	return placeIn(parts, starts, p.faultAt(bad, content)), bad.reject(lines), true
}

// joined is the content of the parts, whose last line has a line end or not.
func (fr *framer) joined(parts []part, ended bool) []byte {
	var content []byte
	for _, x := range parts {
		if x.escaped {
			content = unescape(content, x.text)
		} else {
			content = append(content, x.text...)
		}
	}
	return fr.trim(content, ended && parts[len(parts)-1].last)
}

// placeIn is where the byte at of the joined parts stands in the lines, which begin at starts.
func placeIn(parts []part, starts []int, at int) int {
	for i, x := range parts {
		size := len(x.text)
		if x.escaped {
			size = len(unescape(nil, x.text))
		}
		if at < size || i == len(parts)-1 {
			return starts[i] + x.textAt + x.escapedLen(at)
		}
		at -= size
	}
	return 0
}

// escapedLen is how many bytes of the part's text say the first n bytes of what it means.
func (x *part) escapedLen(n int) int {
	if !x.escaped {
		return min(n, len(x.text))
	}
	at := 0
	for n > 0 && at < len(x.text) {
		if x.text[at] != '\\' {
			n--
			at++
			continue
		}
		_, size := readEscape(x.text[at:])
		n -= len(unescape(nil, x.text[at:at+size]))
		if n < 0 {
			break
		}
		at += size
	}
	return at
}
