package usage

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDidYouMean(t *testing.T) {
	known := map[string]bool{"format": true, "regex": true, "version": true, "paths": true}
	for word, want := range map[string]string{
		"fromat": `; did you mean "format"?`, "path": `; did you mean "paths"?`,
		"vresion": `; did you mean "version"?`, "Regex": `; did you mean "regex"?`,
		"xyz": `; want one of ["format" "paths" "regex" "version"]`,
	} {
		require.Equal(t, want, DidYouMean(word, maps.Keys(known)), word)
	}
}
