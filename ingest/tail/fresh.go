package tail

import (
	"context"
	"fmt"

	"logseal/ingest/source"
)

// findFresh notes the tables of which neither ledger nor, where that is empty, the sink has
// anything.
func (c *scanner) findFresh(ctx context.Context) error {
	for _, s := range c.config.streams {
		if s := s.Load(); s.StartAtEnd {
			c.fresh[s.Table()] = true
		}
	}
	for table := range c.fresh {
		fresh, err := c.isFirst(table)
		if err != nil {
			return err
		}
		if !fresh {
			delete(c.fresh, table)
		}
	}
	if !c.Ledger.Empty() {
		return nil
	}
	for _, ref := range c.config.streams {
		s := ref.Load()
		if !c.fresh[s.Table()] {
			continue
		}
		origin := source.OriginName(s.Origin)
		if s.OriginPath != nil {
			origin = ""
		}
		some, err := c.AnyManifest(ctx, s.Table(), origin)
		if err != nil {
			return err
		}
		if some {
			delete(c.fresh, s.Table())
			continue
		}
		if err := c.noteFirst(s.Table(), true); err != nil {
			return err
		}
	}
	return nil
}

// isFirst tells whether the ledger has nothing of a table, or only what an earlier run got that had not
// come to the end of the table's first files: a tail which is killed meanwhile begins anew with them.
func (c *scanner) isFirst(table source.Table) (bool, error) {
	has, err := c.Ledger.HasTable(table)
	if err != nil || !has {
		return !has, err
	}
	return c.Ledger.FirstLook(table)
}

// noteFirst lets the ledger know that the first files of a table are being looked at, or all were.
func (c *scanner) noteFirst(table source.Table, underWay bool) error {
	if err := c.Ledger.SetFirstLook(table, underWay); err != nil {
		return fmt.Errorf("note the first look in the ledger: %w", err)
	}
	return nil
}

// endFirst notes the tables of whose first files all were told who they are.
func (c *scanner) endFirst() {
	c.mu.Lock()
	var done []source.Table
	for table := range c.fresh {
		if c.fresh[table] && !c.firstOpen(table) {
			delete(c.fresh, table)
			done = append(done, table)
		}
	}
	c.mu.Unlock()
	for _, table := range done {
		if err := c.noteFirst(table, false); err != nil {
			c.failed(err)
		}
	}
}

// firstOpen tells whether a first file of a table still has to be told who it is. Tail.mu is held.
func (c *scanner) firstOpen(table source.Table) bool {
	for _, f := range c.table {
		if f.first == 0 || f.stream().Table() != table {
			continue
		}
		switch f.view.standing {
		case isNew, isUnreadable, isStopped:
			return true
		}
	}
	return false
}
