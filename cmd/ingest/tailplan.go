package main

import (
	"errors"
	"fmt"

	"logseal/ingest/config"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/pipeline"
	"logseal/ingest/usage"
)

// plan is what a config file says a tail is to do, checked; nothing is opened for it.
type plan struct {
	cfg     *config.Config
	at      *location.Location
	streams []pipeline.Stream
	follows []*input.Follower // one a stream
}

// plan reads the config and checks all of it.
func (c *tailCmd) plan() (*plan, error) {
	if c.Config == "" {
		return nil, usage.Errorf("no config: tail follows what the config says; give one with -c")
	}
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	at, err := c.site(cfg)
	if err != nil {
		return nil, err
	}
	p := &plan{cfg: cfg, at: at}
	for i := range cfg.Streams {
		s := &cfg.Streams[i]
		stream, err := s.TailStream()
		if err != nil {
			return nil, usage.Errorf("stream %s: %w", s.Name, err)
		}
		f, err := input.NewFollower(filesOf(s), files.OS().FollowAll(cfg.FollowLinks), at)
		if err != nil {
			return nil, err
		}
		p.streams, p.follows = append(p.streams, *stream), append(p.follows, f)
	}
	return p, nil
}

// allows tells whether a tail that runs by p may go on by next, or why not.
func (p *plan) allows(next *plan, whose config.Origin) error {
	switch {
	case next.at.Sink != p.at.Sink:
		return fmt.Errorf("the sink cannot change from %s to %s while it runs; start it again",
			p.at.Sink, next.at.Sink)
	case next.at.State != p.at.State:
		return fmt.Errorf("the state cannot change from %s to %s while it runs; start it again",
			p.at.State, next.at.State)
	case next.cfg.Origin != "" && next.cfg.Origin != whose:
		return fmt.Errorf("the origin cannot change from %s to %s: the ledger keeps it",
			whose, next.cfg.Origin)
	case next.cfg.FollowLinks != p.cfg.FollowLinks:
		return errors.New("symlinks cannot change while it runs; start it again")
	case next.cfg.SinkMode != p.cfg.SinkMode:
		return errors.New("sink_mode cannot change while it runs; start it again")
	case next.cfg.SpoolMaxBytes != p.cfg.SpoolMaxBytes:
		return errors.New("spool.max_bytes cannot change while it runs; start it again")
	}
	return nil
}
