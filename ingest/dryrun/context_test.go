package dryrun

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAround_PutsTheCaretUnderTheByte(t *testing.T) {
	long := "0123456789"
	for range 5 {
		long += long
	}
	for name, c := range map[string]struct {
		line string
		at   int
		text string
		mark byte
	}{
		"start":    {"abc", 0, "abc", 'a'},
		"middle":   {"abc", 1, "abc", 'b'},
		"end":      {"abc", 3, "abc", 0},
		"after é":  {"éx", 2, "éx", 'x'},
		"controls": {"\x00\tx", 2, `\x00\tx`, 'x'},
		"invalid":  {"\xff\xfex", 2, `\xff\xfex`, 'x'},
		"long":     {long, 100, "…" + long[40:160] + "…", '0'},
	} {
		t.Run(name, func(t *testing.T) {
			text, column := around([]byte(c.line), c.at)
			require.Equal(t, c.text, text)
			runes := append([]rune(text), 0)
			require.Equal(t, rune(c.mark), runes[column])
		})
	}
}
