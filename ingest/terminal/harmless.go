package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Harmless escapes every character that would control the terminal or turn the direction of the text. Anybody
// can put such characters into names of files, keys and log lines: after ESC they move the cursor or rename
// the window. Line ends and tabs stay.
func Harmless(text string) string {
	if !strings.ContainsFunc(text, isHarmful) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case isHarmful(r) && r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case isHarmful(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// isHarmful reports whether a character does anything but stand there: it controls the terminal, or the
// direction of what follows.
func isHarmful(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
