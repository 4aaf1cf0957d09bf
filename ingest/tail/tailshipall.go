package tail

import (
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// shipAllWaiting has everything shipped that earlier runs left.
func (t *Tail) shipAllWaiting() error {
	keys, err := t.Ledger.Waiting()
	if err != nil {
		return err
	}
	for _, key := range keys {
		t.kickLane(key)
	}
	// A source that the ledger does not have, and batches are aside of, waits for its file.
	return t.Each(t.Aside.Sources(), func(key source.Key, _ *offsets.Source) error {
		t.kickLane(key)
		return nil
	})
}
