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

	"logseal/ingest/files"
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
func (o *ordinal) note(head []byte, path string, file offsets.FileState) sourceNote {
	n := table.SourceNote{
		Format: table.Format, Stream: o.Key.Table.Stream, Version: o.Key.Table.Version,
		Origin: o.Key.Origin, SID: o.Key.ID, K: o.K,
		Path: strings.ToValidUTF8(cmp.Or(path, "unknown"), "\uFFFD"),
		Host: o.Host, Size: file.Size, Program: o.Program, Time: time.Now().UnixMicro(),
	}
	if file.MtimeNS != 0 {
		at := time.Unix(0, file.MtimeNS).UnixMicro()
		n.MTime = &at
	}
	return sourceNote{table.SourceKey(o.Key, source.DigestOf(head)), n.JSON()}
}

// NoteOf is the note on a source whose file is in hand.
func (o *ordinal) NoteOf() sourceNote { return o.note(o.Head, o.Path, o.State) }

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
func (a *announcer) spooledNote(e offsets.Entry) (n sourceNote, err error) {
	p, _, err := a.Recovery.Spooled(e.Spool)
	if err != nil {
		return n, err
	}
	i := 0
	if p.Loss == nil {
		i = len(p.Objects) + 1
	}
	f, err := a.Spool.Open(e.Spool, i)
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
func (a *announcer) announce(ctx context.Context, n sourceNote) error {
	err := sink.PutDocument(ctx, a.Store, n.key, n.body)
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
func (a *announcer) Others(
	ctx context.Context, key source.Key, prefix string, announced bool,
) ([]source.Key, error) {
	a.herald.mu.Lock()
	l := a.herald.heads[prefix]
	a.herald.mu.Unlock()
	if l == nil || time.Since(l.began) >= listingAge ||
		announced && !l.has[key] && len(l.all) < ListingShort {
		var err error
		if l, err = a.listHead(ctx, key.Table, prefix); err != nil {
			return nil, err
		}
		a.herald.keep(prefix, l)
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
func (a *announcer) listHead(ctx context.Context, t source.Table, prefix string) (*listing, error) {
	l := &listing{began: time.Now(), has: map[source.Key]bool{}}
	for info, err := range a.Store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if k, err := table.ParseKey(info.Key); err == nil && k.Kind == table.SourceKind {
			l.all = append(l.all, k.Source)
			l.has[k.Source] = true
		}
		if len(l.all) == a.ListMost {
			level := slog.LevelWarn
			if a.ListMost < listingMax {
				level = slog.LevelDebug // a tail goes on whoever else there is
			}
			a.Log.Log(ctx, level, "so many sources begin with one head that not all are looked at; "+
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

// announcer announces sources, and finds those of other origins that begin alike.
type announcer struct {
	*Engine

	herald   herald
	ListMost int // how many sources with one head are looked at
	// Meet looks at who else begins with the head of a source, which is announced and of which nothing
	// was shipped: prefix begins their notes. Its error holds the source back.
	Meet func(ctx context.Context, w *Writer, prefix string) error
}

// Kin is a source of another origin that begins with the same head as one in hand. If it holds the
// same bytes the two are twins: their rows would be there twice.
type Kin struct {
	Key  source.Key
	Ends []offsets.End // what is known of its chain, in order; none when it has no batch yet
	// unwanted is up to where nobody wanted its bytes: it has no rows of them.
	unwanted int64
}

// FirstKin gives what the first manifests of sources say; of those without one what the ledger has
// sealed of them, if they are of it. At most `most` manifests are asked for, 0 is all: what is left
// out then is not given.
func (a *announcer) FirstKin(ctx context.Context, keys []source.Key, most int) ([]*Kin, error) {
	all := make([]*Kin, len(keys))
	a.herald.mu.Lock()
	var ask []int
	for i, key := range keys {
		if all[i] = a.herald.first[key]; all[i] == nil && (most == 0 || len(ask) < most) {
			ask = append(ask, i)
		}
	}
	a.herald.mu.Unlock()
	errs := make([]error, len(keys))
	turns := make(chan struct{}, a.GetsAtOnce)
	var wg sync.WaitGroup
	for _, i := range ask {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			all[i], errs[i] = a.askKin(ctx, keys[i])
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(k *Kin) bool { return k == nil }), nil
}

// askKin asks for the first manifest of a source.
func (a *announcer) askKin(ctx context.Context, key source.Key) (*Kin, error) {
	p, err := a.Bucket.recordAt(ctx, key, 0)
	if errors.Is(err, sink.ErrNotFound) {
		return a.sealedKin(key)
	}
	if err != nil {
		return nil, err
	}
	k := &Kin{Key: key, Ends: endsOf(p.Manifest)}
	if p.Loss != nil && p.Loss.Reason == table.NotWanted {
		k.unwanted = p.End
	}
	a.herald.mu.Lock()
	defer a.herald.mu.Unlock()
	if a.herald.first == nil || len(a.herald.first) >= kinMax {
		a.herald.first = map[source.Key]*Kin{}
	}
	a.herald.first[key] = k // what stands there never changes
	return k, nil
}

// kinMax bounds the first manifests that are kept.
const kinMax = 4096

// sealedKin gives what the ledger has sealed of a source that the sink has nothing of.
func (a *announcer) sealedKin(key source.Key) (*Kin, error) {
	k := &Kin{Key: key}
	h, err := readHeld(a.Ledger, key)
	if err == nil && h.src != nil {
		k.Ends = h.points.UpTo(h.src.Sealed.Offset)
	}
	return k, err
}

// walkKin gives what all manifests of a source say.
func (a *announcer) walkKin(ctx context.Context, k *Kin) (*Kin, error) {
	ms, _, err := a.Bucket.walk(ctx, k.Key)
	if err != nil || len(ms) == 0 {
		return k, err // of what the ledger has sealed it is all that is known
	}
	all := &Kin{Key: k.Key, unwanted: k.unwanted}
	for _, m := range ms {
		all.Ends = append(all.Ends, endsOf(m)...)
	}
	return all, nil
}

// StepKin gives what the first few manifests of a source say.
func (a *announcer) StepKin(ctx context.Context, k *Kin, most int) (*Kin, error) {
	all := &Kin{Key: k.Key, unwanted: k.unwanted, Ends: slices.Clone(k.Ends)}
	for n := 1; n < most; n++ {
		m, err := a.Bucket.manifestAt(ctx, k.Key, all.Committed())
		if errors.Is(err, sink.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		all.Ends = append(all.Ends, endsOf(m)...)
	}
	return all, nil
}

// Committed is where the last known batch ends.
func (k *Kin) Committed() int64 { return k.Ends[len(k.Ends)-1].Offset }

// chains is what is known of a source in hand, by offset.
type chains map[int64]source.Digest

// against tells up to where a source in hand is known to say what k says, and whether it then says
// something else, or nothing that both would have rows of.
func (k *Kin) against(own chains) (agrees int64, apart bool) {
	for _, end := range k.Ends {
		chain, ok := own[end.Offset]
		switch {
		case !ok:
		case chain != end.Chain:
			return agrees, true
		default:
			agrees = end.Offset
		}
	}
	if _, longer := own[k.unwanted+1]; k.unwanted > 0 && !longer {
		return agrees, true
	}
	return agrees, false
}

// chainsOf reads in a file what its chains are where others have theirs.
func chainsOf(ctx context.Context, f *files.File, kins []*Kin) (chains, error) {
	var at []int64
	for _, k := range kins {
		for _, end := range k.Ends {
			at = append(at, end.Offset)
		}
		if k.unwanted > 0 {
			at = append(at, k.unwanted+1)
		}
	}
	if len(at) == 0 {
		return nil, nil
	}
	slices.Sort(at)
	marks, _, err := MarksTo(ctx, f, slices.Compact(at))
	own := chains{}
	for off, p := range marks {
		own[off] = p.Chain
	}
	return own, err
}

// sealedChains gives what the ledger knows of the chains of a source in hand.
func (a *announcer) sealedChains(key source.Key, kins []*Kin) (chains, error) {
	h, err := readHeld(a.Ledger, key)
	if err != nil || h.src == nil {
		return nil, err
	}
	own, sealed := chains{}, h.src.Sealed.Offset
	for _, end := range h.points.UpTo(sealed) {
		own[end.Offset] = end.Chain
	}
	for _, k := range kins {
		if _, known := own[k.unwanted+1]; !known && k.unwanted > 0 && sealed > k.unwanted {
			own[k.unwanted+1] = source.Digest{}
		}
	}
	return own, nil
}

// match is a source that may be a twin, with up to where it is known to say the same.
type match struct {
	*Kin
	Agrees int64
}

// matches leaves out those that say something else.
func matches(own chains, kins []*Kin) (some []match) {
	for _, k := range kins {
		if agrees, apart := k.against(own); !apart {
			some = append(some, match{k, agrees})
		}
	}
	return some
}
