package commit

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// CheckEpochs refuses a stream whose meaning changed within its version, against every definition that
// the bucket has of it. A definition that stands there was accepted once: it stays so, whatever someone
// else puts beside it later.
func (r *Engine) CheckEpochs(ctx context.Context, s *Stream) error {
	var others []string
	accepted := false
	for info, err := range r.Store.List(ctx, table.EpochPrefix(s.Table())) {
		if err != nil {
			return err
		}
		if info.Key == s.Epoch.Key() {
			accepted = true
			continue
		}
		others = append(others, info.Key)
	}
	for _, key := range others {
		body, err := r.epochBody(ctx, key)
		if err != nil {
			return err
		}
		if body == nil {
			continue
		}
		if err = fits(s.Epoch, key, body); err == nil {
			continue
		}
		if !accepted {
			return err
		}
		r.raise(Problem{Conflict, key, fmt.Sprintf("the definition in use does not go with this one, and "+
			"goes on (%v): look who put this one, and remove it if nothing was sealed by it", err)})
	}
	return nil
}

// fits returns an error unless e may go on in a table with the definition of which this is the body.
func fits(e *table.Epoch, key string, body []byte) error {
	old, err := table.ParseEpoch(body)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if err := table.Compatible(old, e); err != nil {
		return fmt.Errorf("%w: %w", ErrMeaning, err)
	}
	return nil
}

// epochBody reads what is at a key of a definition. It names what does not have its name, which no
// writer has put, and gives nil for it.
func (r *Engine) epochBody(ctx context.Context, key string) ([]byte, error) {
	name, err := table.ParseKey(key)
	var body []byte
	if err == nil {
		body, err = sink.GetDocument(ctx, r.Store, key)
		junk := errors.Is(err, sink.ErrOversized) || errors.As(err, new(*sink.DamagedError))
		if err != nil && !junk {
			return nil, err
		}
		if err == nil && source.DigestOf(body) != name.Epoch {
			err = errors.New("its digest is not its name")
		}
	}
	if err != nil {
		r.raise(Problem{Conflict, key, fmt.Sprintf("it is no definition and was passed over (%v): look "+
			"who put it there, and remove it", err)})
		return nil, nil
	}
	return body, nil
}
