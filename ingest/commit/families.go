package commit

import (
	"sync"

	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// families holds what is known of sources by the head that they begin with, for as long as anybody
// uses it: what manifests say, which is true for ever, and what the ledger has, which is dropped when
// it changes.
type families struct {
	// Learnt is told of a source when more of it is known to be in the sink, or when it gives its id up:
	// whoever waits for that looks again. Nil for nobody.
	Learnt func(source.Key)
	// Gone is told of a source that gave its id up: a file that is read as it is told apart again. Nil
	// for nobody.
	Gone func(source.Key)

	mu sync.Mutex // guards what follows
	by map[source.Key]*Family
	of map[source.Key]member // every key that a family in use has named
}

// member is a place in a family.
type member struct {
	Family *Family
	k      uint64
}

// Family is the sources of one table and origin that begin alike.
type Family struct {
	*identity.Family
	all  *families
	base source.Key // of ordinal 0
	asks Turn       // held by whoever asks the sink about the family
	rest askRest    // guarded by asks

	users int          // guarded by families.mu
	named []source.Key // likewise: its keys in families.of

	mu    sync.Mutex // guards what follows
	held  map[source.Key]*heldSource
	moves map[source.Key]*moves
	seen  map[uint64]bool // ordinals that sources of this host were given
	// searched says that seen has those that earlier runs gave.
	searched bool
}

// heldSource is what the ledger has of one source. It is not changed.
type heldSource struct {
	src    *offsets.Source // nil: the ledger does not have it
	points identity.Points
}

// moves counts the changes of a source in the ledger. More have begun than are done while one is under
// way; it is the other way round when one began before the family was used.
type moves struct{ begun, done int }

// Use gives the family of a head until release is called.
func (fs *families) Use(t source.Table, origin string, head []byte) (f *Family, release func()) {
	base := source.KeyOf(t, origin, 0, head)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f = fs.by[base]
	if f == nil {
		f = &Family{Family: identity.NewFamily(t, origin, head), all: fs, base: base,
			asks: NewTurn(), held: map[source.Key]*heldSource{}, moves: map[source.Key]*moves{},
			seen: map[uint64]bool{}}
		if fs.by == nil {
			fs.by, fs.of = map[source.Key]*Family{}, map[source.Key]member{}
		}
		fs.by[base] = f
	}
	f.users++
	return f, sync.OnceFunc(func() { fs.release(f) })
}

// UseOf gives the family of a source until release is called; nil when nobody uses it, for then nobody knows
// the head.
func (fs *families) UseOf(key source.Key) (f *Family, release func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	m, ok := fs.of[key]
	if !ok {
		return nil, func() {}
	}
	m.Family.users++
	return m.Family, sync.OnceFunc(func() { fs.release(m.Family) })
}

// Hold uses a family that is in use once more, until release is called.
func (f *Family) Hold() (release func()) {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	f.users++
	return sync.OnceFunc(func() { f.all.release(f) })
}

func (fs *families) release(f *Family) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.users--; f.users > 0 {
		return
	}
	delete(fs.by, f.base)
	for _, key := range f.named {
		delete(fs.of, key)
	}
}

// KeyOf names the k-th source of the family, and lets what becomes known of it be noted as long as anybody
// uses the family.
func (f *Family) KeyOf(k uint64) source.Key {
	key := f.Key(k)
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	if _, ok := f.all.of[key]; !ok && f.users > 0 {
		f.all.of[key] = member{f, k}
		f.named = append(f.named, key)
	}
	return key
}

// Member tells which place in a family in use a source has.
func (fs *families) Member(key source.Key) (member, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	m, ok := fs.of[key]
	return m, ok
}

// saw takes up what a manifest in the sink says.
func (fs *families) saw(key source.Key, s identity.Step) {
	if m, ok := fs.Member(key); ok && !m.Family.Learn(m.k, s) {
		return // it was known
	}
	if fs.Learnt != nil {
		fs.Learnt(key)
	}
}

// gaveUp tells those that wait for a source that its id is free again.
func (fs *families) gaveUp(key source.Key) {
	if fs.Learnt != nil {
		fs.Learnt(key)
	}
	if fs.Gone != nil {
		fs.Gone(key)
	}
}

// change runs a transaction that changes a source. What is remembered of it is dropped before and
// after; what is read of it meanwhile is not remembered.
func (fs *families) change(key source.Key, do func() error) error {
	fs.moved(key, func(x *moves) { x.begun++ })
	defer fs.moved(key, func(x *moves) { x.done++ })
	return do()
}

func (fs *families) moved(key source.Key, note func(*moves)) {
	m, ok := fs.Member(key)
	if !ok {
		return
	}
	f := m.Family
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.moves[key]
	if x == nil {
		x = &moves{}
		f.moves[key] = x
	}
	note(x)
	delete(f.held, key)
}

// NoteOrdinal remembers that a source of this host was given an ordinal.
func (f *Family) NoteOrdinal(k uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[k] = true
}

// heldBy gives what the ledger has of the k-th source.
func (f *Family) heldBy(l Ledger, k uint64) (*heldSource, error) {
	key := f.KeyOf(k)
	f.mu.Lock()
	h, x := f.held[key], f.moves[key]
	var at moves
	if x != nil {
		at = *x
	}
	f.mu.Unlock()
	if h != nil {
		return h, nil
	}
	h, err := readHeld(l, key)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.moves[key]; now == nil || *now == at && at.begun <= at.done {
		f.held[key] = h
	}
	return h, nil
}

// readHeld reads a source and its points. The points are of the source that it gives: one that gave
// its id up meanwhile, and another that took it, are not mixed.
func readHeld(l Ledger, key source.Key) (*heldSource, error) {
	for {
		src, ok, err := l.Get(key)
		if err != nil || !ok {
			return &heldSource{}, err
		}
		ends, err := l.Ends(key)
		if err != nil {
			return nil, err
		}
		again, ok, err := l.Get(key)
		if err != nil {
			return nil, err
		}
		if ok && again.Serial == src.Serial {
			at := source.Mark{Offset: src.Sealed.Offset, Chain: src.Sealed.Chain}
			return &heldSource{src: src, points: identity.Points(ends).With(at)}, nil
		}
	}
}

// notifyingLedger is the ledger of a run. It lets the families know of each change.
type notifyingLedger struct {
	Ledger
	families *families
}

// Update implements Ledger.
func (b notifyingLedger) Update(key source.Key, fn func(*offsets.Source) error) error {
	return b.families.change(key, func() error { return b.Ledger.Update(key, fn) })
}

// Delete implements Ledger.
func (b notifyingLedger) Delete(key source.Key) error {
	err := b.families.change(key, func() error { return b.Ledger.Delete(key) })
	if err == nil {
		b.families.gaveUp(key)
	}
	return err
}
