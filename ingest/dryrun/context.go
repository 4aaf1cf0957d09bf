package dryrun

import (
	"unicode/utf8"

	"logseal/ingest/terminal"
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
	before, after := terminal.Printable(line[lo:at]), terminal.Printable(line[at:hi])
	if lo > 0 {
		before = "…" + before
	}
	if hi < len(line) {
		after += "…"
	}
	return before + after, utf8.RuneCountInString(before)
}
