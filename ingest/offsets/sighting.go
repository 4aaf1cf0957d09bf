package offsets

import (
	"fmt"

	"logseal/ingest/source"
)

// Sighting is how long the file of a source that is followed was seen to be. The ledger keeps one for
// each source, also for one that nothing was sealed of yet.
type Sighting struct {
	Key source.Key
	// Serial is that of the source, 0 where nothing was sealed of it when the file was seen.
	Serial uint64
	// K is the number that the source's ID was made with.
	K uint64
	// Path is where the file was seen last, and File its state then.
	Path string
	File FileState
	// Size is the largest that was seen, 0 when that is not known.
	Size int64
	// Marks are early points of the file, as far as they are known: while nothing of the source is sealed
	// another file with its first line is told apart by them.
	Marks []source.Mark
	// Sealed is where the last sealed batch of the source ends. Only the ledger sets it.
	Sealed int64
}

// behind says that there was more of the source than is sealed.
func (x Sighting) behind() bool { return x.Size > x.Sealed }

// PutSightings notes in one transaction how long files are. Of a source that was seen before the
// largest size stays, with the latest path. A sighting of a source that was given up since is dropped.
// Errors are as for Update.
func (l *Ledger) PutSightings(all ...Sighting) error {
	return l.db.change("note how long files are", func(t *tx) error {
		for _, x := range all {
			if err := t.putSighting(x); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sighting returns what the ledger knows of how long the file of a source was: what PutSightings
// noted, or what the source itself says if that is more. It is false when the ledger has neither.
func (l *Ledger) Sighting(key source.Key) (x Sighting, ok bool, err error) {
	err = l.db.view(func(t *tx) error {
		x, ok, err = t.sighting(key)
		return err
	})
	return x, ok, err
}

// Behind returns the sightings of all sources of which there was more than is sealed.
func (l *Ledger) Behind() (all []Sighting, err error) {
	err = l.db.view(func(t *tx) error {
		return t.scan(bucketBehind, nil, func(k, _ []byte) error {
			key, err := parseKey(string(k))
			if err != nil {
				return t.damaged("behind", err)
			}
			x, _, err := t.sighting(key)
			all = append(all, x)
			return err
		})
	})
	return all, err
}

// ForgetSighting forgets how long the file of a source was, once a range up to there is declared lost.
// It is decided in one transaction: what is known by then beyond the range stays, and so does all when
// the sealed offset is before the range. That there is nothing to forget is no error. Errors are as for
// Update.
func (l *Ledger) ForgetSighting(key source.Key, declared source.Range) error {
	return l.db.change("forget how long the file of source "+key.String()+" was", func(t *tx) error {
		x, ok, err := t.sighting(key)
		if err != nil || !ok || x.Sealed < declared.Start || x.Size > declared.End {
			return err
		}
		if err := t.delete(bucketSightings, []byte(key.String())); err != nil {
			return err
		}
		s, ok, err := t.source(key)
		if err != nil {
			return err
		}
		if !ok {
			return t.index(key, nil, Sighting{})
		}
		if s.fileBehind() {
			s.File = FileState{}
		}
		s.Highest = s.Sealed.Offset
		return t.putSource(key, s)
	})
}

// fileBehind says that the source's file had more than is sealed when it was last read from. The size
// of a compressed file, which has no marker, does not tell.
func (s *Source) fileBehind() bool {
	return s.Marker != (source.Digest{}) && s.File.Size > s.Sealed.Offset
}

// sighting puts together what was noted of a source and what the source says; false when the ledger
// has neither.
func (t *tx) sighting(key source.Key) (Sighting, bool, error) {
	s, hasSource, err := t.source(key)
	if err != nil {
		return Sighting{}, false, err
	}
	noted, hasNoted, err := t.noted(key)
	return together(key, s, noted), hasSource || hasNoted, err
}

// together takes s as nil where there is no source, and noted as zero where nothing was noted.
func together(key source.Key, s *Source, noted Sighting) Sighting {
	x := noted
	x.Key = key
	if s == nil {
		return x
	}
	x.Serial, x.K, x.Sealed = s.Serial, s.K, s.Sealed.Offset
	if s.Marker != (source.Digest{}) && s.File.Size > x.Size {
		x.Size, x.Path, x.File = s.File.Size, s.Path, s.File
	}
	if s.Highest > max(x.Size, x.Sealed) { // so much of it was sealed once
		x.Size = s.Highest
		if x.Path == "" {
			x.Path, x.File = s.Path, s.File
		}
	}
	return x
}

// noted returns what PutSightings noted of a source.
func (t *tx) noted(key source.Key) (Sighting, bool, error) {
	b := t.get(bucketSightings, []byte(key.String()))
	if b == nil {
		return Sighting{}, false, nil
	}
	x, err := decodeSighting(key, b)
	if err != nil {
		return x, false, t.damaged("sighting of source "+key.String(), err)
	}
	return x, true, nil
}

func (t *tx) putSighting(x Sighting) error {
	if x.Size <= 0 {
		return fmt.Errorf("sighting of source %s: size %d", x.Key, x.Size)
	}
	s, ok, err := t.source(x.Key)
	if err != nil {
		return err
	}
	if x.Serial != 0 && (!ok || s.Serial != x.Serial) {
		return nil
	}
	noted, _, err := t.noted(x.Key)
	if err != nil {
		return err
	}
	x.Size = max(x.Size, noted.Size)
	b, err := encodeSighting(x)
	if err != nil {
		return err
	}
	if err := t.put(bucketSightings, []byte(x.Key.String()), b); err != nil {
		return err
	}
	return t.index(x.Key, s, x)
}
