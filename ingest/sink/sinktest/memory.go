package sinktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"logseal/ingest/sink"
)

// Memory is a sink.Store in memory that checks its user: a put of an empty body, of a key that is
// none of the design's, or of a key whose size is wrong fails the test as well as the put. It is
// as strict about immutability as every Store; a conflict is the user's to judge.
//
// Objects are shared between clones and never changed, so a Clone costs one map copy, and the
// whole state has a digest that is kept up to date: what a search over all interleavings needs.
type Memory struct {
	tb testing.TB

	mu      sync.Mutex // guards what follows
	objects map[string]*object
	state   State
}

// State is a digest of everything a Memory holds: keys and bytes. It is comparable, and equal for
// equal contents however they came about.
type State [32]byte

type object struct {
	body   []byte
	sha256 [32]byte
	meta   map[string]string
}

var _ sink.Store = (*Memory)(nil)

// NewMemory gives an empty store whose checks fail tb.
func NewMemory(tb testing.TB) *Memory {
	return &Memory{tb: tb, objects: map[string]*object{}}
}

// Clone gives a store with the same contents that goes its own way from here.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{tb: m.tb, objects: maps.Clone(m.objects), state: m.state}
}

// Snapshot is the digest of the contents.
func (m *Memory) Snapshot() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Keys are all keys, sorted.
func (m *Memory) Keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// Body is the object at key, or nil. It must not be changed.
func (m *Memory) Body(key string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o := m.objects[key]; o != nil {
		return o.body
	}
	return nil
}

// Meta is what was put beside the object at key.
func (m *Memory) Meta(key string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o := m.objects[key]; o != nil {
		return o.meta
	}
	return nil
}

// Plant puts body at key as someone would who keeps to no rule: it replaces what is there and
// nothing is checked. A nil body removes the object.
func (m *Memory) Plant(key string, body []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
	if body != nil {
		m.add(key, &object{body: bytes.Clone(body), sha256: sha256.Sum256(body)})
	}
}

// add and remove keep state: the exclusive or of a digest of each object, so order is no matter.
func (m *Memory) add(key string, o *object) {
	m.objects[key] = o
	m.state.toggle(key, o)
}

func (m *Memory) remove(key string) {
	if o := m.objects[key]; o != nil {
		delete(m.objects, key)
		m.state.toggle(key, o)
	}
}

func (s *State) toggle(key string, o *object) {
	b := binary.BigEndian.AppendUint64(nil, uint64(len(key)))
	b = append(append(b, key...), o.sha256[:]...)
	for i, x := range sha256.Sum256(b) {
		s[i] ^= x
	}
}

// Name implements sink.Store.
func (m *Memory) Name() string { return "memory" }

// Put implements sink.Store.
func (m *Memory) Put(ctx context.Context, o sink.Object) error {
	m.tb.Helper()
	if err := sink.CheckKey(o.Key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	body, err := read(o)
	if err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	if err := checkShape(o); err != nil {
		m.tb.Errorf("sinktest: put %s: %v", o.Key, err)
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := m.objects[o.Key]; have != nil {
		if have.sha256 == o.SHA256 {
			return nil
		}
		return &sink.ConflictError{Key: o.Key, Want: o.SHA256, Have: have.sha256}
	}
	m.add(o.Key, &object{body: body, sha256: o.SHA256, meta: maps.Clone(o.Meta)})
	return nil
}

// read gives the object's bytes, or an error unless they are what the object says.
func read(o sink.Object) ([]byte, error) {
	r, err := o.Open()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(body); int64(len(body)) != o.Size || sum != o.SHA256 {
		return nil, fmt.Errorf("its bytes have changed: %d with sha256 %x, not %d with %x",
			len(body), sum, o.Size, o.SHA256)
	}
	return body, nil
}

// shapes are the keys of the design's §5, written down here a second time on purpose: what makes
// the keys and what checks them in tests must not be the same code.
var shapes = func() []*regexp.Regexp {
	const name, version = `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`, `v[1-9][0-9]*`
	const table, off, sid = name + `/` + version, `[0-9a-f]{16}`, `[0-9a-f]{32}`
	const file = sid + `-` + off + `-` + off + `-` + off + `\.parquet`
	var out []*regexp.Regexp
	for _, s := range []string{
		`logseal\.json`,
		`data/` + table + `/dt=([0-9]{4}-[0-9]{2}-[0-9]{2}(/hour=([01][0-9]|2[0-3]))?|` +
			`__HIVE_DEFAULT_PARTITION__)/` + file,
		`quarantine/` + table + `/` + file,
		`manifests/` + table + `/(-|` + name + `)/` + sid + `/` + off + `(-found|-lost)?\.json`,
		`epochs/` + table + `/[0-9a-f]{64}\.json`,
		`schemas/` + table + `\.json`,
		`sources/` + table + `/` + off + `/(-|` + name + `)-` + sid + `\.json`,
	} {
		out = append(out, regexp.MustCompile(`^`+s+`$`))
	}
	return out
}()

// checkShape holds o against what Logseal may ever put.
func checkShape(o sink.Object) error {
	if o.Size == 0 {
		return fmt.Errorf("an empty object: there is none in the format")
	}
	for _, re := range shapes {
		if re.MatchString(o.Key) {
			return nil
		}
	}
	return fmt.Errorf("no key of the format looks like this")
}

// Get implements sink.Store.
func (m *Memory) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	info, err := m.Stat(ctx, key)
	if err != nil {
		return nil, sink.Info{}, err
	}
	return io.NopCloser(bytes.NewReader(m.Body(key))), info, nil
}

// Stat implements sink.Store.
func (m *Memory) Stat(ctx context.Context, key string) (sink.Info, error) {
	if err := sink.CheckKey(key); err != nil {
		return sink.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return sink.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.objects[key]
	if o == nil {
		return sink.Info{}, fmt.Errorf("stat %s: %w", key, sink.ErrNotFound)
	}
	return sink.Info{Key: key, Size: int64(len(o.body))}, nil
}

// List implements sink.Store. It yields what was there when it was called.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	return func(yield func(sink.Info, error) bool) {
		for _, info := range m.list(prefix) {
			if err := ctx.Err(); err != nil {
				yield(sink.Info{}, fmt.Errorf("list %s: %w", prefix, err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (m *Memory) list(prefix string) []sink.Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []sink.Info
	for key, o := range m.objects {
		if strings.HasPrefix(key, prefix) {
			out = append(out, sink.Info{Key: key, Size: int64(len(o.body))})
		}
	}
	slices.SortFunc(out, func(a, b sink.Info) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Delete implements sink.Store.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := sink.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
	return nil
}
