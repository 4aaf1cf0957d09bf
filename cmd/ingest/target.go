package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"logseal/ingest/pipeline"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/sink/s3"
	"logseal/ingest/usage"
)

const (
	// loadPatience is how long load waits for a bucket that cannot be reached: for as long as it
	// takes, since it catches up by itself, and a line in the log says what it waits for.
	loadPatience = 0
	// lookPatience is the same for a command that someone waits for.
	lookPatience = 2 * time.Minute
)

// target is the place that a sink is in.
type target struct {
	sink   string      // its name: a folder's absolute path with links resolved, or a bucket's
	bucket *s3.Options // nil for a folder
	mode   fs.FileMode // of objects in a folder
}

// parseTarget finds what --out and `sink:` name. Nothing is opened.
func parseTarget(text string) (target, error) {
	if s3.IsURL(text) {
		o, err := s3.ParseURL(text)
		if err != nil {
			return target{}, usage.Errorf("sink: %w", err)
		}
		return target{sink: o.Name(), bucket: &o}, nil
	}
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		// What follows the scheme may be a key and its secret.
		return target{}, usage.Errorf("sink: unknown scheme %q; want a folder or s3://bucket/prefix", scheme)
	}
	if err := checkSlashes(text); err != nil {
		return target{}, usage.Errorf("sink: %w", err)
	}
	name, err := dir.Name(text)
	if err != nil {
		return target{}, usage.Errorf("sink: %w", err)
	}
	return target{sink: name}, nil
}

// fewSlashes is the beginning of what was meant to be a URL: a scheme with one slash, or s3 with none.
var fewSlashes = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9+.-]+):/|([sS]3):)`)

// checkSlashes refuses a path that looks like a URL with too few slashes: a folder would be made of it.
func checkSlashes(path string) error {
	m := fewSlashes.FindStringSubmatch(path)
	if m == nil || strings.Contains(path, "://") {
		return nil
	}
	if scheme := m[1] + m[2]; !strings.EqualFold(scheme, "s3") {
		return fmt.Errorf("%s: want a folder or s3://bucket/prefix; write ./%s for a folder of that name",
			path, path)
	}
	return fmt.Errorf("%s: did you mean %s%s? Write ./%s for a folder of that name", path, s3Scheme,
		strings.TrimLeft(path[len("s3:"):], "/"), path)
}

// warnPlain warns of a store that is reached without encryption.
func (t target) warnPlain(a *app) {
	if t.bucket == nil {
		return
	}
	endpoint := firstOf(t.bucket.Endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"),
		os.Getenv("AWS_ENDPOINT_URL"))
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsLoopback() {
		return
	}
	a.log.Warn("the store is reached without encryption: whoever is on the way can read the logs, and "+
		"session tokens; use https://", "endpoint", withoutSecrets(endpoint))
}

// sinkHash is how many bytes of the digest of a sink's name make the name of its state folder.
const sinkHash = 8

// defaultState is the state folder when none is given: in a folder sink, else one in the user's
// state folder that is named after the sink.
func (t target) defaultState() (string, error) {
	if t.bucket == nil {
		return filepath.Join(t.sink, stateDir), nil
	}
	home, err := stateHome()
	if err != nil {
		return "", usage.Errorf("no place for the state: %w; name a folder with --state", err)
	}
	hash := sha256.Sum256([]byte(t.sink))
	return dir.Name(filepath.Join(home, "logseal", hex.EncodeToString(hash[:sinkHash])))
}

// stateHome is where programs of a user keep their state, as the XDG specification has it: a path
// that is not absolute does not count.
func stateHome() (string, error) {
	if path := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(path) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state"), err
}

// openWriter opens the sink for the writer with this id; a folder is made when it is not there.
func (t target) openWriter(ctx context.Context, a *app, id string) (sink.Store, error) {
	store, err := t.openStore(ctx, id)
	if err != nil || t.bucket == nil {
		return store, err
	}
	return t.patient(store, a, loadPatience), nil
}

// openStore opens the sink for the writer with this id, which is told at once what cannot be done.
func (t target) openStore(ctx context.Context, id string) (sink.Store, error) {
	if t.bucket == nil {
		return dir.New(t.sink, id, t.mode)
	}
	return s3.New(ctx, *t.bucket)
}

// openReader opens the sink for reading and deleting; it makes nothing. The error is
// fs.ErrNotExist when there is no such folder.
func (t target) openReader(ctx context.Context, a *app) (sink.Store, error) {
	if t.bucket == nil {
		return dir.NewReader(t.sink)
	}
	t.warnPlain(a)
	store, err := s3.New(ctx, *t.bucket)
	if err != nil {
		return nil, err
	}
	return t.patient(store, a, lookPatience), nil
}

// patient repeats for so long, 0 for ever, what a store cannot do now.
func (t target) patient(store sink.Store, a *app, patience time.Duration) *pipeline.Retrier {
	return &pipeline.Retrier{Store: store, Limit: patience, Log: a.log.With("sink", t.sink)}
}
