package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"logseal/ingest/archive"
	"logseal/ingest/config"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/usage"
)

// safeJSON is the answer of --safe-to-delete. It speaks of the Size bytes that the file had when
// it was asked.
type safeJSON struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Safe   bool   `json:"safe"`
	Reason string `json:"reason"`
}

// safety is what --safe-to-delete is answered from.
type safety struct {
	cfg    *config.Config
	ledger *offsets.Ledger
	from   *input.FS
	// store opens the sink once the ledger is no longer needed.
	store func() (sink.Store, error)
	// timeout bounds each question to the sink.
	timeout time.Duration
}

// safe answers from a ledger that nobody else has open.
func (s *statusCmd) safe(
	ctx context.Context, a *app, at *location.Location, c *config.Config, ledger *offsets.Ledger, res *statusResult,
) error {
	from := input.NewFS(ctx, a.log, at.Bucket)
	path, err := from.Absolute(s.SafeToDelete)
	if err != nil {
		return err
	}
	ask := &safety{cfg: c, ledger: ledger, from: from, timeout: s.Timeout, store: func() (sink.Store, error) {
		ledger.Close() // a tail may want it while a sink that is slow or away is asked
		return at.OpenReader(ctx, a.log)
	}}
	res.Safe, err = ask.ask(ctx, path)
	if err != nil {
		return err
	}
	return res.Safe.tell(a)
}

// refusal is nil for yes, and says why it is not.
func (x *safeJSON) refusal() error {
	if x.Safe {
		return nil
	}
	return fmt.Errorf("%s, %d bytes: not yet: %s", x.Path, x.Size, x.Reason)
}

// tell says the answer; no is an error.
func (x *safeJSON) tell(a *app) error {
	if x.Safe {
		a.say("%s, %d bytes: safe to delete, %s", x.Path, x.Size, x.Reason)
	}
	return x.refusal()
}

// ask answers whether the file at an absolute path may be deleted: it is proved to be a source whose
// manifests, asked of the sink, cover every byte, the objects that they name are there, and its last
// line has ended. Each table that has or wants the file must agree. Of an archive it speaks for each member.
func (s *safety) ask(ctx context.Context, path string) (*safeJSON, error) {
	s.from.Trust(path) // whoever asks names it
	stat, err := s.from.Stat(path)
	if other, ok := errors.AsType[*files.NotRegularError](err); ok && other.Dir {
		return nil, usage.Errorf("--safe-to-delete: %s is a folder: ask for each file in it", path)
	}
	if err != nil {
		return nil, usage.Errorf("--safe-to-delete: %w", err)
	}
	answer := &safeJSON{Path: path, Size: stat.Size}
	members, err := s.from.Archives.Members(path)
	if errors.As(err, new(*archive.DamagedError)) {
		answer.Reason = err.Error()
		return answer, nil
	}
	if members == nil {
		members = []string{path}
	}
	if len(members) == 0 {
		answer.Reason = input.ErrNoMember.Error()
		return answer, nil
	}
	var all []*question
	for _, member := range members {
		q, reason, err := s.prepare(member, path)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			answer.Reason = ofMember(path, member, reason)
			return answer, nil
		}
		all = append(all, q)
	}
	store, err := s.store()
	if err != nil {
		return nil, err
	}
	answer.Safe, answer.Reason = true, "all of it is in the sink"
	for _, q := range all {
		reason, unwanted, err := s.judge(ctx, store, q)
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

// question is what the ledger knows of a file before the sink is asked about it.
type question struct {
	path   string
	places []candidate
	ended  bool // it does not go on, as far as anybody knows
	whole  bool // it is taken for whole though something follows
}

// prepare asks the ledger about a file, found where a pattern of the config may name named. The reason is why
// it may not be deleted, whatever the sink says.
func (s *safety) prepare(path, named string) (q *question, reason string, err error) {
	f, err := files.Open(s.from, path)
	if other, ok := errors.AsType[*files.UnsupportedError](err); ok {
		return nil, other.Advice(), nil
	}
	if err != nil {
		return nil, "", usage.Errorf("--safe-to-delete: %w", err)
	}
	defer f.Close()
	q = &question{path: path}
	if q.places, err = s.candidates(path, named); err != nil {
		return nil, "", err
	}
	if reason, err = s.waiting(path, f.Stat()); err != nil || reason != "" {
		return nil, reason, err
	}
	if q.whole, err = s.wasReadWhole(f, path, q.places); err != nil {
		return nil, "", err
	}
	if q.whole {
		f.AssumeWhole()
	}
	q.ended, err = s.hasEnded(f, path, q.places)
	return q, "", err
}

// judge holds a file against the sink.
func (s *safety) judge(ctx context.Context, store sink.Store, q *question) (reason string, unwanted bool, err error) {
	f, err := files.Open(s.from, q.path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	if q.whole {
		f.AssumeWhole()
	}
	p := &proof{store: &punctual{store, s.timeout}, file: f, ended: q.ended, retention: s.cfg.Retentions()}
	reason, err = p.judge(ctx, q.places)
	return reason, p.unwanted, err
}

// wasReadWhole tells whether a file was read to its end as it is: with --assume whole, if something follows
// that.
func (s *safety) wasReadWhole(f *files.File, path string, places []candidate) (bool, error) {
	for _, table := range tablesOf(places) {
		rec, ok, err := s.ledger.GetFile(table, path)
		if err != nil || ok && rec.State == offsets.FileState(f.Stat()) {
			return err == nil, err
		}
	}
	return false, nil
}

// candidate is a table and origin that may hold a file; wanted says that it should.
type candidate struct {
	table  source.Table
	origin string
	wanted bool
}

// candidates lists where a file may be: wherever the ledger has sources, and the streams of the
// config. One that the ledger or the config's paths name the file for must hold it.
func (s *safety) candidates(path, named string) ([]candidate, error) {
	var out []candidate
	add := func(x candidate) {
		for i := range out {
			if out[i].table == x.table && out[i].origin == x.origin {
				out[i].wanted = out[i].wanted || x.wanted
				return
			}
		}
		out = append(out, x)
	}
	keys, err := s.ledger.Origins()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		add(candidate{table: key.Table, origin: key.Origin})
	}
	for i := range s.cfg.Streams {
		x, ok, err := s.candidate(&s.cfg.Streams[i], path, named)
		if err != nil {
			return nil, err
		}
		if ok {
			add(x)
		}
	}
	return out, nil
}

// candidate is where a stream has or would have a file; false when the file is of no origin there.
func (s *safety) candidate(stream *config.Stream, path, named string) (x candidate, ok bool, err error) {
	x.table = source.Table{Stream: stream.Name, Version: stream.Version}
	x.origin = s.cfg.Origin.Or(config.NotedOrigin(s.ledger)).Key()
	if stream.OriginPath != nil {
		m := stream.OriginPath.FindStringSubmatch(path)
		if m == nil {
			return x, false, nil
		}
		x.origin = m[len(m)-1]
	}
	out, err := input.NewExcluder(stream.Name, stream.Exclude)
	if err != nil {
		return x, false, err
	}
	for _, pattern := range stream.Paths {
		ok, err := s.from.Matches(pattern, named)
		if err != nil {
			return x, false, usage.Errorf("stream %s: %w", stream.Name, err)
		}
		x.wanted = x.wanted || ok && !out.Excludes(named) && !out.Excludes(path)
	}
	return x, true, nil
}
