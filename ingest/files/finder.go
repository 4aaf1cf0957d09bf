package files

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// Found is a regular file, at its cleaned path.
type Found struct {
	Path string
	Stat Stat
}

// Unread says that it could not be known what is at Path and, if that is a folder, below it: a
// file there is not to be taken for gone.
type Unread struct {
	Path string
	Err  error
}

// Covers says whether the file at path is one of those that nothing is known about.
func (u Unread) Covers(path string) bool {
	dir := strings.TrimSuffix(u.Path, "/")
	return u.Path == "." && !filepath.IsAbs(path) ||
		strings.HasPrefix(path, dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}

// Finder looks again and again for the files that patterns name, as Find does. It is made to look
// at thousands of files each second: a folder that has not changed is not read again, but for one
// in listingAge. One goroutine uses it.
type Finder struct {
	fsys     FS
	patterns []string
	exclude  func(path string) bool
	most     int // entries of folders that one look goes through

	listings map[string]listing // of the folders read in the last look
	matches  map[string]match   // by pattern
	dirs     map[string]bool    // that the last look needed

	// Of the look that is under way.
	seen   map[string]listing
	unread map[string]error
	faults int // how often something was noted in unread
	ctx    context.Context
	listed int // entries of folders
	links  int // that were not followed
}

// listing is what a folder held.
type listing struct {
	dir     Stat // before it was read
	at      time.Time
	entries []fs.DirEntry
}

// match is what a pattern matched in the listings of all folders that it needs.
type match struct {
	listed map[string]time.Time // when each folder was read
	paths  []string
	linked []*LinkError // folders that `**` did not walk through
}

const (
	// listingAge is how long a listing is believed at most: not all file systems tell that a
	// folder has changed.
	listingAge = 10 * time.Second
	// listingRest is how long a folder has not been changed when its listing is believed: longer
	// than any file system's clock takes to tick.
	listingRest = 3 * time.Second
	// lookMost bounds how many entries of folders a look goes through: some hundred bytes each.
	lookMost = 250_000
	// linkedMost bounds how many links of a pattern are named.
	linkedMost = 100
)

// NewFinder makes a Finder of what Find finds for the same arguments.
func NewFinder(fsys FS, patterns []string, exclude func(path string) bool) *Finder {
	return &Finder{fsys: fsys, patterns: patterns, exclude: exclude, most: lookMost}
}

// OfHeap has a look go through as many entries as any heap has, since it is the only one.
func (f *Finder) OfHeap() *Finder {
	f.most = globMost
	return f
}

// Find gives the files that there are now, sorted by path, each path once, and what could not be
// read. Unlike Find of the package it fails for a bad pattern only, and when ctx ends: no file at all is
// no error. It ends after so many entries of folders; then it is as if the rest could not be read.
func (f *Finder) Find(ctx context.Context) ([]Found, []Unread, error) {
	f.ctx, f.listed, f.links = ctx, 0, 0
	f.seen, f.unread = map[string]listing{}, map[string]error{}
	f.dirs = map[string]bool{}
	var all []Found
	for _, pattern := range f.patterns {
		found, err := f.find(pattern)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, nil, err
		}
		all = append(all, found...)
	}
	f.listings = f.seen
	slices.SortFunc(all, func(a, b Found) int { return strings.Compare(a.Path, b.Path) })
	all = slices.CompactFunc(all, func(a, b Found) bool { return a.Path == b.Path })
	var unread []Unread
	for _, path := range slices.Sorted(maps.Keys(f.unread)) {
		unread = append(unread, Unread{path, f.unread[path]})
	}
	return all, unread, nil
}

func (f *Finder) find(pattern string) ([]Found, error) {
	if pattern == "" {
		return nil, errEmptyPattern
	}
	path := filepath.Clean(pattern)
	st, err := f.fsys.Stat(path)
	switch {
	case err == nil:
		f.dirs[filepath.Dir(path)] = true
		return f.wanted(nil, path, st), nil
	case !hasMeta(path):
		f.dirs[filepath.Dir(path)] = true
		f.missed(path, err)
		return nil, nil
	}
	base, _ := doublestar.SplitPattern(path)
	f.dirs[base] = true
	paths, err := f.glob(pattern, base)
	if err != nil {
		return nil, err
	}
	found := make([]Found, 0, len(paths))
	stat, done := statEach(f.fsys)
	defer done()
	for _, path := range paths {
		if f.ctx.Err() != nil {
			return nil, nil
		}
		st, err := stat(path)
		if err == nil {
			found = f.wanted(found, path, st)
		} else if !errors.As(err, new(*NotRegularError)) {
			f.missed(path, err)
		}
	}
	return found, nil
}

// wanted adds a file to found, but for an excluded one.
func (f *Finder) wanted(found []Found, path string, st Stat) []Found {
	if f.exclude != nil && f.exclude(path) {
		return found
	}
	return append(found, Found{path, st})
}

// missed notes that path could not be looked at, but for nothing being there.
func (f *Finder) missed(path string, err error) {
	if errors.Is(err, fs.ErrNotExist) || f.ctx.Err() != nil {
		return
	}
	f.faults++
	if errors.As(err, new(*LinkError)) {
		if f.links++; f.links > linkedMost {
			return // whoever made so many is named
		}
	}
	f.unread[path] = err
}

// glob gives the paths that match. On the operating system's files it goes on past a folder that
// cannot be read; another file system has none of its paths known then.
func (f *Finder) glob(pattern, base string) ([]string, error) {
	if d, ok := f.fsys.(*Disk); ok {
		return f.globFolders(d, pattern, base)
	}
	paths, err := f.fsys.Glob(pattern)
	if errors.Is(err, doublestar.ErrBadPattern) {
		return nil, err
	}
	if err != nil {
		f.missed(base, err)
		return nil, nil
	}
	for i, path := range paths {
		paths[i] = filepath.Clean(path)
		f.dirs[filepath.Dir(path)] = true
	}
	return paths, nil
}

// globFolders gives the paths that match on the operating system's files. What matches is known while
// the listings are of all folders that were read for it.
func (f *Finder) globFolders(d *Disk, pattern, base string) ([]string, error) {
	if m, ok := f.matches[pattern]; ok && f.stillListed(d, m.listed) {
		f.noteLinked(m.linked)
		return m.paths, nil
	}
	listed, faults := map[string]time.Time{}, f.faults
	var linked []*LinkError
	list := func(dir string) ([]fs.DirEntry, error) {
		entries, err := f.list(d, dir)
		if errors.Is(err, errManyEntries) {
			f.missed(base, err) // and not each folder
		}
		if err == nil {
			listed[dir] = f.seen[dir].at
		}
		if err == nil && isDeep(pattern) && len(linked) < linkedMost {
			linked = append(linked, d.linkedFolders(base, dir, entries)...)
		}
		return entries, err
	}
	paths, err := globTree(pattern, func(base string) fs.FS { return noting{tree{d, base, list}, f} })
	f.noteLinked(linked)
	if f.matches == nil {
		f.matches = map[string]match{}
	}
	delete(f.matches, pattern)
	if err == nil && f.faults == faults && len(listed) > 0 { // what is noted is to be noted again
		f.matches[pattern] = match{listed, paths, linked}
	}
	return paths, err
}

// stillListed reports whether folders hold what they held when they were read.
func (f *Finder) stillListed(d *Disk, folders map[string]time.Time) bool {
	for dir, at := range folders {
		if _, err := f.list(d, dir); err != nil || !f.seen[dir].at.Equal(at) {
			return false
		}
	}
	return true
}

// noteLinked notes links to folders.
func (f *Finder) noteLinked(linked []*LinkError) {
	for _, e := range linked {
		f.unread[e.Link] = e
	}
}

// list lists a folder, or gives what it held when it has not changed since.
func (f *Finder) list(d *Disk, dir string) ([]fs.DirEntry, error) {
	if err := f.ctx.Err(); err != nil {
		return nil, err
	}
	now := time.Now()
	st, err := d.statDir(dir)
	if err != nil {
		f.missed(dir, err)
		return nil, err
	}
	f.dirs[dir] = true
	l, ok := f.seen[dir]
	if !ok {
		l, ok = f.listings[dir]
	}
	rest := now.Sub(time.Unix(0, st.MtimeNS))
	if !ok || l.dir != st || rest < listingRest || now.Sub(l.at) >= listingAge {
		l = listing{dir: st, at: now}
		l.entries, err = d.readDir(dir, max(0, f.most-f.listed))
		if errors.Is(err, errManyEntries) {
			return nil, err
		}
		if err != nil {
			f.missed(dir, err)
			return nil, err
		}
	}
	if _, again := f.seen[dir]; !again {
		f.listed += len(l.entries)
	}
	f.seen[dir] = l
	return l.entries, nil
}

// noting is a tree whose faults are noted and not returned: they do not end the look.
type noting struct {
	tree
	finder *Finder
}

func (n noting) Stat(name string) (fs.FileInfo, error) {
	info, err := n.stat(name)
	if err != nil {
		n.finder.missed(n.path(name), err)
	}
	return info, err
}

// Dirs gives the folders in which a change may change what the last Find found: those that it
// read and, for one that is not there, the nearest one above. Sorted, each once.
func (f *Finder) Dirs() []string {
	dirs := map[string]bool{}
	for dir := range f.dirs {
		for !f.isDir(dir) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
		}
		dirs[dir] = true
	}
	return slices.Sorted(maps.Keys(dirs))
}

func (f *Finder) isDir(path string) bool {
	if _, ok := f.seen[path]; ok {
		return true
	}
	_, err := f.fsys.Stat(path)
	var other *NotRegularError
	return errors.As(err, &other) && other.Dir
}
