package tail

import (
	"fmt"

	"logseal/ingest/commit"
)

// allAccepted tells whether an earlier run has asked the sink about all streams as they are now. Only
// then may something be sealed before the sink is reached: what a version may not grow into must never
// get into the outbox.
func (c *configured) allAccepted() (bool, error) {
	for _, s := range c.Engine.CurrentStreams() {
		ok, err := c.Ledger.Accepted(s.Table(), s.Epoch.ID())
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// accept notes that the sink's epochs allow these streams.
func (c *configured) accept(streams []commit.Stream) error {
	for _, s := range streams {
		if err := c.Ledger.Accept(s.Table(), s.Epoch.ID()); err != nil {
			return fmt.Errorf("note in the ledger what stream %s means: %w", s.Epoch.Stream, err)
		}
	}
	return nil
}
