package tail

import (
	"fmt"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// noteGrowth lets the ledger know, in one transaction, which files have more than what is sealed of
// them: if they are gone when it is opened again, so much is known to be lost.
func (c *scanner) noteGrowth() {
	if _, why := c.board.paused.now(); why == commit.PausedDisk {
		return // a transaction that fails ends the tail
	}
	if err := c.noteMovesAtRest(); err != nil && !commit.DiskFull(err) {
		c.failed(err)
		return
	}
	grown := c.grownAtRest()
	c.mu.Lock()
	for _, f := range c.table {
		v := &f.view
		if v.standing != isOwner || v.size <= v.sealed || f.noted > v.sealed {
			continue
		}
		f.noted = v.size
		grown = append(grown, offsets.Sighting{Key: v.key, Serial: v.serial, K: v.k, Path: f.path,
			File: commit.StateOf(f.stat), Size: v.size, Marks: v.marks})
	}
	c.mu.Unlock()
	if len(grown) == 0 {
		return
	}
	// Here a source may have been given up that was read when the lock was held. Its serial number tells.
	if err := c.noteSightings(grown...); err != nil && !commit.DiskFull(err) {
		c.failed(err)
	}
}

func (c *scanner) noteSightings(all ...offsets.Sighting) error {
	if err := c.Ledger.PutSightings(all...); err != nil {
		return fmt.Errorf("note in the ledger how long files are: %w", err)
	}
	return nil
}

// forgetNoted lets the ledger forget that a file was noted to be up to size long, since its source
// turned out to end where it is sealed to. f.mu is held.
func (c *scanner) forgetNoted(f *followed, size int64) error {
	sealed := f.w.Src.Sealed.Offset
	if size <= sealed {
		return nil
	}
	c.mu.Lock()
	f.noted = size // and is not noted again
	c.mu.Unlock()
	return c.WhenThereIsRoom(c.ctx, func() error {
		return c.Ledger.ForgetSighting(f.w.Key, source.Range{Start: sealed, End: size})
	})
}

func (c *scanner) notedOf(f *followed) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f.noted
}
