package parse

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// plain is where the first byte of b from i on stands that ends a run of plain text in a JSON
// string: a quote, a backslash or a control character; len(b) for none.
func plain(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		// A byte's top bit is set in what follows if the byte is what is looked for. Carries can
		// set it for a byte after such a one too, never before the first.
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		found := (w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash
		if found &= tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < 0x20 || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// readEscape reads the escape that b begins with; n is 0 if it is none that JSON has, or half of a
// surrogate pair.
func readEscape(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	if b[1] != 'u' {
		const letters, runes = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
		if i := strings.IndexByte(letters, b[1]); i >= 0 {
			return rune(runes[i]), 2
		}
		return 0, 0
	}
	r, ok := hexEscape(b)
	switch {
	case !ok || r >= 0xdc00 && r < 0xe000:
		return 0, 0
	case r < 0xd800 || r >= 0xe000:
		return r, 6
	}
	low, ok := hexEscape(b[6:])
	if !ok || low < 0xdc00 || low >= 0xe000 {
		return 0, 0
	}
	return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), 12
}

// hexEscape reads \uXXXX at the start of b.
func hexEscape(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape appends what stands between the quotes of a JSON string; b has no escape that
// readEscape refuses.
func unescape(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		r, n := readEscape(b[i:])
		dst = utf8.AppendRune(dst, r)
		b = b[i+n:]
	}
}

// numberEnd is where the JSON number ends that begins at i; without ok, where it fails.
func numberEnd(b []byte, i int) (end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	n := countDigits(b[i:])
	if n == 0 {
		return i, false
	}
	if b[i] == '0' {
		n = 1 // more digits are left over, and nothing may follow them
	}
	i += n
	if i < len(b) && b[i] == '.' {
		i++
		if n = countDigits(b[i:]); n == 0 {
			return i, false
		}
		i += n
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if n = countDigits(b[i:]); n == 0 {
			return i, false
		}
		i += n
	}
	return i, true
}
