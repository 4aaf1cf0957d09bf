package service

import (
	"context"
	"time"

	"logseal/ingest/config"
	"logseal/ingest/input"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/usage"
	"logseal/ingest/verify/deletion"
)

// ErrTimeout refuses a timeout that is not above zero.
var ErrTimeout = usage.Errorf("--timeout: want a duration above zero, as in 5s")

// NewJudge makes a judge of deletions from a config, a ledger and a sink, which store opens.
func NewJudge(
	cfg *config.Config, ledger *offsets.Ledger, from *input.FS, timeout time.Duration, store func() (sink.Store, error),
) *deletion.Judge {
	whose := cfg.Origin.Or(config.NotedOrigin(ledger))
	return &deletion.Judge{
		Files: from, Ledger: ledger, Store: store, Timeout: timeout, Retention: cfg.Retentions(),
		Streams: func(path, named string) (all []deletion.Place, err error) {
			for i := range cfg.Streams {
				x, ok, err := placeIn(&cfg.Streams[i], whose, from, path, named)
				if err != nil {
					return nil, err
				}
				if ok {
					all = append(all, x)
				}
			}
			return all, nil
		},
	}
}

// placeIn is where a stream has or would have a file; false when the file is of no origin there.
func placeIn(
	stream *config.Stream, whose config.Origin, from *input.FS, path, named string,
) (x deletion.Place, ok bool, err error) {
	x.Table = source.Table{Stream: stream.Name, Version: stream.Version}
	x.Origin = whose.Key()
	if stream.OriginPath != nil {
		m := stream.OriginPath.FindStringSubmatch(path)
		if m == nil {
			return x, false, nil
		}
		x.Origin = m[len(m)-1]
	}
	out, err := input.NewExcluder(stream.Name, stream.Exclude)
	if err != nil {
		return x, false, err
	}
	for _, pattern := range stream.Paths {
		ok, err := from.Matches(pattern, named)
		if err != nil {
			return x, false, usage.Errorf("stream %s: %w", stream.Name, err)
		}
		x.Wanted = x.Wanted || ok && !out.Excludes(named) && !out.Excludes(path)
	}
	return x, true, nil
}

// judge decides about deleting files while the tail runs.
func (s *Service) judge(ctx context.Context, timeout time.Duration) *deletion.Judge {
	return NewJudge(s.current.Load().Config, s.ledger, input.NewFS(ctx, s.Log, nil), timeout,
		func() (sink.Store, error) { return s.store, nil })
}
