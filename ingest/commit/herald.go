package commit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// A source that begins is announced by a note, under the head that it begins with, before anything
// else of it is put. So whoever lists a head after that finds the source; and of two that announce
// theirs, and list after that, one finds the other.

// sourceNote is such a note. It is made with the source's first batch and lies beside that in the
// spool, since whoever ships it may know nothing of the file.
type sourceNote struct {
	key  string
	body []byte
}

// NoteFile is the file with the note that the first batch of a source has in the spool, behind all its
// others.
const NoteFile = "note"

// note makes the note on a source that begins with head and is read from the file at path.
func (w *Writer) note(head []byte, path string, file offsets.FileState) sourceNote {
	n := table.SourceNote{
		Format: table.Format, Stream: w.Key.Table.Stream, Version: w.Key.Table.Version,
		Origin: w.Key.Origin, SID: w.Key.ID, K: w.K,
		Path: strings.ToValidUTF8(cmp.Or(path, "unknown"), "\uFFFD"),
		Host: w.Host, Size: file.Size, Program: w.Program, Time: time.Now().UnixMicro(),
	}
	if file.MtimeNS != 0 {
		at := time.Unix(0, file.MtimeNS).UnixMicro()
		n.MTime = &at
	}
	return sourceNote{table.SourceKey(w.Key, source.DigestOf(head)), n.JSON()}
}

// NoteOf is the note on a source whose file is in hand.
func (w *Writer) NoteOf() sourceNote { return w.note(w.Head, w.Path, w.State) }

// File is the note as it lies in the spool.
func (n sourceNote) File() []byte { return slices.Concat([]byte(n.key), []byte{'\n'}, n.body) }

// parseNote reads what file gives.
func parseNote(b []byte) (n sourceNote, err error) {
	key, body, _ := bytes.Cut(b, []byte{'\n'})
	n = sourceNote{string(key), body}
	parsed, err := table.ParseSourceNote(body)
	if err == nil {
		err = parsed.ValidateFor(n.key)
	}
	return n, err
}

// spooledNote reads the note of a source's first batch in the spool.
func (r *Engine) spooledNote(e offsets.Entry) (n sourceNote, err error) {
	p, _, err := r.Spooled(e.Spool)
	if err != nil {
		return n, err
	}
	i := 0
	if p.Loss == nil {
		i = len(p.Objects) + 1
	}
	f, err := r.Spool.Open(e.Spool, i)
	if err != nil {
		return n, err
	}
	defer f.Close()
	body, err := sink.ReadDocument(f)
	if err == nil {
		n, err = parseNote(body)
	}
	if err != nil {
		err = fmt.Errorf("read the note of %s in the spool: %w", e.Spool, err)
	}
	return n, err
}

// announce notes that a source begins. A note that is there stays: only its key counts.
func (r *Engine) announce(ctx context.Context, n sourceNote) error {
	err := sink.PutDocument(ctx, r.Store, n.key, n.body)
	if errors.As(err, new(*sink.ConflictError)) {
		return nil // it was put before, by us or by another of this origin
	}
	return err
}

// prefix begins the keys of all notes under the head of this one.
func (n sourceNote) prefix() string { return n.key[:strings.LastIndexByte(n.key, '/')+1] }

// herald remembers who was found to begin with which head.
type herald struct {
	mu    sync.Mutex // guards what follows
	heads map[string]*listing
	keys  int                 // in heads
	first map[source.Key]*Kin // what the first manifests of others say
}

// listing is the sources of a table that begin with one head.
type listing struct {
	began time.Time
	all   []source.Key
	has   map[source.Key]bool
}

const (
	// listingAge is how long a listing is used. Thousands of logs may have one head.
	listingAge = time.Minute
	// ListingShort is how many keys one request lists: so much is listed for each source. A longer
	// listing is used for as long as its age allows, though it began before the source was announced:
	// then two that begin the same bytes within that time may both go on.
	ListingShort = 1000
	// listingMax bounds a listing, and what is kept of all.
	listingMax = 50_000
)

// Others gives the sources of other origins that begin with a source's head, in the order of their
// keys: prefix begins those of the notes under it. Where announced is true the source was announced
// before, and so is found by whoever announces one of these later and lists them.
func (r *Engine) Others(
	ctx context.Context, key source.Key, prefix string, announced bool,
) ([]source.Key, error) {
	r.herald.mu.Lock()
	l := r.herald.heads[prefix]
	r.herald.mu.Unlock()
	if l == nil || time.Since(l.began) >= listingAge ||
		announced && !l.has[key] && len(l.all) < ListingShort {
		var err error
		if l, err = r.listHead(ctx, key.Table, prefix); err != nil {
			return nil, err
		}
		r.herald.keep(prefix, l)
	}
	var others []source.Key
	for _, k := range l.all {
		if k.Origin != key.Origin {
			others = append(others, k)
		}
	}
	return others, nil
}

// listHead lists who begins with a head.
func (r *Engine) listHead(ctx context.Context, t source.Table, prefix string) (*listing, error) {
	l := &listing{began: time.Now(), has: map[source.Key]bool{}}
	for info, err := range r.Store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if k, err := table.ParseKey(info.Key); err == nil && k.Kind == table.SourceKind {
			l.all = append(l.all, k.Source)
			l.has[k.Source] = true
		}
		if len(l.all) == r.ListMost {
			level := slog.LevelWarn
			if r.ListMost < listingMax {
				level = slog.LevelDebug // a tail goes on whoever else there is
			}
			r.Log.Log(ctx, level, "so many sources begin with one head that not all are looked at; "+
				"`ingest verify` finds what is there twice", "table", t.String(), "prefix", prefix)
			break
		}
	}
	return l, nil
}

// keep remembers a listing.
func (h *herald) keep(prefix string, l *listing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heads == nil || h.keys > listingMax {
		h.heads, h.keys = map[string]*listing{}, 0
	}
	h.heads[prefix] = l
	h.keys += 1 + len(l.all)
}
