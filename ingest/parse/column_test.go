package parse

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestType_TextRoundTrips(t *testing.T) {
	for typ := String; typ <= Duration; typ++ {
		b, err := typ.MarshalText()
		require.NoError(t, err)
		var back Type
		require.NoError(t, back.UnmarshalText(b))
		require.Equal(t, typ, back)
		require.Equal(t, string(b), typ.String())
	}
	_, err := ParseType("int")
	require.ErrorContains(t, err, "want one of string, int32")
	_, err = (Duration + 1).MarshalText()
	require.Error(t, err)
	require.Equal(t, "Type(9)", (Duration + 1).String())
}
