package parse

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Strings are cut at the right byte wherever it stands.
func TestPlain_IsTheFirstSpecialByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SampledFrom([]byte("aZ~\x7f\x80\xa2\xdc\xff !#[]\"\\\x1f\x00\x20"))
		b := rapid.SliceOfN(bytes, 0, 40).Draw(t, "bytes")
		i := rapid.IntRange(0, len(b)).Draw(t, "from")
		want := i
		for want < len(b) && b[want] >= 0x20 && b[want] != '"' && b[want] != '\\' {
			want++
		}
		require.Equal(t, want, plain(b, i))
	})
}
