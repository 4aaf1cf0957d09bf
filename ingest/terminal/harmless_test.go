package terminal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"a plain line\n\tand öther": "a plain line\n\tand öther",
		"\x1b]0;title\x07":          `\x1b]0;title\x07`,
		"\r\x7f":                    `\x0d\x7f`,
		"\u009b2J\u202eabc":         `\u009b2J\u202eabc`,
		"\xff":                      `\xff`,
	} {
		require.Equal(t, want, Harmless(in))
	}
}

func TestPrintable_TakesOneColumnACharacter(t *testing.T) {
	require.Equal(t, `a\tb\nö\x1b\xff`, Printable([]byte("a\tb\nö\x1b\xff")))
}
