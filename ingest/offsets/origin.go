package offsets

import "logseal/ingest/source"

// NoteOrigin notes the origin that new sources get, as it stands in keys, in one transaction. It is
// never changed: where another is noted the error is a *MismatchError. Else errors are as for Update.
func (l *Ledger) NoteOrigin(origin string) error {
	switch have := l.Meta().Origin; have {
	case origin:
		return nil
	case "":
	default:
		return &MismatchError{Path: l.db.path, What: "origin", Have: have, Want: origin}
	}
	err := l.db.change("note the origin", func(t *tx) error {
		stored, err := decodeMeta(l.db.path, t.get(bucketMeta, keyMeta))
		if err != nil {
			return err
		}
		stored.Origin = origin
		b, err := encode(stored)
		if err != nil {
			return err
		}
		return t.put(bucketMeta, keyMeta, b)
	})
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.meta.Origin = origin
	}
	return err
}

// originWord is an origin, as it stands in keys, in a user's words.
func originWord(name string) string {
	if name == source.NoOrigin {
		return "none"
	}
	return name
}
