package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/sink"
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

// fetch reads what stands at a key. What is not what its key says is reported.
func (v *verifier) fetch(ctx context.Context, key string) (place, error) {
	p := place{key: key}
	body, info, err := read(ctx, v.Store, key)
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
		v.add(Differing, key, "%s", p.broken)
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
func (v *verifier) eachPlace(ctx context.Context,
	take func(ctx context.Context, k table.ParsedKey, p place) error) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan *listed, aheadMax-1) // and the one that take waits for
	g.Go(func() error {
		defer close(queue)
		return v.readAhead(ctx, g, queue)
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
func (v *verifier) readAhead(ctx context.Context, g *errgroup.Group, queue chan<- *listed) error {
	for info, err := range v.Store.List(ctx, streamPrefix(table.ManifestFolder, v.Stream)) {
		if err != nil {
			return fmt.Errorf("list manifests: %w", err)
		}
		k, err := table.ParseKey(info.Key)
		if err != nil {
			v.stray(info.Key)
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
			l.place, l.err = v.fetch(ctx, info.Key)
			if l.place.put.IsZero() {
				l.place.put = info.Modified
			}
			return l.err
		})
	}
	return nil
}
