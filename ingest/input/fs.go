package input

import (
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"logseal/ingest/archive"
	"logseal/ingest/files"
	"logseal/ingest/sink/s3"
)

// FS is the file system that log files are read from. A path s3://bucket/key is an object in a
// bucket, and its key is taken as it stands; any other path is the operating system's, or leads on into an
// archive there.
//
// What a listing or a look has said of an object holds for the whole run, so a heap of objects
// costs a request a thousand. That is safe: an object is read only as the version that was seen.
type FS struct {
	*files.Disk
	archives *archive.FS // of the disk
	// ctx ends all requests. It is a field because reading files knows no context, as the calls of
	// the operating system do not.
	ctx context.Context
	// sink says where buckets are when a pattern does not; nil leaves it to the environment.
	sink *s3.Options
	log  *slog.Logger // gets a line for each wait

	retries atomic.Int64 // calls that were tried again

	mu      sync.Mutex            // guards what follows
	options map[string]string     // by bucket: the options that a pattern gave
	buckets map[string]*s3.Bucket // those in use
	seen    map[string]s3.Entry   // by path
	read    map[string]s3.Entry   // by bucket: the last object that could be read
	names   map[string]string     // by bucket: the name of the sink, were it in that bucket
	passed  []*files.LinkError    // links that were wanted and not followed
	own     string                // the name of the sink; empty until it is asked for
}

var _ files.FS = (*FS)(nil)

// NewFS reads files of the operating system and, with the credentials of the environment, objects. sink is
// the bucket of the sink, nil for a folder sink. ctx ends all requests.
func NewFS(ctx context.Context, log *slog.Logger, sink *s3.Options) *FS {
	disk := files.OS().Within(ctx)
	return &FS{Disk: disk, archives: archive.New(disk), ctx: ctx, sink: sink, log: log,
		options: map[string]string{}, buckets: map[string]*s3.Bucket{}, seen: map[string]s3.Entry{},
		read: map[string]s3.Entry{}, names: map[string]string{}}
}

// pass notes links that were wanted and not followed, each once.
func (l *FS) pass(links []*files.LinkError) {
	for _, e := range links {
		if !slices.ContainsFunc(l.passed, func(have *files.LinkError) bool { return have.Link == e.Link }) {
			l.passed = append(l.passed, e)
		}
	}
}

// trustArchiveOf has the link followed that a member's archive is named by.
func (l *FS) trustArchiveOf(path string) {
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		link, err := os.Lstat(dir)
		if err != nil || link.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if target, err := os.Stat(dir); err == nil && target.Mode().IsRegular() {
			l.Trust(dir)
		}
	}
}

// PassedLinks gives the links to logs that the finder did not follow.
func (l *FS) PassedLinks() []*files.LinkError { return l.passed }

// Repeated counts the calls to buckets that were repeated.
func (l *FS) Repeated() int64 { return l.retries.Load() }

// warnLinks says which links were wanted and not followed.
func (l *FS) warnLinks(warn warner) {
	for _, e := range l.passed {
		warn("%v", e)
	}
}

// Members lists the members of an archive by their paths; nil for a file that is no archive.
func (l *FS) Members(path string) ([]string, error) { return l.archives.Members(path) }

// bucket gives the bucket of a path, and the path's key.
func (l *FS) bucket(path string) (*s3.Bucket, string, error) {
	name, key := splitObject(path)
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[name]; b != nil {
		return b, key, nil
	}
	o, err := l.optionsOf(name)
	if err != nil {
		return nil, "", err
	}
	o.OnRetry = l.tellRetry(name)
	b, err := s3.NewBucket(l.ctx, o)
	if err != nil {
		return nil, "", err
	}
	l.buckets[name] = b
	return b, key, nil
}

// tellRetry logs that a call to a bucket is about to be tried again.
func (l *FS) tellRetry(bucket string) func(string, int, time.Duration, error) {
	return func(what string, attempt int, wait time.Duration, err error) {
		l.retries.Add(1)
		l.log.Warn("bucket call failed, retrying", "bucket", bucket,
			"call", strings.TrimSpace(what), "attempt", attempt, "wait",
			wait.Round(time.Millisecond), "error", err)
	}
}

// entry describes the object at path: as it was seen before, or as it is now.
func (l *FS) entry(op, path string) (s3.Entry, error) {
	l.mu.Lock()
	e, ok := l.seen[path]
	l.mu.Unlock()
	if ok {
		return e, nil
	}
	b, key, err := l.bucket(path)
	if err != nil {
		return s3.Entry{}, err
	}
	if e, err = b.Stat(l.ctx, key); err != nil {
		return s3.Entry{}, l.fault(op, path, err)
	}
	l.see(path, e)
	return e, nil
}

func (l *FS) see(path string, e s3.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[path] = e
}

// Open implements files.FS. It asks for nothing: the object is what it was when it was seen.
func (l *FS) Open(path string) (files.Handle, error) {
	if !IsObject(path) {
		return l.archives.Open(path)
	}
	e, err := l.entry("open", path)
	if err != nil {
		return nil, err
	}
	b, _, err := l.bucket(path)
	if err != nil {
		return nil, err
	}
	return &objectHandle{logs: l, path: path, entry: e, bucket: b, reader: b.Open(l.ctx, e)}, nil
}

// Stat implements files.FS.
func (l *FS) Stat(path string) (files.Stat, error) {
	if !IsObject(path) {
		return l.archives.Stat(path)
	}
	e, err := l.entry("stat", path)
	return objectStat(e), err
}

// objectStat is what tells that an object is unchanged. Listings may say the time to the
// millisecond where all else says it to the second.
func objectStat(e s3.Entry) files.Stat {
	return files.Stat{Size: e.Size, MtimeNS: e.Modified.Truncate(time.Second).UnixNano(),
		Version: strings.Trim(e.ETag, `"`)}
}

// Glob implements files.FS. It lists what begins as the pattern does, up to its first wildcard. An
// object whose key is the pattern itself is among what it gives.
func (l *FS) Glob(pattern string) ([]string, error) {
	if !IsObject(pattern) {
		return l.Disk.Glob(pattern)
	}
	b, keys, err := l.bucket(pattern)
	if err != nil {
		return nil, err
	}
	literal := keys
	if i := strings.IndexAny(keys, wildcards); i >= 0 {
		literal = keys[:i]
	}
	found := map[string]s3.Entry{}
	root := strings.TrimSuffix(pattern, keys)
	for e, err := range b.List(l.ctx, literal) {
		if err != nil {
			return nil, err
		}
		if ok, err := files.Match(keys, e.Key); err != nil {
			return nil, err
		} else if ok || e.Key == keys {
			found[root+e.Key] = e
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.seen, found)
	return slices.Collect(maps.Keys(found)), nil
}

// checkFolder returns an error when path, at which no object is, would be a folder, or when its
// bucket cannot be listed: one that is not there looks to other requests as if it were empty.
func (l *FS) checkFolder(path string) error {
	b, key, err := l.bucket(path)
	if err != nil {
		return err
	}
	for _, err := range b.List(l.ctx, key+"/") {
		if err != nil {
			return err
		}
		return &files.NotRegularError{Path: path, Dir: true}
	}
	return nil
}

// wildcards are the characters that make a pattern of a path.
const wildcards = `*?[{\`

var wildcard = regexp.MustCompile("[" + regexp.QuoteMeta(wildcards) + "]")

// Escape gives the pattern that matches path alone.
func Escape(path string) string { return wildcard.ReplaceAllString(path, `\$0`) }
