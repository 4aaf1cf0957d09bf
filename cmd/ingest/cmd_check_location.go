package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/service"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/verify"
)

// checkPatience is how long check waits for a bucket that cannot be reached: someone looks at it.
const checkPatience = 3 * time.Second

// unreadMost is how many files that cannot be read are named of each stream.
const unreadMost = 5

// lookAround looks at the files that a config names and at its sink.
func (c *checkCmd) lookAround(
	ctx context.Context, a *app, at *location.Location, chosen []selection, res *checkResult,
) error {
	from := input.NewFS(ctx, a.log, at.Bucket)
	from.FollowAll(at.FollowLinks)
	for i := range chosen {
		if err := chosen[i].lookAtFiles(a, from, at, res); err != nil {
			return err
		}
	}
	for _, p := range linkProblems(from) {
		res.problem(a, p)
	}
	state, err := lookAtSink(ctx, at.SinkURL)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		res.problem(a, commit.Problem{Kind: commit.Refused,
			Message: fmt.Sprintf("sink %s: %v", at.Sink, err)})
	} else {
		res.Sink = state
		a.say("sink %s: %s", at.Sink, state)
	}
	switch n := len(res.Problems); n {
	case 0:
		return nil
	case 1:
		return exitf(exitLook, "the config is valid, with 1 problem")
	default:
		return exitf(exitLook, "the config is valid, with %d problems", n)
	}
}

// problem keeps a problem and says it.
func (r *checkResult) problem(a *app, p commit.Problem) {
	r.Problems = append(r.Problems, service.Problem(p))
	a.warn("%v", p)
}

// lookAtFiles counts a stream's files and names those that cannot be opened.
func (s *selection) lookAtFiles(a *app, from *input.FS, at *location.Location, res *checkResult) error {
	if len(s.files.Patterns) == 0 {
		a.say("stream %s: no paths: `load` needs files on its command line", s.Name)
		return nil
	}
	paths, err := s.files.Find(a.warn, from, at.Owns)
	if code := exitCode(err); err != nil && code != exitUsage {
		res.problem(a, commit.Problem{Kind: commit.Unreadable,
			Message: fmt.Sprintf("stream %s: paths: %v", s.Name, err)})
		return nil
	} else if err != nil {
		return err
	}
	for _, p := range unreadProblems(s.files.Unread()) {
		res.problem(a, p)
	}
	unread := int64(0)
	for _, path := range paths {
		err := canOpen(from, path)
		if err == nil || errors.Is(err, fs.ErrNotExist) { // it went since it was found
			continue
		}
		if unread++; unread <= unreadMost {
			res.problem(a, commit.Problem{Kind: commit.Unreadable,
				Message: fmt.Sprintf("stream %s: %v", s.Name, err)})
		}
	}
	if unread > unreadMost {
		a.warn("stream %s: %s more cannot be read", s.Name, count(unread-unreadMost, "file"))
	}
	res.Found += int64(len(paths))
	a.say("stream %s: %s found", s.Name, count(int64(len(paths)), "file"))
	return nil
}

func canOpen(fsys files.FS, path string) error {
	h, err := fsys.Open(path)
	if err != nil {
		return err
	}
	return h.Close()
}

// What check says of a sink.
const (
	sinkTable = "it holds a Logseal table"
	sinkEmpty = "no Logseal table there yet; the first load or tail makes it"
)

// lookAtSink reports whether a sink holds a table; nothing is made.
func lookAtSink(ctx context.Context, t location.SinkURL) (state string, err error) {
	var store sink.Store
	if t.Bucket == nil {
		store, err = t.OpenReader(ctx, nil)
		if errors.Is(err, fs.ErrNotExist) {
			return sinkEmpty, nil
		}
	} else if store, err = t.OpenStore(ctx, ""); err == nil {
		store = &retry.Store{Store: store, Limit: checkPatience}
	}
	if err != nil {
		return "", err
	}
	has, err := verify.HasTable(ctx, store)
	if has {
		return sinkTable, err
	}
	return sinkEmpty, err
}
