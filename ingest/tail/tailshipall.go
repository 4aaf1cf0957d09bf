package tail

import (
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// shipAllWaiting has everything shipped that earlier runs left.
func (u *uploader) shipAllWaiting() error {
	keys, err := u.Ledger.Waiting()
	if err != nil {
		return err
	}
	for _, key := range keys {
		u.kickLane(key)
	}
	// A source that the ledger does not have, and batches are aside of, waits for its file.
	return u.Each(u.Aside.Sources(), func(key source.Key, _ *offsets.Source) error {
		u.kickLane(key)
		return nil
	})
}
