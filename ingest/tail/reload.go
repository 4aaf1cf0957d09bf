package tail

import (
	"context"
	"fmt"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// reloadMax is how long a reload waits for the sink, which has to be asked what a stream meant.
const reloadMax = 10 * time.Second

// Reload takes another config: streams may come and go, and change in all but their meaning. Store,
// Ledger, Spool, FS, Wake and Watch stay what they are. With an error nothing has changed.
//
// Files of a stream that is gone are sealed as far as they are complete and let go; what was sealed
// of them ships.
func (t *Tail) Reload(cfg TailConfig) error {
	next := tailStreams(cfg)
	if err := t.config.mayBecome(next); err != nil {
		return err
	}
	if err := t.config.accept(cfg.Streams); err != nil {
		return err
	}
	none, err := t.config.withoutSources(next)
	if err != nil {
		return err
	}
	t.Engine.TakeStreams(cfg.Streams)
	t.config.timing.Store(timingOf(cfg))
	t.mu.Lock()
	defer t.mu.Unlock()
	old := map[string]*streamRef{}
	for _, ref := range t.config.streams {
		old[ref.Load().Table().String()] = ref
	}
	t.config.streams = nil
	for _, s := range next {
		table := s.Table().String()
		ref := old[table]
		delete(old, table)
		if ref == nil {
			ref = newStreamRef(s)
			t.scanner.fresh[s.Table()] = s.StartAtEnd && none[s.Table()]
		}
		ref.Store(s)
		t.config.streams = append(t.config.streams, ref)
	}
	for _, ref := range old {
		ref.removed.Store(true)
	}
	t.scanner.nudgeLook()
	return nil
}

// mayBecome refuses streams whose meaning has changed within their version, and new ones of which it
// would have to be said whose they are.
func (c *configured) mayBecome(next []*tailStream) error {
	ctx, cancel := context.WithTimeout(c.ctx, reloadMax)
	defer cancel()
	running := c.Engine.CurrentStreams()
	for _, s := range next {
		known := false
		for _, old := range running {
			if old.Table() != s.Table() {
				continue
			}
			known = true
			if err := table.Compatible(old.Epoch, s.Epoch); err != nil {
				return fmt.Errorf("%w: %w", commit.ErrMeaning, err)
			}
		}
		if known {
			continue
		}
		if err := c.CheckEpochs(ctx, s.Stream); err != nil {
			return fmt.Errorf("ask the sink what stream %s meant: %w", s.Epoch.Stream, err)
		}
		if err := c.checkOrigin(ctx, s); err != nil {
			return fmt.Errorf("ask the sink whose stream %s is: %w", s.Epoch.Stream, err)
		}
	}
	return nil
}

// withoutSources gives the tables of which the ledger has nothing.
func (c *configured) withoutSources(streams []*tailStream) (map[source.Table]bool, error) {
	none := map[source.Table]bool{}
	for _, s := range streams {
		has, err := c.Ledger.HasTable(s.Table())
		if err != nil {
			return nil, err
		}
		none[s.Table()] = !has
	}
	return none, nil
}
