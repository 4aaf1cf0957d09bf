package service

import (
	"errors"
	"fmt"

	"logseal/ingest/commit"
	"logseal/ingest/config"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/usage"
)

// Plan is what a config tells a tail to do, checked. It holds nothing open.
type Plan struct {
	Config   *config.Config
	Location *location.Location
	Streams  []commit.Stream
	follows  []*input.Follower // one a stream
}

// NewPlan checks everything that a config tells a tail to do.
func NewPlan(cfg *config.Config, at *location.Location) (*Plan, error) {
	p := &Plan{Config: cfg, Location: at}
	for i := range cfg.Streams {
		s := &cfg.Streams[i]
		stream, err := s.TailStream()
		if err != nil {
			return nil, usage.Errorf("stream %s: %w", s.Name, err)
		}
		f, err := input.NewFollower(s.Files(), files.OS().FollowAll(cfg.FollowLinks), at)
		if err != nil {
			return nil, err
		}
		p.Streams, p.follows = append(p.Streams, *stream), append(p.follows, f)
	}
	return p, nil
}

// allows reports whether a tail that runs by p may go on by next, or why not.
func (p *Plan) allows(next *Plan, whose config.Origin) error {
	switch {
	case next.Location.Sink != p.Location.Sink:
		return fmt.Errorf("the sink cannot change from %s to %s while it runs; start it again",
			p.Location.Sink, next.Location.Sink)
	case next.Location.State != p.Location.State:
		return fmt.Errorf("the state cannot change from %s to %s while it runs; start it again",
			p.Location.State, next.Location.State)
	case next.Config.Origin != "" && next.Config.Origin != whose:
		return fmt.Errorf("the origin cannot change from %s to %s: the ledger keeps it",
			whose, next.Config.Origin)
	case next.Config.FollowLinks != p.Config.FollowLinks:
		return errors.New("symlinks cannot change while it runs; start it again")
	case next.Config.SinkMode != p.Config.SinkMode:
		return errors.New("sink_mode cannot change while it runs; start it again")
	case next.Config.SpoolMaxBytes != p.Config.SpoolMaxBytes:
		return errors.New("spool.max_bytes cannot change while it runs; start it again")
	}
	return nil
}
