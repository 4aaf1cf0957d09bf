package commit

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Begin announces a source before its first batch is put, and looks at who else begins like it. Where
// the note is not in the spool, and nobody knows the head either, it goes unannounced: no bytes are to
// wait for a note.
func (o *ordinal) Begin(ctx context.Context, first offsets.Entry) error {
	n, err := o.Announcer.spooledNote(first)
	if err != nil {
		src, ok, err := o.Ledger.Get(o.Key) // another goroutine may be sealing on
		if err != nil || !ok {
			return err
		}
		head := o.Head
		if len(head) == 0 {
			head = src.Head
		}
		if len(head) == 0 {
			return nil
		}
		n = o.note(head, src.Path, src.File)
	}
	if err := o.Announcer.announce(ctx, n); err != nil {
		return err
	}
	return o.Announcer.Meet(ctx, o.Writer, n.prefix())
}

// CheckTwins stops a load's file, of which nothing was sealed yet, when a source of another origin has
// its bytes or may come to have them. It is asked before the source is announced, so that one which
// does not begin leaves no note; and again, by Begin, once it is.
func (o *ordinal) CheckTwins(ctx context.Context) error {
	if o.Src.Sealed.Offset > 0 {
		return nil
	}
	return o.refuseTwins(ctx, table.HeadPrefix(o.Key.Table, source.DigestOf(o.Head)), false)
}

// refuseTwins is what a load does about those that begin alike.
func refuseTwins(ctx context.Context, w *Writer, prefix string) error {
	return w.Ordinal.refuseTwins(ctx, prefix, true)
}

func (o *ordinal) refuseTwins(ctx context.Context, prefix string, announced bool) error {
	if o.Assume == AssumeNew {
		return nil
	}
	keys, err := o.Announcer.Others(ctx, o.Key, prefix, announced)
	if err != nil || len(keys) == 0 {
		return err
	}
	kins, err := o.Announcer.FirstKin(ctx, keys, 0)
	if err != nil {
		return err
	}
	some, err := o.Matches(ctx, o.File, kins)
	if err != nil || len(some) == 0 {
		return err
	}
	// Few come so far: only they are read to their ends.
	kins = kins[:0]
	for _, m := range some {
		k, err := o.Announcer.walkKin(ctx, m.Kin)
		if err != nil {
			return err
		}
		kins = append(kins, k)
	}
	if some, err = o.Matches(ctx, o.File, kins); err != nil {
		return err
	}
	for _, m := range some {
		stands, err := o.inTheWay(m, announced)
		if err != nil {
			return err
		}
		if stands {
			return o.twinOf(m)
		}
	}
	return nil
}

// Matches holds a source against others that begin alike: by its file, nil for none, or by what the
// ledger has sealed of it.
func (o *ordinal) Matches(ctx context.Context, file *files.File, kins []*Kin) (some []match, err error) {
	var own chains
	if file != nil {
		own, err = chainsOf(ctx, file, kins)
	} else {
		own, err = o.Announcer.sealedChains(o.Key, kins)
	}
	return matches(own, kins), err
}

// inTheWay reports whether a source of another origin keeps a load from beginning its own.
func (o *ordinal) inTheWay(m match, announced bool) (bool, error) {
	byPath := o.Stream != nil && o.Stream.OriginPath != nil
	switch {
	case len(m.Ends) > 0 && byPath:
		// Two paths that tell two origins say that these are two logs, as long as both are there.
		apart, err := o.apartByPath(m.Key)
		return !apart && m.Agrees > 0, err
	case len(m.Ends) > 0:
		return true, nil
	case byPath:
		return false, nil
	}
	// Of two that begin at once and have announced it one goes on.
	return !announced || m.Key.String() < o.Key.String(), nil
}

// apartByPath reports whether the source with this key is of a file of its own, which is still there and
// whose path tells its origin.
func (o *ordinal) apartByPath(key source.Key) (bool, error) {
	src, ok, err := o.Ledger.Get(key)
	if err != nil || !ok || src.Path == o.Path {
		return false, err
	}
	if origin, err := o.Stream.OriginOf(src.Path); err != nil || origin != key.Origin {
		return false, nil
	}
	stat, err := o.FS.Stat(src.Path)
	if err != nil {
		return false, nil
	}
	return FileOf(Input{Path: src.Path}, stat) != FileOf(Input{Path: o.Path}, o.File.Stat()), nil
}

// twinOf stops a file for a source of another origin.
func (o *ordinal) twinOf(m match) error {
	origin := OriginWord(m.Key)
	remedy := fmt.Sprintf("`--origin %s` continues that source", origin)
	if o.Stream != nil && o.Stream.OriginPath != nil {
		remedy = fmt.Sprintf("an `origin_path` that gives %s, or none and `--origin %[1]s`, continues that source",
			origin)
	}
	has := fmt.Sprintf("source %s of origin %s has its bytes as far as both go", m.Key.ID, origin)
	if len(m.Ends) == 0 {
		has = fmt.Sprintf("source %s of origin %s, of which nothing is in the sink yet, begins alike and "+
			"may be its bytes: run again once it has shipped something", m.Key.ID, origin)
	}
	return Stop(Twin, o.Path, "%s; nothing of the file was loaded (%s, `--assume new` loads it all the "+
		"same, as a source of its own)", has, remedy)
}

// OriginWord is the origin of a source in a user's words.
func OriginWord(key source.Key) string { return cmp.Or(key.Origin, "none") }

// IsTwin reports whether a source was stopped since another origin has its bytes.
func IsTwin(err error) bool {
	stopped, ok := errors.AsType[*StopError](err)
	return ok && stopped.Kind == Twin
}
