package input

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"logseal/ingest/files"
	"logseal/ingest/usage"
)

// fileSearch looks for the files of a selection on disk and in archives there.
type fileSearch struct {
	*Selection
	fsys *FS
	owns func(path string) bool
	wd   string   // the working folder
	all  []string // found so far
	none []string // patterns that nothing was found for
}

// findFiles gives the absolute paths of the files that patterns name.
func (s *Selection) findFiles(fsys *FS, patterns []string, owns func(path string) bool) ([]string, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	wd, err := filepath.Abs(".")
	if err != nil {
		return nil, fmt.Errorf("find files: %w", err)
	}
	x := &fileSearch{Selection: s, fsys: fsys, owns: owns, wd: wd}
	for _, p := range patterns {
		if s.Named {
			fsys.trustArchiveOf(p)
			fsys.trustArchiveOf(x.absolute(p))
		}
		if within, ok := fsys.archives.ArchiveOf(p); ok {
			err = x.member(p, within)
		} else {
			err = x.pattern(p)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(x.none) > 0 {
		return x.all, &files.NoMatchError{Patterns: x.none}
	}
	return x.all, nil
}

func (x *fileSearch) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(x.wd, path)
}

func (x *fileSearch) owned(path string) bool { return x.owns(x.absolute(path)) }

// member looks for a member of the archive within.
func (x *fileSearch) member(p, within string) error {
	if x.owned(p) && x.Named {
		return ownError(p)
	}
	in, _ := x.fsys.archives.Members(x.absolute(within))
	if _, err := x.fsys.Stat(x.absolute(p)); err == nil && !x.owned(p) {
		x.all = append(x.all, x.absolute(filepath.Clean(p)))
		return nil
	}
	if in != nil {
		return usage.Errorf("archive %s has no member %s; a pattern does not look into archives: give "+
			"the archive, or one member", within, strings.TrimPrefix(p, within+"/"))
	}
	x.none = append(x.none, p)
	return nil
}

// pattern looks for the files that a pattern names, which may be a path.
func (x *fileSearch) pattern(p string) error {
	if x.Named { // whoever names a file knows what is there
		x.fsys.Trust(filepath.Clean(p))
		x.fsys.Trust(filepath.Clean(x.absolute(p)))
	}
	if _, err := x.fsys.Stat(p); err == nil && x.Named && x.owned(p) {
		return ownError(p)
	}
	found, unread, err := files.NewFinder(x.fsys.Disk, []string{p}, x.owned).OfHeap().Find(x.fsys.ctx)
	if err != nil {
		return err
	}
	for _, u := range unread {
		if x.Named && u.Path == filepath.Clean(p) { // it is no pattern
			return u.Err
		}
		if errors.As(u.Err, new(*files.LinkError)) {
			continue // it is told of as one that was not followed
		}
		x.unread = append(x.unread, files.Unread{Path: x.absolute(u.Path), Err: u.Err})
	}
	if len(found)+len(unread) == 0 {
		x.none = append(x.none, p)
	}
	for _, f := range found {
		x.all = append(x.all, x.absolute(f.Path))
	}
	return nil
}
