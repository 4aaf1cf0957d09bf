package parse

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Reasons are stored in quarantine: words are only ever added at the end of what they concern.
func TestReasons_Golden(t *testing.T) {
	require.Equal(t, []Reason{"too_long", "continued", "invalid_utf8", "no_match", "bad_json",
		"missing_field", "unknown_field", "duplicate_field", "bad_type", "bad_timestamp",
		"out_of_range", "not_in_set", "bad_length", "bad_pattern"}, Reasons())
}
