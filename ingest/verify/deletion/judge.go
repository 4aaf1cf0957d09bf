package deletion

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"logseal/ingest/archive"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/usage"
)

// Answer says whether a file may be deleted. The answer is about the Size bytes that the file had when
// somebody asked.
type Answer struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Safe   bool   `json:"safe"`
	Reason string `json:"reason"`
}

// Files are the file systems that logs are in. A path leads to a file, to an object or to a member of an
// archive.
type Files interface {
	files.FS
	// Trust has a link followed that the user named.
	Trust(path string)
	// Members lists the members of an archive; nil for a file that is no archive.
	Members(path string) ([]string, error)
}

// Judge decides whether files may be deleted.
type Judge struct {
	Files  Files
	Ledger *offsets.Ledger
	// Streams gives the places in which the streams of the config have or want a file. A pattern of the
	// config may name the file as path, or as named.
	Streams func(path, named string) ([]Place, error)
	// Store opens the sink. The judge needs the ledger no more by then.
	Store func() (sink.Store, error)
	// Timeout bounds each question to the sink.
	Timeout time.Duration
	// Retention is after how long somebody deletes the objects of a stream.
	Retention map[string]time.Duration
}

// Refusal is nil for yes, and says why it is not.
func (a *Answer) Refusal() error {
	if a.Safe {
		return nil
	}
	return fmt.Errorf("%s, %d bytes: not yet: %s", a.Path, a.Size, a.Reason)
}

// Ask answers whether the file at an absolute path may be deleted: it is proved to be a source whose
// manifests, asked of the sink, cover every byte, the objects that they name are there, and its last
// line has ended. Each table that has or wants the file must agree. Of an archive it speaks for each member.
func (j *Judge) Ask(ctx context.Context, path string) (*Answer, error) {
	j.Files.Trust(path) // whoever asks names it
	stat, err := j.Files.Stat(path)
	if other, ok := errors.AsType[*files.NotRegularError](err); ok && other.Dir {
		return nil, usage.Errorf("--safe-to-delete: %s is a folder: ask for each file in it", path)
	}
	if err != nil {
		return nil, usage.Errorf("--safe-to-delete: %w", err)
	}
	answer := &Answer{Path: path, Size: stat.Size}
	members, err := j.Files.Members(path)
	if errors.As(err, new(*archive.DamagedError)) {
		answer.Reason = err.Error()
		return answer, nil
	}
	if members == nil {
		members = []string{path}
	}
	if len(members) == 0 {
		answer.Reason = archive.ErrEmpty.Error()
		return answer, nil
	}
	var all []*question
	for _, member := range members {
		q, reason, err := j.prepare(member, path)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			answer.Reason = ofMember(path, member, reason)
			return answer, nil
		}
		all = append(all, q)
	}
	store, err := j.Store()
	if err != nil {
		return nil, err
	}
	answer.Safe, answer.Reason = true, "all of it is in the sink"
	for _, q := range all {
		reason, unwanted, err := j.judge(ctx, store, q)
		switch {
		case err != nil:
			return nil, fmt.Errorf("ask whether %s may be deleted: %w", q.path, err)
		case reason != "":
			answer.Safe, answer.Reason = false, ofMember(path, q.path, reason)
			return answer, nil
		case unwanted:
			answer.Reason = "all of it is in the sink or was never wanted"
		}
	}
	return answer, nil
}

// ofMember says of which member of an archive a reason is.
func ofMember(path, member, reason string) string {
	if member == path {
		return reason
	}
	return fmt.Sprintf("%s: %s", strings.TrimPrefix(member, path+"/"), reason)
}
