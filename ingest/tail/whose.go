package tail

import (
	"context"
	"fmt"

	"logseal/ingest/source"
)

// UnsaidError is returned when a tail is not told whose its files are and they may have been loaded
// without an origin: as a source of another they would be there twice.
type UnsaidError struct {
	Table  source.Table
	Origin string // that they would get
}

func (e *UnsaidError) Error() string {
	return fmt.Sprintf("table %s has sources without an origin, as `ingest load` makes them, and the "+
		"config does not say whose the files of this tail are: set `origin: none` to go on in those, "+
		"or `origin: %s` to begin sources of its own, in which what was loaded already is there again",
		e.Table, e.Origin)
}

// checkOrigins holds all streams against what the sink has.
func (c *configured) checkOrigins(ctx context.Context) error {
	c.mu.Lock()
	streams := make([]*tailStream, len(c.streams))
	for i, ref := range c.streams {
		streams[i] = ref.Load()
	}
	c.mu.Unlock()
	for _, s := range streams {
		if err := c.checkOrigin(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// checkOrigin returns an *UnsaidError when nobody said whose a stream's files are and its table has
// sources without an origin. Once it has some of the stream's own as well that question was decided:
// then a load into the table must not keep a tail from starting again.
func (c *configured) checkOrigin(ctx context.Context, s *tailStream) error {
	if !s.Unsaid || s.OriginPath != nil || s.Origin == "" {
		return nil
	}
	some, err := c.AnyManifest(ctx, s.Table(), source.NoOrigin)
	if err != nil || !some {
		return err
	}
	own, err := c.AnyManifest(ctx, s.Table(), s.Origin)
	if err != nil || own {
		return err
	}
	return &UnsaidError{Table: s.Table(), Origin: s.Origin}
}

// noteOrigin lets the ledger keep the origin, if it does not yet. If we die before, the next start asks
// again.
func (c *configured) noteOrigin() error {
	if c.noting == nil {
		return nil
	}
	return c.noting()
}
