package parse

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// newTimeFormat checks a column's layout and zone.
func newTimeFormat(layout, zoneName string) (*timeFormat, error) {
	f := &timeFormat{layout: layout}
	switch layout {
	case "", LayoutRFC3339, LayoutEpochS, LayoutEpochMS:
		if layout == "" {
			f.layout = LayoutRFC3339
		}
		if zoneName != "" {
			return nil, fmt.Errorf("zone %q: %s says by itself what instant it means", zoneName, f.layout)
		}
		return f, nil
	}
	hasOffset := false
	var err error
	if f.bare, f.quoted, err = unquoteLayout(layout); err == nil {
		hasOffset, err = checkLayout(f.bare)
	}
	if err != nil {
		return nil, fmt.Errorf("layout %q: %w", layout, err)
	}
	if hasOffset && zoneName != "" {
		return nil, fmt.Errorf("zone %q: the layout has an offset of its own", zoneName)
	}
	if f.zone, err = loadZone(zoneName); err != nil {
		return nil, err
	}
	return f, nil
}

// checkLayout finds out what a layout of Go's time package holds by what it prints, and whether it
// names a day without doubt. It reports whether it holds a UTC offset.
func checkLayout(layout string) (hasOffset bool, err error) {
	if !utf8.ValidString(layout) {
		return false, errors.New("it is not UTF-8")
	}
	at := func(year, day, hour int, zone string, offset int) string {
		loc := time.FixedZone(zone, offset)
		return time.Date(year, 11, day, hour, 0, 0, 0, loc).Format(layout)
	}
	noon := at(2017, 23, 12, "AAA", 0)
	// 23 November is a Thursday in 2017 and in 2023: only the year differs.
	if noon == at(2023, 23, 12, "AAA", 0) {
		return false, errors.New("it has no year; want rfc3339, epoch_s, epoch_ms or a layout of " +
			"Go's time package, such as 2006-01-02 15:04:05")
	}
	if noon != at(2017, 23, 12, "BBB", 0) {
		return false, errors.New("zone abbreviations do not name an offset: if it is always the " +
			"same one, write its letters into the layout, in quotes if need be ('MST'), and set zone")
	}
	if noon != at(2017, 23, 11, "AAA", 0) && at(2017, 23, 3, "AAA", 0) == at(2017, 23, 15, "AAA", 0) {
		return false, errors.New("its hours do not tell morning from afternoon (15, or 03 with PM)")
	}
	for _, midnight := range []time.Time{ // digits that run together differ by their number
		time.Date(2017, 11, 3, 0, 0, 0, 0, time.UTC), time.Date(2017, 11, 23, 0, 0, 0, 0, time.UTC),
		time.Date(2017, 1, 23, 0, 0, 0, 0, time.UTC),
	} {
		back, err := time.Parse(layout, midnight.Format(layout))
		if err != nil || !back.Equal(midnight) {
			return false, dayDoubt(layout)
		}
	}
	if m := fraction.FindStringSubmatch(layout); m != nil && m[1] == "" {
		return false, dayDoubt(layout) // package time takes these digits for letters of each line
	}
	return noon != at(2017, 23, 12, "AAA", 3600), nil
}

// fraction is the end of a layout's seconds with digits after them.
var fraction = regexp.MustCompile(`05([.,]?)([0-9]+)`)

// dayDoubt says why what a layout prints cannot be read back.
func dayDoubt(layout string) error {
	m := fraction.FindStringSubmatch(layout)
	switch {
	case m == nil, m[1] != "" && (strings.Trim(m[2], "0") == "" || strings.Trim(m[2], "9") == ""):
		return errors.New("it does not name a day without doubt")
	case m[1] == "":
		return errors.New("a fraction of a second is read after a point or a comma only, as in 05.000")
	}
	return fmt.Errorf("the fraction of its seconds is %s, which would have to stand in each line: write "+
		"a zero for each digit, 05%s%s", m[2], m[1], strings.Repeat("0", len(m[2])))
}

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
