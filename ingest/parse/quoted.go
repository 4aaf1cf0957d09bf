package parse

import (
	"errors"
	"strings"
	"time"
)

// literalMark stands in a layout and in a text for a quoted literal: no layout means anything by it.
const literalMark = "\x01"

// textSlack is how much longer than its layout a text may be to be looked at closely: a month's or a
// weekday's name, and a fraction, are longer than what stands for them.
const textSlack = 64

// unquoteLayout takes the literals in single quotes out of a layout of Go's time package, which takes
// MST, Jan, 2 and others for what they stand for. Two quotes are one quote.
func unquoteLayout(layout string) (bare string, quoted []string, err error) {
	if strings.Contains(layout, literalMark) {
		return "", nil, errors.New("it has a control character")
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(layout, "'")
		out.WriteString(before)
		if !found {
			break
		}
		literal, after, closed := strings.Cut(rest, "'")
		switch {
		case !closed:
			return "", nil, errors.New("a quote is not closed; a quote itself is written ''")
		case literal == "":
			out.WriteString("'")
		default:
			quoted = append(quoted, literal)
			out.WriteString(literalMark)
		}
		layout = after
	}
	return out.String(), quoted, nil
}

// parseQuoted is parseLocal of a layout with quoted literals: a mark takes the place of each in the text,
// too.
func (f *timeFormat) parseQuoted(b []byte) (time.Time, bool) {
	text := string(b)
	if len(text) > len(f.layout)+textSlack || strings.Contains(text, literalMark) {
		return time.Time{}, false
	}
	return f.parseMarked("", text, strings.Split(f.bare, literalMark), f.quoted)
}

// parseMarked reads done+text. Its next literal is at any of the places where its letters are, if what
// stands before it is of the layout's next part.
func (f *timeFormat) parseMarked(done, text string, parts, quoted []string) (time.Time, bool) {
	if len(quoted) == 0 {
		t, err := time.ParseInLocation(f.bare, done+text, time.UTC)
		return t, err == nil
	}
	for at := 0; ; at++ {
		i := strings.Index(text[at:], quoted[0])
		if i < 0 {
			return time.Time{}, false
		}
		at += i
		if _, err := time.Parse(parts[0], text[:at]); err != nil {
			continue
		}
		next := done + text[:at] + literalMark
		if t, ok := f.parseMarked(next, text[at+len(quoted[0]):], parts[1:], quoted[1:]); ok {
			return t, true
		}
	}
}
