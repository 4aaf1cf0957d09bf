package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// aheadMax is how many manifests are read ahead of who judges them. Each is a request of its own:
// at 30 ms apiece 32 at once are a thousand a second, about as fast as one core reads them.
const aheadMax = 32

// place is what stands at a manifest's key.
type place struct {
	key    string
	commit *table.Commit // nil: nothing, or nothing that can be read
	broken string        // how it is not what its key says, in a sentence; it was reported
	put    time.Time     // when; zero if the store did not say
}

// manifests reads what stands under manifests/ of a stream, or of all.
type manifests struct {
	store  sink.Store
	stream string
	found  *findings
}

func newManifests(o Options, found *findings) *manifests {
	return &manifests{store: o.Store, stream: o.Stream, found: found}
}

// fetch reads what stands at a key. What is not what its key says is reported.
func (m *manifests) fetch(ctx context.Context, key string) (place, error) {
	p := place{key: key}
	body, info, err := read(ctx, m.store, key)
	if errors.Is(err, sink.ErrNotFound) {
		return p, nil
	}
	damaged := errors.As(err, new(*sink.DamagedError)) || errors.Is(err, sink.ErrOversized)
	if err != nil && !damaged {
		return p, fmt.Errorf("read manifest: %w", err)
	}
	var commit table.Commit
	if !damaged {
		commit, err = table.ParseCommit(key, body)
	}
	if err != nil {
		p.broken = fmt.Sprintf("%v; it was changed after it was put, so restore it from a copy of the "+
			"sink", err)
		m.found.add(Differing, key, "%s", p.broken)
		return p, nil
	}
	p.commit, p.put = &commit, info.Modified
	return p, nil
}

// listed is a key under manifests/ and, once ready is closed, what stands there.
type listed struct {
	key   table.ParsedKey
	ready chan struct{}
	place place
	err   error
}

// eachPlace hands take all that is listed under manifests/, in the order of the keys. It is read
// ahead, up to aheadMax at once; take runs in one goroutine.
func (m *manifests) eachPlace(ctx context.Context,
	take func(ctx context.Context, k table.ParsedKey, p place) error) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan *listed, aheadMax-1) // and the one that take waits for
	g.Go(func() error {
		defer close(queue)
		return m.readAhead(ctx, g, queue)
	})
	g.Go(func() error {
		for l := range queue {
			<-l.ready
			if l.err != nil {
				return l.err
			}
			if err := take(ctx, l.key, l.place); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// readAhead lists manifests and begins to read each as soon as the queue has room for it.
func (m *manifests) readAhead(ctx context.Context, g *errgroup.Group, queue chan<- *listed) error {
	for info, err := range m.store.List(ctx, streamPrefix(table.ManifestFolder, m.stream)) {
		if err != nil {
			return fmt.Errorf("list manifests: %w", err)
		}
		k, err := table.ParseKey(info.Key)
		if err != nil {
			m.found.stray(info.Key)
			continue
		}
		l := &listed{key: k, ready: make(chan struct{})}
		select {
		case queue <- l:
		case <-ctx.Done():
			return ctx.Err()
		}
		g.Go(func() error {
			defer close(l.ready)
			l.place, l.err = m.fetch(ctx, info.Key)
			if l.place.put.IsZero() {
				l.place.put = info.Modified
			}
			return l.err
		})
	}
	return nil
}

// group is what was listed at one start of a source: of a batch or a loss, of the batch that was
// found, of a note.
type group struct {
	start  int64
	places map[table.KeyKind]place
}

func newGroup(start int64) *group {
	return &group{start: start, places: map[table.KeyKind]place{}}
}

// look gives what stands at a group's start: in a manifest's place and, when that was listed or is
// to be expected beside a loss, where a batch is found. What was not listed is asked for.
func (m *manifests) look(ctx context.Context, k source.Key, g *group) (at, found place, err error) {
	at, listed := g.places[table.ManifestKind]
	if !listed {
		at, err = m.fetch(ctx, table.ManifestKey(k, g.start))
	}
	if err != nil || at.broken != "" {
		return at, place{}, err
	}
	found, listed = g.places[table.FoundKind]
	if !listed && at.commit != nil && at.commit.Loss != nil {
		found, err = m.fetch(ctx, table.FoundKey(k, g.start))
	}
	return at, found, err
}
