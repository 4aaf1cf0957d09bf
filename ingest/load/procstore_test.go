package load

import (
	"bytes"
	"context"
	"io"
	"iter"
	"strings"

	"logseal/ingest/sink"
	"logseal/ingest/table"
)

type procStore struct {
	*process
	world *world
}

func (s procStore) Name() string { return "memory" }

// isNote reports whether a key is of the notes on sources. Here all sources are of one origin, so nothing
// hangs on them: they would only multiply the states.
func isNote(key string) bool { return strings.HasPrefix(key, table.SourceFolder) }

// shared runs an operation on the store, which others use too.
func (s procStore) shared(o op, do func() error) error {
	// The root and the epochs are the same whoever puts them, and a listing is only a hint: their
	// order tells nothing.
	o.shared = !strings.Contains(o.name, " epochs/") && !strings.Contains(o.name, table.RootKey) &&
		!strings.HasPrefix(o.name, "list ")
	switch s.gate(o) {
	case proceed:
		err := do()
		s.saw(o.name, err)
		return err
	case die:
		return errDead
	case loseIt:
		do()
	case delayIt:
		s.world.net = append(s.world.net, o)
	}
	s.saw(o.name, errReply)
	return errReply
}

func (s procStore) Put(ctx context.Context, o sink.Object) error {
	if isNote(o.Key) {
		return nil
	}
	// The body is read now: a request that is under way holds its bytes.
	r, err := o.Open()
	if err != nil {
		return err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	o.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	put := func() error { return s.world.store.Put(ctx, o) }
	return s.shared(op{name: "put " + o.Key, effect: true, later: func() { put() }}, put)
}

func (s procStore) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	var r io.ReadCloser
	var info sink.Info
	err := s.shared(op{name: "get " + key}, func() (err error) {
		r, info, err = s.world.store.Get(ctx, key)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		s.saw(string(b))
		r = io.NopCloser(bytes.NewReader(b))
		return err
	})
	return r, info, err
}

func (s procStore) Stat(ctx context.Context, key string) (sink.Info, error) {
	var info sink.Info
	err := s.shared(op{name: "stat " + key}, func() (err error) {
		info, err = s.world.store.Stat(ctx, key)
		return err
	})
	return info, err
}

func (s procStore) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	if isNote(prefix) {
		return func(func(sink.Info, error) bool) {}
	}
	var all []sink.Info
	err := s.shared(op{name: "list " + prefix}, func() error {
		for info, err := range s.world.store.List(ctx, prefix) {
			if err != nil {
				return err
			}
			all = append(all, info)
		}
		s.saw(all)
		return nil
	})
	return func(yield func(sink.Info, error) bool) {
		if err != nil {
			yield(sink.Info{}, err)
			return
		}
		for _, info := range all {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (s procStore) Delete(ctx context.Context, key string) error {
	del := func() error { return s.world.store.Delete(ctx, key) }
	return s.shared(op{name: "delete " + key, effect: true, later: func() { del() }}, del)
}
