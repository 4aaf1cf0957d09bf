package location

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
)

// Owns reports whether Logseal wrote the file at an absolute path: a file in the state folder, or one that
// the sink is made of. Other files in the folder of a sink are not ours.
func (s *Location) Owns(path string) bool {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	return s.ownsResolved(path)
}

// ownsResolved is owns for a path without links.
func (s *Location) ownsResolved(path string) bool {
	if _, ok := below(path, s.State); ok {
		return true
	}
	first, ok := below(path, s.Sink)
	return ok && (slices.Contains(sink.Roots(), first) || first == sink.RootObject() ||
		first == stateDir || first == dir.Temp)
}

// OwnsCached gives a function that reports what Owns reports. The function resolves the links of each folder
// once, so it serves one look at many files; the next look needs a new one.
func (s *Location) OwnsCached() func(path string) bool {
	folders := map[string]string{}
	return func(path string) bool {
		if st, err := os.Lstat(path); err == nil && st.Mode()&fs.ModeSymlink != 0 {
			return s.Owns(path)
		}
		folder, name := filepath.Split(path)
		resolved, ok := folders[folder]
		if !ok {
			var err error
			if resolved, err = filepath.EvalSymlinks(folder); err != nil {
				return s.Owns(path)
			}
			folders[folder] = resolved
		}
		return s.ownsResolved(filepath.Join(resolved, name))
	}
}
