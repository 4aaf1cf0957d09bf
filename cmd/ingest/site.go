package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/usage"
)

// stateDir is the state folder of a folder sink, unless another is given.
const stateDir = ".state"

// spoolDir is the folder of the spool in the state folder.
const spoolDir = "spool"

// siteFlags say where a command works.
type siteFlags struct {
	Config string `short:"c" placeholder:"FILE" help:"Config file."`
	Out    string `placeholder:"DIR" help:"Sink: folder (default logseal-out) or s3://bucket/prefix."`
	State  string `placeholder:"DIR" help:"Folder of ledger and spool (default .state in a folder)."`
}

// site is where a command works.
type site struct {
	target
	state string // absolute, links resolved
	links bool   // every link to a log is followed
}

// config reads the config file, if there is one.
func (f *siteFlags) config() (*Config, error) {
	if f.Config == "" {
		return defaultConfig(), nil
	}
	c, err := readConfig(f.Config)
	if err != nil {
		return nil, usage.Errorf("%w", err)
	}
	return c, nil
}

// site finds sink and state: the flag, else the config, else the default.
func (f *siteFlags) site(c *Config) (*site, error) {
	t, err := parseTarget(firstOf(f.Out, c.Sink, defaultSink))
	if err != nil {
		return nil, err
	}
	t.mode = c.SinkMode
	s := &site{target: t, links: c.FollowLinks}
	if state := firstOf(f.State, c.State); state != "" {
		s.state, err = stateAt(state)
	} else {
		s.state, err = t.defaultState()
	}
	if err != nil {
		return nil, err
	}
	return s, s.check()
}

// stateAt is the state folder that someone named.
func stateAt(folder string) (string, error) {
	if strings.Contains(folder, "://") {
		return "", usage.Errorf("state: %s is no folder; want one on a local disk", folder)
	}
	if checkSlashes(folder) != nil {
		return "", usage.Errorf("state: %s is no folder; want one on a local disk (write ./%s for a folder of "+
			"that name)", folder, folder)
	}
	path, err := dir.Name(folder)
	if err != nil {
		return "", usage.Errorf("state: %w", err)
	}
	return path, nil
}

// check refuses places that stand in each other's way.
func (s *site) check() error {
	folders := map[string]string{"state": s.state}
	if s.bucket == nil {
		folders["sink"] = s.sink
	}
	for what, path := range folders {
		if st, err := os.Stat(path); err == nil && !st.IsDir() {
			return usage.Errorf("%s: %s is a file; want a folder", what, path)
		}
	}
	if s.state == s.sink {
		return usage.Errorf("state and sink are both %s; give the state a folder of its own", s.sink)
	}
	if name, ok := below(s.state, s.sink); ok && slices.Contains(sink.Roots(), name) {
		return usage.Errorf("the state %s lies in the sink's own folder %s", s.state, name)
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// below tells whether path lies in folder, and gives the first part of the way there.
func below(path, folder string) (first string, ok bool) {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(folder, "/")+"/")
	if !ok {
		return "", false
	}
	first, _, _ = strings.Cut(rest, "/")
	return first, true
}

// sinkName is the sink's name for the ledger. A state folder within the sink moves with it, so
// its ledger holds no name.
func (s *site) sinkName() string {
	if _, ok := below(s.state, s.sink); ok {
		return ""
	}
	return s.sink
}

func (s *site) spool() string { return filepath.Join(s.state, spoolDir) }

// owns tells whether path is a file of Logseal's: in the state folder, or one that the sink is
// made of. Whatever else lies in a folder that is also a sink is not ours. path is absolute.
func (s *site) owns(path string) bool {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	return s.ownsResolved(path)
}

// ownsResolved is owns for a path without links.
func (s *site) ownsResolved(path string) bool {
	if _, ok := below(path, s.state); ok {
		return true
	}
	first, ok := below(path, s.sink)
	return ok && (slices.Contains(sink.Roots(), first) || first == sink.RootObject() ||
		first == stateDir || first == dir.Temp)
}
