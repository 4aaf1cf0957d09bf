package input

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"logseal/ingest/archive"
	"logseal/ingest/files"
	"logseal/ingest/location"
	"logseal/ingest/sink/s3"
	"logseal/ingest/usage"
)

// warner prints problems.
type warner = func(format string, args ...any)

// Selection is a set of files and objects by patterns.
type Selection struct {
	Name     string   // the stream's, for messages
	Patterns []string // of files and objects
	Exclude  []string // patterns of files that are left out, unless Named is set
	// Named says that the patterns stand on the command line, so that one without a file is a
	// mistake; a config may well name files that are not there yet.
	Named  bool
	unread []files.Unread // what the last find could not look into
}

// Unread gives the places that the last Find could not look into. The other files were found all the same.
func (s *Selection) Unread() []files.Unread { return s.unread }

// Find gives the absolute paths of the files and the paths of the objects, sorted. It leaves out files that
// Logseal wrote and, unless Named is set, excluded ones. A pattern without a file is a usage error if Named
// is set, and a warning otherwise. Unread gives the places under a pattern that could not be looked into.
func (s *Selection) Find(warn warner, fsys *FS, owns func(path string) bool) ([]string, error) {
	if len(s.Patterns) == 0 {
		return nil, usage.Errorf("no files: give a PATH, or a config (-c) whose stream %s has `paths`", s.Name)
	}
	var local, objects []string
	for _, p := range s.Patterns {
		switch {
		case p == "":
			return nil, usage.Errorf("an empty PATH: want a file or a pattern")
		case p == "-":
			return nil, usage.Errorf("standard input cannot be loaded: what was read must be there to be read " +
				"again; write it to a file first")
		case s.Named && location.CheckSlashes(p) != nil:
			return nil, usage.Errorf("%w", location.CheckSlashes(p))
		case IsObject(p):
			p, err := fsys.locate(p)
			if err != nil {
				return nil, err
			}
			objects = append(objects, p)
		default:
			local = append(local, p)
		}
	}
	out, err := NewExcluder(s.Name, s.Exclude)
	if err != nil {
		return nil, err
	}
	s.unread = nil
	paths, err := s.findFiles(fsys, local, owns)
	if !s.Named {
		paths = slices.DeleteFunc(paths, out.Excludes)
	}
	paths = s.withMembers(fsys, paths)
	fsys.pass(s.wantedLinks(fsys.Refused(), out, owns))
	if err := s.findError(warn, err); err != nil {
		fsys.warnLinks(warn)
		return nil, err
	}
	more, err := s.findObjects(fsys, objects)
	if err := s.findError(warn, err); err != nil {
		return nil, err
	}
	paths = append(paths, more...)
	if !s.Named {
		paths = slices.DeleteFunc(paths, out.Excludes)
		s.unread = slices.DeleteFunc(s.unread, func(u files.Unread) bool {
			return out.Excludes(u.Path) || out.Excludes(filepath.Join(u.Path, "any"))
		})
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// withMembers puts the members of archives in place of these.
func (s *Selection) withMembers(fsys *FS, paths []string) (all []string) {
	for _, path := range paths {
		members, err := fsys.archives.Members(path)
		if errors.As(err, new(*archive.DamagedError)) {
			s.unread = append(s.unread, files.Unread{Path: path, Err: err})
		} else if members != nil && len(members) == 0 {
			s.unread = append(s.unread, files.Unread{Path: path, Err: archive.ErrEmpty})
		}
		if members == nil { // reading it tells what it is
			members = []string{path}
		}
		all = append(all, members...)
	}
	return all
}

// wantedLinks are those links to something that would have been looked at.
func (s *Selection) wantedLinks(
	refused []*files.LinkError, out *Excluder, owns func(path string) bool,
) (wanted []*files.LinkError) {
	for _, e := range refused {
		abs, err := filepath.Abs(e.Link)
		if err != nil || owns(filepath.Join(abs, "any")) || !s.Named && out.Excludes(abs) {
			continue
		}
		wanted = append(wanted, e)
	}
	return wanted
}

// findObjects is as files.Find, but a path is taken as it stands: in a key `a//b` is not `a/b`.
func (s *Selection) findObjects(fsys *FS, patterns []string) ([]string, error) {
	var all, none []string
	for _, p := range patterns {
		found, err := findObject(fsys, p)
		if err != nil {
			return nil, err
		}
		if s.Named && slices.Contains(found, p) && fsys.inSink(p) {
			return nil, ownError(p)
		}
		found = slices.DeleteFunc(found, fsys.inSink)
		if len(found) == 0 {
			none = append(none, p)
		}
		all = append(all, found...)
	}
	if len(none) > 0 {
		return all, &files.NoMatchError{Patterns: none}
	}
	return all, nil
}

func findObject(fsys *FS, pattern string) ([]string, error) {
	if strings.ContainsAny(pattern, wildcards) {
		found, err := fsys.Glob(pattern)
		if slices.Contains(found, pattern) {
			return []string{pattern}, err
		}
		return found, err
	}
	switch _, err := fsys.Stat(pattern); {
	case err == nil:
		return []string{pattern}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fsys.checkFolder(pattern)
	case s3.Code(err) == accessDenied:
		return []string{pattern}, nil // reading it shows whether that is its own fault
	default:
		return nil, err
	}
}

func ownError(path string) error {
	return usage.Errorf("%s lies in the sink or the state folder, which are never loaded", path)
}

// findError decides what an error of files.Find means here.
func (s *Selection) findError(warn warner, err error) error {
	none, empty := errors.AsType[*files.NoMatchError](err)
	switch {
	case empty && s.Named:
		return usage.Errorf("%w; quote patterns, and use ** for any depth of folders", none)
	case empty:
		warn("stream %s: %v", s.Name, none)
		return nil
	case errors.As(err, new(*files.NotRegularError)):
		return usage.Errorf("%w", err)
	}
	return err
}
