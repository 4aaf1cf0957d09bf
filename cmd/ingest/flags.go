package main

import (
	"cmp"

	"logseal/ingest/config"
	"logseal/ingest/location"
	"logseal/ingest/usage"
)

// locationFlags say where a command works.
type locationFlags struct {
	Config string `short:"c" placeholder:"FILE" help:"Config file."`
	Out    string `placeholder:"DIR" help:"Sink: folder (default logseal-out) or s3://bucket/prefix."`
	State  string `placeholder:"DIR" help:"Folder of ledger and spool (default .state in a folder)."`
}

// config reads the config file, if there is one.
func (f *locationFlags) config() (*config.Config, error) {
	if f.Config == "" {
		return config.Default(), nil
	}
	c, err := config.Read(f.Config)
	if err != nil {
		return nil, usage.Errorf("%w", err)
	}
	return c, nil
}

// location finds sink and state: the flag, else the config, else the default.
func (f *locationFlags) location(c *config.Config) (*location.Location, error) {
	return location.New(cmp.Or(f.Out, c.Sink, config.DefaultSink), cmp.Or(f.State, c.State), c.SinkMode, c.FollowLinks)
}

// trustFlag is of commands that change state or sink.
type trustFlag struct {
	TrustOwner bool `help:"As root, use folders that another user owns or may write to."`
}

// prepare closes the state folder to others and, as root, refuses folders of others.
func (f trustFlag) prepare(a *app, at *location.Location) error {
	return at.Prepare(a.log, f.TrustOwner)
}
