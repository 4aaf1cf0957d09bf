package source

import "strings"

// PaddingLen is how many of the first bytes of b, at the start of a line, are no part of a record: NULs, as
// a crash leaves them or a log that is truncated under its writer, and BOMs, as they stand where files
// were joined. The line begins after them. bom is how many bytes of a BOM stand before b as all there is
// of the line.
func PaddingLen(b []byte, bom int) (n int) {
	if bom > 0 {
		if n = len(BOM) - bom; !hasPrefix(b, BOM[bom:]) {
			return 0
		}
	}
	for n < len(b) {
		switch {
		case b[n] == 0:
			n++
		case hasPrefix(b[n:], BOM):
			n += len(BOM)
		default:
			return n
		}
	}
	return n
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

// BOMStart is how many bytes line has when it is the beginning of a BOM and no more, else 0: what
// follows may make it padding.
func BOMStart(line []byte) int {
	if len(line) < len(BOM) && strings.HasPrefix(BOM, string(line)) {
		return len(line)
	}
	return 0
}
