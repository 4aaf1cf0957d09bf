package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShard_UnmarshalText(t *testing.T) {
	for text, want := range map[string]shard{"0/1": {0, 1}, "7/8": {7, 8}, "03/10": {3, 10}} {
		var s shard
		require.NoError(t, s.UnmarshalText([]byte(text)))
		require.Equal(t, want, s)
	}
	for _, text := range []string{"", "/", "1", "1/1", "8/8", "-1/8", "0/0", "1/x", "x/2", "0/1/2",
		"1/-2"} {
		require.Error(t, new(shard).UnmarshalText([]byte(text)), text)
	}
}
