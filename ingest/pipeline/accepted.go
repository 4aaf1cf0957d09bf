package pipeline

import (
	"fmt"

	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// acceptedPath is what the ledger remembers, in place of a file, of a definition that the sink was
// asked about and that its table may have.
func acceptedPath(e *seal.Epoch) string { return sightingMark + "epoch " + e.ID().String() }

// allAccepted tells whether an earlier run has asked the sink about all streams as they are now. Only
// then may something be sealed before the sink is reached: what a version may not grow into must never
// get into the outbox.
func (t *Tail) allAccepted() (bool, error) {
	for _, s := range t.run.streams() {
		_, ok, err := t.Ledger.GetFile(s.Table(), acceptedPath(s.Epoch))
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// accept notes that the sink's epochs allow these streams.
func (t *Tail) accept(streams []Stream) error {
	for _, s := range streams {
		rec := offsets.FileRecord{Path: acceptedPath(s.Epoch), Key: source.Key{Table: s.Table()}}
		if err := t.Ledger.PutFile(s.Table(), rec); err != nil {
			return fmt.Errorf("note in the ledger what stream %s means: %w", s.Epoch.Stream, err)
		}
	}
	return nil
}
