package main

import (
	"errors"
	"fmt"
	"io/fs"

	"logseal/ingest/archive"
	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/input"
)

// unreadProblems says of places that could not be looked into what to do: other files are not kept from
// being read.
func unreadProblems(unread []files.Unread) (all []commit.Problem) {
	for _, u := range unread {
		err := u.Err
		if damaged, ok := errors.AsType[*archive.DamagedError](err); ok {
			all = append(all, commit.Problem{Kind: commit.Corrupt, Path: u.Path,
				Message: fmt.Sprintf("it is %s that is damaged or not whole: %v; what could be "+
					"listed of it was read: load a whole copy", damaged.What, damaged.Err)})
			continue
		}
		if inPath, ok := errors.AsType[*fs.PathError](err); ok {
			err = inPath.Err
		}
		all = append(all, commit.Problem{Kind: commit.Unreadable, Path: u.Path,
			Message: fmt.Sprintf("it cannot be read: %v; it and everything below it was skipped: fix "+
				"that and run again, or leave it out with `exclude`", err)})
	}
	return all
}

// linkProblems says of links to logs that they were not followed.
func linkProblems(from *input.FS) (all []commit.Problem) {
	for _, e := range from.PassedLinks() {
		all = append(all, commit.Problem{Kind: commit.Unreadable, Path: e.Link, Message: e.Error()})
	}
	return all
}
