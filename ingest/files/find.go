package files

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// NoMatchError says which patterns matched no file that may be read.
type NoMatchError struct{ Patterns []string }

func (e *NoMatchError) Error() string {
	return fmt.Sprintf("no file matches '%s'", strings.Join(e.Patterns, "', '"))
}

// Find gives the paths of the regular files that the patterns name: cleaned, sorted, each once.
//
// In a pattern `*` and `?` stand for anything but a slash, `**` for any number of folders, `[a-z]`
// for one of a class, `{a,b}` for either; a backslash makes the next character literal. Names
// that begin with a dot are matched like all others. A pattern that is itself the path of a file
// is that file, whatever characters it has. Symbolic links are followed where the file system does so,
// but `**` never walks through one to a folder; one that leads nowhere, or is not followed, is
// passed over, and so is whatever else is no regular file unless it is named without a pattern.
// Two paths of one file are both given.
//
// exclude (may be nil) tells which paths to leave out. When a pattern is left with no file, or is
// a path where nothing is, the error is a *NoMatchError, and the paths found by the other patterns
// are given with it; any other error gives no paths: a folder that cannot be read is never passed
// over.
func Find(fsys FS, patterns []string, exclude func(path string) bool) ([]string, error) {
	var all, none []string
	for _, pattern := range patterns {
		found, err := findOne(fsys, pattern)
		if err != nil {
			return nil, err
		}
		if exclude != nil {
			found = slices.DeleteFunc(found, exclude)
		}
		if len(found) == 0 {
			none = append(none, pattern)
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(none) > 0 {
		return all, &NoMatchError{Patterns: none}
	}
	return all, nil
}

var errEmptyPattern = errors.New("find files: empty pattern")

// hasMeta says whether path is more than a path.
func hasMeta(path string) bool { return strings.ContainsAny(path, `*?[{\`) }

func findOne(fsys FS, pattern string) ([]string, error) {
	if pattern == "" {
		return nil, errEmptyPattern
	}
	path := filepath.Clean(pattern)
	_, err := fsys.Stat(path)
	if err == nil {
		return []string{path}, nil
	}
	if !hasMeta(path) {
		if errors.Is(passOver(err), fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	matches, err := fsys.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, path := range matches {
		_, err := fsys.Stat(path)
		var other *NotRegularError
		switch {
		case err == nil:
			found = append(found, filepath.Clean(path))
		case errors.As(err, &other), errors.Is(passOver(err), fs.ErrNotExist):
		default:
			return nil, err
		}
	}
	return found, nil
}
