package parse

import "bytes"

// Why a text is no timestamp though it looks like one of its layout.
const (
	secondSixty = "second 60: a leap second, which no instant stands for"
	skippedTime = "a local time that never was in zone "
)

// why says what is wrong with a text that parse gave BadTimestamp for, if it is not the layout: second 60,
// and a local time that clocks jumped over. It is empty otherwise.
func (f *timeFormat) why(b []byte) string {
	switch {
	case f.layout == LayoutEpochS, f.layout == LayoutEpochMS, len(b) > len(f.layout)+textSlack:
		return ""
	case f.layout != LayoutRFC3339 && f.zone != nil:
		if _, ok := f.parseLocal(b); ok { // so its zone has refused it
			return skippedTime + f.zone.loc.String() + ": clocks were put forward over it"
		}
	}
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte("60"))
		if i < 0 {
			return ""
		}
		if at += i; f.isSecond(b, at) {
			return secondSixty
		}
	}
}

// isSecond says whether the two digits at at are the seconds of b, and all else is of the layout.
func (f *timeFormat) isSecond(b []byte, at int) bool {
	text := bytes.Clone(b)
	var seen [2]int64
	for i, second := range [...]string{"58", "59"} {
		copy(text[at:], second)
		var ok bool
		if f.layout == LayoutRFC3339 {
			seen[i], ok = parseRFC3339(text)
		} else if t, isOf := f.parseLocal(text); isOf {
			seen[i], ok = t.UnixMicro(), true
		}
		if !ok {
			return false
		}
	}
	return seen[1]-seen[0] == 1e6
}
