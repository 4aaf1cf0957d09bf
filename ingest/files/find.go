package files

import (
	"fmt"
	"strings"
)

// NoMatchError says which patterns matched no file that may be read.
type NoMatchError struct{ Patterns []string }

func (e *NoMatchError) Error() string {
	return fmt.Sprintf("no file matches '%s'", strings.Join(e.Patterns, "', '"))
}

// Find gives the regular files that the patterns name, sorted and each path once.
func Find(fsys FS, patterns []string, exclude func(path string) bool) ([]string, error) {
	return nil, nil
}
