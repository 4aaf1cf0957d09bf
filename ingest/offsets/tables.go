package offsets

import (
	"bytes"

	"logseal/ingest/source"
)

// HasTable reports whether there is any source of a table.
func (l *Ledger) HasTable(table source.Table) (has bool, err error) {
	err = l.db.view(func(t *tx) error {
		prefix := []byte(table.String() + "/")
		k, _ := t.bolt.Bucket(bucketSources).Cursor().Seek(prefix)
		has = bytes.HasPrefix(k, prefix)
		return nil
	})
	return has, err
}

// Origins returns each table and origin that there are sources of, as a key without an ID, sorted by
// their text form.
func (l *Ledger) Origins() (all []source.Key, err error) {
	err = l.db.view(func(t *tx) error {
		c := t.bolt.Bucket(bucketSources).Cursor()
		for k, _ := c.First(); k != nil; {
			key, err := parseKey(string(k))
			if err != nil {
				return t.damaged("sources", err)
			}
			key.ID = source.ID{}
			all = append(all, key)
			// The byte after '/' is '0': there begins what follows on all sources of this origin.
			k, _ = c.Seek([]byte(key.Table.String() + "/" + key.OriginName() + "0"))
		}
		return nil
	})
	return all, err
}

// Accept notes that the sink was asked about a definition of a table, and that the table may have it.
// Errors are as for Update.
func (l *Ledger) Accept(table source.Table, epoch source.Digest) error {
	return l.db.change("note the definition of table "+table.String(), func(t *tx) error {
		return t.mark(bucketDefinitions, definitionKey(table, epoch), true)
	})
}

// Accepted reports whether Accept has noted a definition.
func (l *Ledger) Accepted(table source.Table, epoch source.Digest) (ok bool, err error) {
	err = l.db.view(func(t *tx) error {
		ok = t.get(bucketDefinitions, definitionKey(table, epoch)) != nil
		return nil
	})
	return ok, err
}

// SetFirstLook notes that the first files of a table are being looked at, or that all were. Errors are
// as for Update.
func (l *Ledger) SetFirstLook(table source.Table, underWay bool) error {
	return l.db.change("note the first look at table "+table.String(), func(t *tx) error {
		return t.mark(bucketFirstLooks, []byte(table.String()), underWay)
	})
}

// FirstLook reports whether the first look at a table's files is under way.
func (l *Ledger) FirstLook(table source.Table) (underWay bool, err error) {
	err = l.db.view(func(t *tx) error {
		underWay = t.get(bucketFirstLooks, []byte(table.String())) != nil
		return nil
	})
	return underWay, err
}
