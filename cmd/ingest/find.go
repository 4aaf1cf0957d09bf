package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"logseal/ingest/archive"
	"logseal/ingest/files"
	"logseal/ingest/location"
	"logseal/ingest/pipeline"
	"logseal/ingest/sink/s3"
	"logseal/ingest/usage"
)

// find gives the absolute paths of a selection's files and the paths of its objects, sorted. Files
// of Logseal's own are left out, and so is what `exclude` says of the files of the config. A pattern of
// the command line that names no file is a usage error; one of the config is a warning. What could not
// be looked into under a pattern is kept for unreadProblems.
func (s *selection) find(a *app, fsys *logs, owns func(path string) bool) ([]string, error) {
	if len(s.patterns) == 0 {
		return nil, usage.Errorf("no files: give a PATH, or a config (-c) whose stream %s has `paths`", s.Name)
	}
	var local, objects []string
	for _, p := range s.patterns {
		switch {
		case p == "":
			return nil, usage.Errorf("an empty PATH: want a file or a pattern")
		case p == "-":
			return nil, usage.Errorf("standard input cannot be loaded: what was read must be there to be read " +
				"again; write it to a file first")
		case s.named && location.CheckSlashes(p) != nil:
			return nil, usage.Errorf("%w", location.CheckSlashes(p))
		case isObject(p):
			p, err := fsys.locate(p)
			if err != nil {
				return nil, err
			}
			objects = append(objects, p)
		default:
			local = append(local, p)
		}
	}
	out, err := newExcluder(s.Name, s.Exclude)
	if err != nil {
		return nil, err
	}
	s.unread = nil
	paths, err := s.findFiles(fsys, local, owns)
	if !s.named {
		paths = slices.DeleteFunc(paths, out.excludes)
	}
	paths = s.withMembers(fsys, paths)
	fsys.pass(s.wantedLinks(fsys.Refused(), out, owns))
	if err := s.findError(a, err); err != nil {
		fsys.warnLinks(a)
		return nil, err
	}
	more, err := s.findObjects(fsys, objects)
	if err := s.findError(a, err); err != nil {
		return nil, err
	}
	paths = append(paths, more...)
	if !s.named {
		paths = slices.DeleteFunc(paths, out.excludes)
		s.unread = slices.DeleteFunc(s.unread, func(u files.Unread) bool {
			return out.excludes(u.Path) || out.excludes(filepath.Join(u.Path, "any"))
		})
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// withMembers puts the members of archives in place of these.
func (s *selection) withMembers(fsys *logs, paths []string) (all []string) {
	for _, path := range paths {
		members, err := fsys.archives.Members(path)
		if errors.As(err, new(*archive.DamagedError)) {
			s.unread = append(s.unread, files.Unread{Path: path, Err: err})
		} else if members != nil && len(members) == 0 {
			s.unread = append(s.unread, files.Unread{Path: path, Err: errNoMember})
		}
		if members == nil { // reading it tells what it is
			members = []string{path}
		}
		all = append(all, members...)
	}
	return all
}

// errNoMember says that nothing of an archive can be read as a log.
var errNoMember = errors.New("it is an archive without a file")

// wantedLinks are those links to something that would have been looked at.
func (s *selection) wantedLinks(
	refused []*files.LinkError, out *excluder, owns func(path string) bool,
) (wanted []*files.LinkError) {
	for _, e := range refused {
		abs, err := filepath.Abs(e.Link)
		if err != nil || owns(filepath.Join(abs, "any")) || !s.named && out.excludes(abs) {
			continue
		}
		wanted = append(wanted, e)
	}
	return wanted
}

func (s *selection) findFiles(
	fsys *logs, patterns []string, owns func(path string) bool,
) ([]string, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	wd, err := filepath.Abs(".")
	if err != nil {
		return nil, fmt.Errorf("find files: %w", err)
	}
	absolute := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(wd, path)
	}
	owned := func(path string) bool { return owns(absolute(path)) }
	var all, none []string
	for _, p := range patterns {
		if s.named {
			fsys.trustArchiveOf(p)
			fsys.trustArchiveOf(absolute(p))
		}
		if within, ok := fsys.archives.ArchiveOf(p); ok {
			if owned(p) && s.named {
				return nil, ownError(p)
			}
			in, _ := fsys.archives.Members(absolute(within))
			if _, err := fsys.Stat(absolute(p)); err != nil || owned(p) {
				if in != nil {
					return nil, usage.Errorf("archive %s has no member %s; a pattern does not look into archives: give "+
						"the archive, or one member", within, strings.TrimPrefix(p, within+"/"))
				}
				none = append(none, p)
				continue
			}
			all = append(all, absolute(filepath.Clean(p)))
			continue
		}
		if s.named { // whoever names a file knows what is there
			fsys.Trust(filepath.Clean(p))
			fsys.Trust(filepath.Clean(absolute(p)))
		}
		if _, err := fsys.Stat(p); err == nil && s.named && owned(p) {
			return nil, ownError(p)
		}
		found, unread, err := files.NewFinder(fsys.Disk, []string{p}, owned).OfHeap().Find(fsys.ctx)
		if err != nil {
			return nil, err
		}
		for _, u := range unread {
			if s.named && u.Path == filepath.Clean(p) { // it is no pattern
				return nil, u.Err
			}
			if errors.As(u.Err, new(*files.LinkError)) {
				continue // it is told of as one that was not followed
			}
			s.unread = append(s.unread, files.Unread{Path: absolute(u.Path), Err: u.Err})
		}
		if len(found)+len(unread) == 0 {
			none = append(none, p)
		}
		for _, f := range found {
			all = append(all, absolute(f.Path))
		}
	}
	if len(none) > 0 {
		return all, &files.NoMatchError{Patterns: none}
	}
	return all, nil
}

// unreadProblems are what the last find could not look into: other files are not kept from being read.
func (s *selection) unreadProblems() (all []pipeline.Problem) {
	for _, u := range s.unread {
		err := u.Err
		if damaged, ok := errors.AsType[*archive.DamagedError](err); ok {
			all = append(all, pipeline.Problem{Kind: pipeline.Corrupt, Path: u.Path,
				Message: fmt.Sprintf("it is %s that is damaged or not whole: %v; what could be "+
					"listed of it was read: load a whole copy", damaged.What, damaged.Err)})
			continue
		}
		if inPath, ok := errors.AsType[*fs.PathError](err); ok {
			err = inPath.Err
		}
		all = append(all, pipeline.Problem{Kind: pipeline.Unreadable, Path: u.Path,
			Message: fmt.Sprintf("it cannot be read: %v; what is there, or below it, was passed over: fix "+
				"that and run again, or leave it out with `exclude`", err)})
	}
	return all
}

// findObjects is as files.Find, but a path is taken as it stands: in a key `a//b` is not `a/b`.
func (s *selection) findObjects(fsys *logs, patterns []string) ([]string, error) {
	var all, none []string
	for _, p := range patterns {
		found, err := findObject(fsys, p)
		if err != nil {
			return nil, err
		}
		if s.named && slices.Contains(found, p) && fsys.inSink(p) {
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

func findObject(fsys *logs, pattern string) ([]string, error) {
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
		return []string{pattern}, nil // reading it tells whether that is its own fault
	default:
		return nil, err
	}
}

func ownError(path string) error {
	return usage.Errorf("%s lies in the sink or the state folder, which are never loaded", path)
}

// findError decides what an error of files.Find means here.
func (s *selection) findError(a *app, err error) error {
	none, empty := errors.AsType[*files.NoMatchError](err)
	switch {
	case empty && s.named:
		return usage.Errorf("%w; quote patterns, and use ** for any depth of folders", none)
	case empty:
		a.warn("stream %s: %v", s.Name, none)
		return nil
	case errors.As(err, new(*files.NotRegularError)):
		return usage.Errorf("%w", err)
	}
	return err
}
