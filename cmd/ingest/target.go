package main

import (
	"context"
	"path/filepath"
	"strings"

	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
)

// target is the place that a sink is in.
type target struct {
	sink string // its name: the folder's absolute path, with links resolved
}

// parseTarget finds what --out and `sink:` name. Nothing is opened.
func parseTarget(text string) (target, error) {
	scheme, _, ok := strings.Cut(text, "://")
	switch {
	case ok && scheme == "s3":
		return target{}, usagef("%s: object storage is not built in yet; give a folder with --out",
			text)
	case ok:
		return target{}, usagef("%s: unknown scheme %q; want a folder or s3://bucket/prefix", text,
			scheme)
	}
	name, err := dir.Name(text)
	if err != nil {
		return target{}, usagef("sink: %w", err)
	}
	return target{sink: name}, nil
}

// inBucket says that the sink is no folder.
func (t target) inBucket() bool { return false }

// defaultState is the state folder when none is given: in a folder sink.
func (t target) defaultState() (string, error) { return filepath.Join(t.sink, stateDir), nil }

// openWriter opens the sink for the writer with this id; a folder is made when it is not there.
func (t target) openWriter(_ context.Context, id string) (sink.Store, error) {
	return dir.New(t.sink, id)
}

// openReader opens the sink for reading and deleting; it makes nothing. The error is
// fs.ErrNotExist when there is no such folder.
func (t target) openReader(context.Context) (sink.Store, error) { return dir.NewReader(t.sink) }
