package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// manifestAt asks for the manifest of the batch that starts at start, or for the loss that stands in
// its stead; the error is sink.ErrNotFound when there is neither.
func (b *bucket) manifestAt(ctx context.Context, key source.Key, start int64) (*table.Manifest, error) {
	p, err := b.recordAt(ctx, key, start)
	return p.Manifest, err
}

// recordAt is manifestAt, and tells which of the two it is.
func (b *bucket) recordAt(ctx context.Context, key source.Key, start int64) (commitRecord, error) {
	name := table.ManifestKey(key, start)
	body, err := sink.GetDocument(ctx, b.Store, name)
	if err != nil {
		return commitRecord{}, err
	}
	p, err := parseRecord(body)
	if err == nil {
		err = p.validateFor(name)
	}
	if err != nil {
		return commitRecord{}, fmt.Errorf("read %s: %w; run `ingest verify`", name, err)
	}
	b.Sources.Families.saw(key, stepOf(p.Manifest))
	return p, nil
}

// ErrMeaning is returned when a stream's definition is not one that its version may grow into.
var ErrMeaning = errors.New("the stream's meaning has changed")

// ErrBehind is returned when the ledger has shipped what the store does not have.
var ErrBehind = errors.New("the sink is behind the ledger")

// OpenTable reads logseal.json before anything else, or puts it where nothing was ever shipped. With
// it the store is asked whether it keeps what stands.
func (b *bucket) OpenTable(ctx context.Context) error {
	body, err := sink.GetDocument(ctx, b.Store, table.RootKey)
	if errors.Is(err, sink.ErrNotFound) {
		if err := b.neverShipped(); err != nil {
			return err
		}
		body = table.RootJSON()
		err = sink.PutDocument(ctx, b.Store, table.RootKey, body)
	}
	if err != nil {
		return err
	}
	if err := table.ParseRoot(body); err != nil {
		return fmt.Errorf("read %s in %s: %w", table.RootKey, b.Store.Name(), err)
	}
	if p, ok := b.Store.(sink.Prober); ok {
		return p.Probe(ctx, sink.Document(table.RootKey, body))
	}
	return nil
}

func (b *bucket) neverShipped() error {
	keys, err := b.Ledger.All()
	if err != nil {
		return err
	}
	return b.Recovery.Each(keys, func(key source.Key, src *offsets.Source) error {
		if src.Shipped == 0 {
			return nil
		}
		return fmt.Errorf("%w: %s has no %s, but the ledger has shipped source %s up to %d; "+
			"point to the sink it was shipped to, or `ingest state rebuild` to start over",
			ErrBehind, b.Store.Name(), table.RootKey, key.ID, src.Shipped)
	})
}

// bucket reads what the sink has of a table and of a source, and knows which definitions this run has put.
type bucket struct {
	*Engine

	epochs sync.Map // keys of the epochs that this run has put
}

// commitRecord is what stands, or is to stand, at the place of a batch: a batch or, in its stead, the
// declared loss of a range. Of a loss the manifest says what the source's other batches need to
// know: where it is and the chains at its ends. It has no objects and no epoch.
type commitRecord struct {
	*table.Manifest
	Loss *table.Loss // nil for a batch
}

// parseRecord reads a manifest or a loss that stands for one.
func parseRecord(body []byte) (commitRecord, error) {
	m, err := table.ParseManifest(body)
	if err == nil {
		return commitRecord{Manifest: m}, nil
	}
	l, lossErr := table.ParseLoss(body)
	if lossErr != nil || l.Kind != table.Lost {
		return commitRecord{}, err
	}
	return RecordOfLoss(l), nil
}

// RecordOfLoss makes a loss of kind Lost what stands for a batch. Its seal is of no epoch.
func RecordOfLoss(l *table.Loss) commitRecord {
	return commitRecord{Loss: l, Manifest: &table.Manifest{
		Format: l.Format, Stream: l.Stream, Version: l.Version, Origin: l.Origin, SID: l.SID, K: l.K,
		Seal: source.NewSeal(*l.ChainOut, source.Digest{}), Start: l.Start, End: *l.End,
		ChainIn: l.ChainIn, ChainOut: *l.ChainOut, ChainState: *l.ChainState,
		Marks: l.Marks, Rest: l.Rest,
	}}
}

// validateFor returns an error unless it may stand at key.
func (p commitRecord) validateFor(key string) error {
	if p.Loss != nil {
		return p.Loss.ValidateFor(key)
	}
	return p.ValidateFor(key)
}

// isLoss reports whether a manifest stands for a loss.
func isLoss(m *table.Manifest) bool { return m.Epoch == source.Digest{} }

// getsAtOnce is how many manifests of one source are fetched at a time: it may have thousands, each
// a round trip away.
const getsAtOnce = 16

// walk reads a source's manifests from offset 0 for as long as they chain on, and finds where the
// next one after a hole begins (0 for none). A list says which to fetch ahead; it is a hint, so the
// first that it does not have is asked for.
func (b *bucket) walk(ctx context.Context, key source.Key) (ms []*table.Manifest, barrier int64, err error) {
	return b.walkFrom(ctx, key, 0)
}

// walkFrom is walk from a place on at which a manifest is known to end.
func (b *bucket) walkFrom(ctx context.Context, key source.Key, at int64) (
	ms []*table.Manifest, barrier int64, err error,
) {
	var listed []int64
	if at > 0 {
		if listed, err = b.listStarts(ctx, key); err != nil {
			return nil, 0, err
		}
	}
	ahead := b.fetchFrom(ctx, key, listed, at)
	for {
		m := ahead[at]
		if m == nil {
			m, err = b.manifestAt(ctx, key, at)
		}
		if errors.Is(err, sink.ErrNotFound) {
			return ms, nextAfter(listed, at), nil
		}
		if err != nil {
			return nil, 0, err
		}
		delete(ahead, at)
		ms = append(ms, m)
		at = m.End
		if m.Start == 0 {
			if listed, err = b.listStarts(ctx, key); err != nil {
				return nil, 0, err
			}
		}
		if len(ahead) == 0 {
			ahead = b.fetchFrom(ctx, key, listed, at)
		}
	}
}

// listStarts lists where a source's manifests begin.
func (b *bucket) listStarts(ctx context.Context, key source.Key) (starts []int64, err error) {
	prefix := table.SourcePrefix(key)
	for info, err := range b.Store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if k, err := table.ParseKey(info.Key); err == nil && k.Kind == table.ManifestKind {
			starts = append(starts, k.Start)
		}
	}
	slices.Sort(starts)
	return starts, nil
}

// nextAfter is the first start behind at, 0 when there is none.
func nextAfter(starts []int64, at int64) int64 {
	i := sort.Search(len(starts), func(i int) bool { return starts[i] > at })
	if i == len(starts) {
		return 0
	}
	return starts[i]
}

// fetchFrom reads the next few listed manifests that begin at or behind at, if one begins at it. One
// that cannot be read is left out: it may never be asked for.
func (b *bucket) fetchFrom(
	ctx context.Context, key source.Key, starts []int64, at int64,
) map[int64]*table.Manifest {
	i, ok := slices.BinarySearch(starts, at)
	if !ok {
		return nil
	}
	some := starts[i:min(len(starts), i+b.GetsAtOnce)]
	got := make([]*table.Manifest, len(some))
	var wg sync.WaitGroup
	for i, start := range some {
		wg.Go(func() {
			if m, err := b.manifestAt(ctx, key, start); err == nil {
				got[i] = m
			}
		})
	}
	wg.Wait()
	ahead := map[int64]*table.Manifest{}
	for i, m := range got {
		if m != nil {
			ahead[some[i]] = m
		}
	}
	return ahead
}

// AnyManifest reports whether a table has any batch of an origin, as that stands in keys, or of any when
// it is empty.
func (b *bucket) AnyManifest(ctx context.Context, t source.Table, origin string) (bool, error) {
	prefix := table.ManifestPrefix(t)
	if origin != "" {
		prefix += origin + "/"
	}
	for _, err := range b.Store.List(ctx, prefix) {
		return err == nil, err
	}
	return false, nil
}

// CheckEpochs refuses a stream whose meaning changed within its version, against every definition that
// the bucket has of it. A definition that stands there was accepted once: it stays so, whatever someone
// else puts beside it later.
func (b *bucket) CheckEpochs(ctx context.Context, s *Stream) error {
	var others []string
	accepted := false
	for info, err := range b.Store.List(ctx, table.EpochPrefix(s.Table())) {
		if err != nil {
			return err
		}
		if info.Key == s.Epoch.Key() {
			accepted = true
			continue
		}
		others = append(others, info.Key)
	}
	for _, key := range others {
		body, err := b.epochBody(ctx, key)
		if err != nil {
			return err
		}
		if body == nil {
			continue
		}
		if err = fits(s.Epoch, key, body); err == nil {
			continue
		}
		if !accepted {
			return err
		}
		b.raise(Problem{Conflict, key, fmt.Sprintf("the definition in use does not agree with this one, and "+
			"stays in use (%v): find out who put this one, and remove it if nothing was sealed with it", err)})
	}
	return nil
}

// fits returns an error unless e may go on in a table with the definition of which this is the body.
func fits(e *table.Epoch, key string, body []byte) error {
	old, err := table.ParseEpoch(body)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if err := table.Compatible(old, e); err != nil {
		return fmt.Errorf("%w: %w", ErrMeaning, err)
	}
	return nil
}

// epochBody reads what is at a key of a definition. It names what does not have its name, which no
// writer has put, and gives nil for it.
func (b *bucket) epochBody(ctx context.Context, key string) ([]byte, error) {
	name, err := table.ParseKey(key)
	var body []byte
	if err == nil {
		body, err = sink.GetDocument(ctx, b.Store, key)
		junk := errors.Is(err, sink.ErrOversized) || errors.As(err, new(*sink.DamagedError))
		if err != nil && !junk {
			return nil, err
		}
		if err == nil && source.DigestOf(body) != name.Epoch {
			err = errors.New("its digest is not its name")
		}
	}
	if err != nil {
		b.raise(Problem{Conflict, key, fmt.Sprintf("it is not a definition and was skipped (%v): find "+
			"out who put it there, and remove it", err)})
		return nil, nil
	}
	return body, nil
}
