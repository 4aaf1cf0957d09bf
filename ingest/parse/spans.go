package parse

import (
	"bytes"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// spans is a pattern that matches a text in one way at most, so that it is found without trying: a
// list of literals and of spans of a byte class, in which what follows a span cannot begin with a
// byte of its class. Such a span ends where its class does, whatever the order in which package regexp
// prefers matches. Texts are valid UTF-8: a class has all bytes beyond ASCII or none.
type spans struct {
	steps  []step
	groups int // the whole match included
}

// step is a span of a class or, without one, a literal. The first is empty: it has the marks of where
// the text begins.
type step struct {
	literal     []byte
	class       *[256]bool
	least, most int   // bytes of a span; most is -1 for no limit
	others      int   // how many bytes are not of the class
	other       byte  // the last of them
	marks       []int // the indices in what match gives of where the step ends
}

// compileSpans gives nil for a pattern that is of another kind. The pattern is for a whole text.
func compileSpans(whole string) *spans {
	re, err := syntax.Parse(whole, syntax.Perl)
	if err != nil {
		return nil
	}
	s := &spans{steps: []step{{}}, groups: re.MaxCap() + 1}
	if !s.add(trimAnchors(re)) || !s.isDeterministic() {
		return nil
	}
	return s
}

// trimAnchors takes the anchors off a pattern for a whole text, and those within that say the same.
func trimAnchors(re *syntax.Regexp) []*syntax.Regexp {
	subs := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		subs = re.Sub
	}
	for len(subs) > 0 && subs[0].Op == syntax.OpBeginText {
		subs = subs[1:]
	}
	for len(subs) > 0 && subs[len(subs)-1].Op == syntax.OpEndText {
		subs = subs[:len(subs)-1]
	}
	if len(subs) == 1 && subs[0].Op == syntax.OpConcat {
		return trimAnchors(subs[0])
	}
	return subs
}

// add adds what patterns match one after the other; false when that is no list of spans.
func (s *spans) add(subs []*syntax.Regexp) bool {
	for _, re := range subs {
		if !s.addOne(re) {
			return false
		}
	}
	return true
}

func (s *spans) addOne(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return true
	case syntax.OpConcat:
		return s.add(re.Sub)
	case syntax.OpCapture:
		s.mark(2 * re.Cap)
		ok := s.add(re.Sub)
		s.mark(2*re.Cap + 1)
		return ok
	case syntax.OpLiteral:
		if folds(re) || slices.ContainsFunc(re.Rune, isNoText) {
			return false
		}
		s.steps = append(s.steps, step{literal: []byte(string(re.Rune))})
		return true
	case syntax.OpPlus:
		return s.addSpan(re.Sub[0], 1, -1)
	case syntax.OpStar:
		return s.addSpan(re.Sub[0], 0, -1)
	case syntax.OpRepeat:
		return s.addSpan(re.Sub[0], re.Min, re.Max)
	}
	return s.addSpan(re, 1, 1)
}

func (s *spans) mark(index int) {
	last := &s.steps[len(s.steps)-1]
	last.marks = append(last.marks, index)
}

// addSpan adds a class that is there least to most times. Times are counted in bytes, so where they
// count a rune is to be one byte.
func (s *spans) addSpan(re *syntax.Regexp, least, most int) bool {
	class, ok := byteClass(re)
	if !ok || class[utf8.RuneSelf] && (least > 1 || most >= 0) {
		return false
	}
	t := step{class: class, least: least, most: most}
	for b, of := range class {
		if !of {
			t.others, t.other = t.others+1, byte(b)
		}
	}
	s.steps = append(s.steps, t)
	return true
}

// byteClass gives the bytes of a class of runes; false when it has some runes beyond ASCII and not
// others.
func byteClass(re *syntax.Regexp) (*[256]bool, bool) {
	var runes []rune // pairs of first and last
	switch re.Op {
	case syntax.OpCharClass:
		runes = re.Rune
	case syntax.OpAnyCharNotNL:
		runes = []rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune}
	case syntax.OpAnyChar:
		runes = []rune{0, utf8.MaxRune}
	case syntax.OpLiteral:
		if len(re.Rune) != 1 || folds(re) {
			return nil, false
		}
		runes = []rune{re.Rune[0], re.Rune[0]}
	default:
		return nil, false
	}
	var class [256]bool
	beyond := false
	for i := 0; i < len(runes); i += 2 {
		first, last := runes[i], runes[i+1]
		if last >= utf8.RuneSelf {
			if first > utf8.RuneSelf || last != utf8.MaxRune {
				return nil, false
			}
			beyond = true
		}
		for r := first; r <= min(last, utf8.RuneSelf-1); r++ {
			class[r] = true
		}
	}
	for b := utf8.RuneSelf; b < len(class); b++ {
		class[b] = beyond
	}
	return &class, true
}

// folds reports whether a literal also stands for others.
func folds(re *syntax.Regexp) bool {
	return re.Flags&syntax.FoldCase != 0 && slices.ContainsFunc(re.Rune, func(r rune) bool {
		return unicode.SimpleFold(r) != r
	})
}

// isNoText reports whether no UTF-8 text has a rune.
func isNoText(r rune) bool { return !utf8.ValidRune(r) }

// isDeterministic holds that nothing that may follow a span begins with a byte of its class.
func (s *spans) isDeterministic() bool {
	for i := range s.steps {
		class := s.steps[i].class
		if class == nil {
			continue
		}
		for _, next := range s.steps[i+1:] {
			if next.beginsIn(class) {
				return false
			}
			if next.class == nil || next.least > 0 {
				break
			}
		}
	}
	return true
}

// beginsIn reports whether what a step matches may begin with a byte of a class.
func (t *step) beginsIn(class *[256]bool) bool {
	if t.class == nil {
		return class[t.literal[0]]
	}
	for b := range class {
		if class[b] && t.class[b] {
			return true
		}
	}
	return false
}

// match puts into groups what FindSubmatchIndex of package regexp gives; false for no match.
func (s *spans) match(text []byte, groups *[]int) bool {
	ends := slices.Grow((*groups)[:0], 2*s.groups)[:2*s.groups]
	*groups = ends
	ends[0], ends[1] = 0, len(text)
	at := 0
	for i := range s.steps {
		t := &s.steps[i]
		n := t.match(text[at:])
		if n < 0 {
			return false
		}
		at += n
		for _, m := range t.marks {
			ends[m] = at
		}
	}
	return at == len(text)
}

// match gives how much of the text a step matches, below 0 for no match.
func (t *step) match(text []byte) int {
	if t.class == nil {
		if !bytes.HasPrefix(text, t.literal) {
			return -1
		}
		return len(t.literal)
	}
	n := t.length(text)
	if n < t.least || t.most >= 0 && n > t.most {
		return -1
	}
	return n
}

// length is how long the span is that text begins with.
func (t *step) length(text []byte) int {
	switch t.others {
	case 0:
		return len(text)
	case 1:
		if n := bytes.IndexByte(text, t.other); n >= 0 {
			return n
		}
		return len(text)
	}
	for i, b := range text {
		if !t.class[b] {
			return i
		}
	}
	return len(text)
}
