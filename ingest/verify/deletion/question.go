package deletion

import (
	"context"
	"errors"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/usage"
)

// question is what the ledger knows of a file before the sink is asked about it.
type question struct {
	path   string
	places []Place
	ended  bool // it does not go on, as far as anybody knows
	whole  bool // it is taken for whole though something follows
}

// prepare asks the ledger about a file, found where a pattern of the config may name named. The reason is why
// it may not be deleted, whatever the sink says.
func (j *Judge) prepare(path, named string) (q *question, reason string, err error) {
	f, err := files.Open(j.Files, path)
	if other, ok := errors.AsType[*files.UnsupportedError](err); ok {
		return nil, other.Advice(), nil
	}
	if err != nil {
		return nil, "", usage.Errorf("--safe-to-delete: %w", err)
	}
	defer f.Close()
	q = &question{path: path}
	if q.places, err = j.places(path, named); err != nil {
		return nil, "", err
	}
	if reason, err = j.waiting(path, f.Stat()); err != nil || reason != "" {
		return nil, reason, err
	}
	if q.whole, err = j.wasReadWhole(f, path, q.places); err != nil {
		return nil, "", err
	}
	if q.whole {
		f.AssumeWhole()
	}
	q.ended, err = j.hasEnded(f, path, q.places)
	return q, "", err
}

// judge holds a file against the sink.
func (j *Judge) judge(ctx context.Context, store sink.Store, q *question) (reason string, unwanted bool, err error) {
	f, err := files.Open(j.Files, q.path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	if q.whole {
		f.AssumeWhole()
	}
	p := &proof{store: &timedStore{store, j.Timeout}, file: f, ended: q.ended, retention: j.Retention}
	reason, err = p.judge(ctx, q.places)
	return reason, p.unwanted, err
}

// wasReadWhole reports whether a file was read to its end as it is: with --assume whole, if something follows
// that.
func (j *Judge) wasReadWhole(f *files.File, path string, places []Place) (bool, error) {
	for _, table := range tablesOf(places) {
		rec, ok, err := j.Ledger.GetFile(table, path)
		if err != nil || ok && rec.State == offsets.FileState(f.Stat()) {
			return err == nil, err
		}
	}
	return false, nil
}
