package location

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"logseal/ingest/sink"
	"logseal/ingest/usage"
)

// Location is the sink and the state folder that a command works with.
type Location struct {
	SinkURL
	State       string // absolute, links resolved
	FollowLinks bool   // every link to a log is followed
}

// New finds the sink and the state by the texts that name them. An empty text for the state names the default
// state of the sink.
func New(sinkText, stateText string, mode fs.FileMode, links bool) (*Location, error) {
	t, err := ParseSinkURL(sinkText)
	if err != nil {
		return nil, err
	}
	t.mode = mode
	s := &Location{SinkURL: t, FollowLinks: links}
	if stateText != "" {
		s.State, err = stateAt(stateText)
	} else {
		s.State, err = t.defaultState()
	}
	if err != nil {
		return nil, err
	}
	return s, s.check()
}

// check refuses places that stand in each other's way.
func (s *Location) check() error {
	folders := map[string]string{"state": s.State}
	if s.Bucket == nil {
		folders["sink"] = s.Sink
	}
	for what, path := range folders {
		if st, err := os.Stat(path); err == nil && !st.IsDir() {
			return usage.Errorf("%s: %s is a file; want a folder", what, path)
		}
	}
	if s.State == s.Sink {
		return usage.Errorf("state and sink are both %s; give the state a folder of its own", s.Sink)
	}
	if name, ok := below(s.State, s.Sink); ok && slices.Contains(sink.Roots(), name) {
		return usage.Errorf("the state %s lies in the sink's own folder %s", s.State, name)
	}
	return nil
}

// below reports whether path lies in folder, and gives the first part of the way there.
func below(path, folder string) (first string, ok bool) {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(folder, "/")+"/")
	if !ok {
		return "", false
	}
	first, _, _ = strings.Cut(rest, "/")
	return first, true
}

// SinkName is the name of the sink that the ledger keeps. It is empty for a state folder within the sink:
// that folder moves with the sink.
func (s *Location) SinkName() string {
	if _, ok := below(s.State, s.Sink); ok {
		return ""
	}
	return s.Sink
}

// Spool is the folder of the spool.
func (s *Location) Spool() string { return filepath.Join(s.State, spoolDir) }
