package pipeline

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

// begin announces a source before its first batch is put, and looks at who else begins like it. Where
// the note is not in the spool, and nobody knows the head either, it goes unannounced: no bytes are to
// wait for a note.
func (w *work) begin(ctx context.Context, first offsets.Entry) error {
	n, err := w.spooledNote(first)
	if err != nil {
		src, ok, err := w.Ledger.Get(w.key) // another goroutine may be sealing on
		if err != nil || !ok {
			return err
		}
		head := w.head
		if len(head) == 0 {
			head = src.Head
		}
		if len(head) == 0 {
			return nil
		}
		n = w.note(head, src.Path, src.File)
	}
	if err := w.announce(ctx, n); err != nil {
		return err
	}
	return w.meet(ctx, w, n.prefix())
}

// checkTwins stops a load's file, of which nothing was sealed yet, when a source of another origin has
// its bytes or may come to have them. It is asked before the source is announced, so that one which
// does not begin leaves no note; and again, by begin, once it is.
func (w *work) checkTwins(ctx context.Context) error {
	if w.src.Sealed.Offset > 0 {
		return nil
	}
	return w.refuseTwins(ctx, table.HeadPrefix(w.key.Table, source.DigestOf(w.head)), false)
}

// refuseTwins is what a load does about those that begin alike.
func refuseTwins(ctx context.Context, w *work, prefix string) error {
	return w.refuseTwins(ctx, prefix, true)
}

func (w *work) refuseTwins(ctx context.Context, prefix string, announced bool) error {
	if w.Assume == AssumeNew {
		return nil
	}
	keys, err := w.others(ctx, w.key, prefix, announced)
	if err != nil || len(keys) == 0 {
		return err
	}
	kins, err := w.firstKin(ctx, keys, 0)
	if err != nil {
		return err
	}
	some, err := w.matches(ctx, w.file, kins)
	if err != nil || len(some) == 0 {
		return err
	}
	// Few come so far: only they are read to their ends.
	kins = kins[:0]
	for _, m := range some {
		k, err := w.walkKin(ctx, m.kin)
		if err != nil {
			return err
		}
		kins = append(kins, k)
	}
	if some, err = w.matches(ctx, w.file, kins); err != nil {
		return err
	}
	for _, m := range some {
		stands, err := w.inTheWay(m, announced)
		if err != nil {
			return err
		}
		if stands {
			return w.twinOf(m)
		}
	}
	return nil
}

// matches holds a source against others that begin alike: by its file, nil for none, or by what the
// ledger has sealed of it.
func (w *work) matches(ctx context.Context, file *files.File, kins []*kin) (some []match, err error) {
	var own chains
	if file != nil {
		own, err = chainsOf(ctx, file, kins)
	} else {
		own, err = w.sealedChains(w.key, kins)
	}
	return matches(own, kins), err
}

// inTheWay tells whether a source of another origin keeps a load from beginning its own.
func (w *work) inTheWay(m match, announced bool) (bool, error) {
	byPath := w.stream != nil && w.stream.OriginPath != nil
	switch {
	case len(m.ends) > 0 && byPath:
		// Two paths that tell two origins say that these are two logs, as long as both are there.
		apart, err := w.apartByPath(m.key)
		return !apart && m.agrees > 0, err
	case len(m.ends) > 0:
		return true, nil
	case byPath:
		return false, nil
	}
	// Of two that begin at once and have announced it one goes on.
	return !announced || m.key.String() < w.key.String(), nil
}

// apartByPath tells whether the source with this key is of a file of its own, which is still there and
// whose path tells its origin.
func (w *work) apartByPath(key source.Key) (bool, error) {
	src, ok, err := w.Ledger.Get(key)
	if err != nil || !ok || src.Path == w.path {
		return false, err
	}
	if origin, err := w.stream.originOf(src.Path); err != nil || origin != key.Origin {
		return false, nil
	}
	stat, err := w.FS.Stat(src.Path)
	if err != nil {
		return false, nil
	}
	return identify(Input{Path: src.Path}, stat) != identify(Input{Path: w.path}, w.file.Stat()), nil
}

// twinOf stops a file for a source of another origin.
func (w *work) twinOf(m match) error {
	origin := originWord(m.key)
	goesOn := fmt.Sprintf("`--origin %s` goes on there", origin)
	if w.stream != nil && w.stream.OriginPath != nil {
		goesOn = fmt.Sprintf("an `origin_path` that tells %s, or none and `--origin %[1]s`, goes on there",
			origin)
	}
	has := fmt.Sprintf("source %s of origin %s has its bytes as far as both go", m.key.ID, origin)
	if len(m.ends) == 0 {
		has = fmt.Sprintf("source %s of origin %s, of which nothing is in the sink yet, begins alike and "+
			"may be its bytes: run again once it has shipped something", m.key.ID, origin)
	}
	return stop(Twin, w.path, "%s; nothing of the file was loaded (%s, `--assume new` loads it all the "+
		"same, as a source of its own)", has, goesOn)
}

// originWord is the origin of a source in a user's words.
func originWord(key source.Key) string { return cmp.Or(key.Origin, "none") }

func isTwin(err error) bool {
	stopped, ok := errors.AsType[*stopError](err)
	return ok && stopped.Kind == Twin
}
