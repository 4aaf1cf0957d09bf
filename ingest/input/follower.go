package input

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"logseal/ingest/files"
	"logseal/ingest/location"
	"logseal/ingest/usage"
)

// Follower finds the files of one stream that a tail follows. One goroutine uses it.
type Follower struct {
	patterns []string // absolute
	at       *location.Location
	out      *Excluder
	finder   *files.Finder
	judged   map[string]verdict // by path
}

// verdict is whether a path is left out. It stands for as long as the path leads to the same file:
// what it costs to find out, for thousands of files each second, is the most of a look.
type verdict struct {
	dev, inode uint64
	out        bool
}

// NewFollower checks the patterns of the stream. It looks for no file yet.
func NewFollower(s *Selection, fsys files.FS, at *location.Location) (*Follower, error) {
	if len(s.Patterns) == 0 {
		return nil, usage.Errorf("stream %s: no files: give it `paths`", s.Name)
	}
	out, err := NewExcluder(s.Name, s.Exclude)
	if err != nil {
		return nil, err
	}
	f := &Follower{at: at, out: out, judged: map[string]verdict{}}
	for _, p := range s.Patterns {
		if IsObject(p) {
			return nil, usage.Errorf("stream %s: %s is an object: `tail` follows files; `load` reads objects",
				s.Name, p)
		}
		if _, err := files.Match(p, ""); err != nil {
			return nil, usage.Errorf("stream %s: paths: %w", s.Name, err)
		}
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, usage.Errorf("stream %s: paths: %w", s.Name, err)
		}
		f.patterns = append(f.patterns, abs)
	}
	f.finder = files.NewFinder(fsys, f.patterns, nil)
	return f, nil
}

// Find gives the files that exist now, by absolute paths, and the places that could not be read. A pattern
// without a file is no mistake: the file may appear later.
func (f *Follower) Find(ctx context.Context) ([]files.Found, []files.Unread, error) {
	found, unread, err := f.finder.Find(ctx)
	if len(f.judged) > 2*len(found) {
		clear(f.judged) // most of them are gone
	}
	ours := found[:0]
	own := f.at.OwnsCached()
	for _, x := range found {
		v, ok := f.judged[x.Path]
		if !ok || v.dev != x.Stat.Dev || v.inode != x.Stat.Inode {
			v = verdict{x.Stat.Dev, x.Stat.Inode, f.out.Excludes(x.Path) || own(x.Path)}
			f.judged[x.Path] = v
		}
		if !v.out {
			ours = append(ours, x)
		}
	}
	return ours, slices.DeleteFunc(unread, f.unwantedLink), err
}

// unwantedLink reports whether something could not be looked at for a link that was not followed, to
// where nothing would be wanted from.
func (f *Follower) unwantedLink(u files.Unread) bool {
	return errors.As(u.Err, new(*files.LinkError)) &&
		(f.out.Excludes(u.Path) || f.at.Owns(filepath.Join(u.Path, "any")))
}

// Folders gives the folders in which files may appear, after a Find. It leaves out folders that Logseal
// writes to.
func (f *Follower) Folders() []string {
	own := f.at.OwnsCached()
	return slices.DeleteFunc(f.finder.Dirs(), func(dir string) bool {
		return own(filepath.Join(dir, "any"))
	})
}
