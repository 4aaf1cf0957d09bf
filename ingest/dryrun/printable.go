package dryrun

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// contextWidth is how many bytes of a line are shown on either side of the failing one.
const contextWidth = 60

// around shows the line about the byte at, printable, and in which column of that the byte is.
func around(line []byte, at int) (text string, column int) {
	at = min(at, len(line))
	lo, hi := max(0, at-contextWidth), min(len(line), at+contextWidth)
	for lo > 0 && lo < at && !utf8.RuneStart(line[lo]) {
		lo++
	}
	for hi < len(line) && hi > at && !utf8.RuneStart(line[hi]) {
		hi--
	}
	before, after := Printable(line[lo:at]), Printable(line[at:hi])
	if lo > 0 {
		before = "…" + before
	}
	if hi < len(line) {
		after += "…"
	}
	return before + after, utf8.RuneCountInString(before)
}

// Printable writes b so that every character takes one column and none does harm: what is not
// printable, or no UTF-8, is escaped.
func Printable(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			out.WriteString(`\x` + hexByte(b[0]))
		case unicode.IsGraphic(r):
			out.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			out.WriteString(q[1 : len(q)-1])
		}
		b = b[n:]
	}
	return out.String()
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}
