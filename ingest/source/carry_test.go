package source

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCarry_TextForm(t *testing.T) {
	for text, want := range map[string]Carry{
		"":                     {},
		"stdout:continued:0":   {{Kind: Continued}},
		"stderr:too_long:1200": {1: {Kind: TooLong, Of: 1200}},
		"stdout:too_long:5,stderr:continued:7": {
			{Kind: TooLong, Of: 5}, {Kind: Continued, Of: 7}},
	} {
		got, err := ParseCarry(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, want.String())
	}
	for _, text := range []string{
		"stdout", "stdout:lines:1", "stdout:continued:01", "stdout:continued:-1", "x:continued:1",
		"stdout:continued:1,", ",stdout:continued:1", "stderr:continued:1,stdout:continued:1",
		"stdout:continued:1,stdout:continued:1", "stdout:continued:9223372036854775808",
	} {
		_, err := ParseCarry(text)
		require.Error(t, err, text)
	}
}
