// Package sinktest holds every sink.Store to the contract by one suite, Run, and has Memory, a
// Store in memory for the tests of what uses one.
package sinktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
)

// Run holds a kind of Store to the contract; open gives an empty one each time.
func Run(t *testing.T, open func(t testing.TB) sink.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s sink.Store)
	}{
		{"a fresh key is stored and read back", testFresh},
		{"the same again succeeds", testSameAgain},
		{"other bytes conflict and change nothing", testOtherBytes},
		{"bytes that are not what the object says are refused", testWrongDigest},
		{"a body that cannot be read is refused", testBrokenBody},
		{"an absent key is not found", testAbsent},
		{"a deleted key can be put again", testDelete},
		{"keys that are none are refused", testOddKeys},
		{"list goes by prefix in the order of keys", testList},
		{"list stops when asked to", testListStops},
		{"a cancelled context changes nothing", testCancelled},
		{"racing writers have one winner", testRace},
		{"racing writers of the same bytes all succeed", testRaceSame},
		{"many keys at once", testConcurrent},
		{"a big object", testBig},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// Object makes an object of body, to be put at key.
func Object(key string, body []byte) sink.Object {
	return sink.Object{Key: key, Size: int64(len(body)), SHA256: sha256.Sum256(body),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }}
}

// Key is the n-th of the data keys that the suite uses.
func Key(n int) string {
	return fmt.Sprintf("data/app/v1/dt=2024-01-15/%032x-%016x-%016x-%016x.parquet", n, 0, n+1, n)
}

// body reads the whole object at key.
func body(t testing.TB, s sink.Store, key string) []byte {
	t.Helper()
	r, info, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, key, info.Key)
	require.Equal(t, int64(len(b)), info.Size)
	stat, err := s.Stat(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, info, stat)
	return b
}

// list gives all objects below prefix.
func list(t testing.TB, s sink.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for info, err := range s.List(t.Context(), prefix) {
		require.NoError(t, err)
		keys = append(keys, info.Key)
	}
	return keys
}

func testFresh(t *testing.T, s sink.Store) {
	require.NotEmpty(t, s.Name())
	opened, closed := 0, 0
	o := Object(Key(1), []byte("bytes"))
	o.Meta = map[string]string{"path": "/var/log/app.log"}
	inner := o.Open
	o.Open = func() (io.ReadCloser, error) {
		opened++
		r, err := inner()
		return &closeCounter{r, &closed}, err
	}
	require.NoError(t, s.Put(t.Context(), o))
	require.Positive(t, opened)
	require.Equal(t, opened, closed, "Put must close what it opened")
	require.Equal(t, "bytes", string(body(t, s, Key(1))))
	require.Equal(t, []string{Key(1)}, list(t, s, ""))
}

type closeCounter struct {
	io.ReadCloser
	n *int
}

func (c *closeCounter) Close() error {
	*c.n++
	return c.ReadCloser.Close()
}

func testSameAgain(t *testing.T, s sink.Store) {
	for range 3 {
		require.NoError(t, s.Put(t.Context(), Object(Key(1), []byte("bytes"))))
		require.Equal(t, "bytes", string(body(t, s, Key(1))))
	}
	require.Len(t, list(t, s, ""), 1)
}

func testOtherBytes(t *testing.T, s sink.Store) {
	require.NoError(t, s.Put(t.Context(), Object(Key(1), []byte("first"))))
	for _, other := range []string{"other", "f", "first and more"} {
		err := s.Put(t.Context(), Object(Key(1), []byte(other)))
		var conflict *sink.ConflictError
		require.ErrorAs(t, err, &conflict)
		require.Equal(t, sink.ConflictError{Key: Key(1), Want: sha256.Sum256([]byte(other)),
			Have: sha256.Sum256([]byte("first"))}, *conflict)
	}
	require.Equal(t, "first", string(body(t, s, Key(1))))
}

func testWrongDigest(t *testing.T, s sink.Store) {
	for _, lie := range []string{"bytez", "byte", "bytes and more", ""} {
		o := Object(Key(1), []byte("bytes"))
		o.Open = Object(Key(1), []byte(lie)).Open
		err := s.Put(t.Context(), o)
		require.Error(t, err)
		require.NotErrorAs(t, err, new(*sink.ConflictError))
	}
	require.Empty(t, list(t, s, ""))
}

func testBrokenBody(t *testing.T, s sink.Store) {
	broken := errors.New("broken disk")
	o := Object(Key(1), []byte("bytes"))
	o.Open = func() (io.ReadCloser, error) { return nil, broken }
	require.ErrorIs(t, s.Put(t.Context(), o), broken)
	o.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("byt"), &errReader{broken})), nil
	}
	require.ErrorIs(t, s.Put(t.Context(), o), broken)
	require.Empty(t, list(t, s, ""))
}

type errReader struct{ err error }

func (r *errReader) Read([]byte) (int, error) { return 0, r.err }

func testAbsent(t *testing.T, s sink.Store) {
	_, err := s.Stat(t.Context(), Key(1))
	require.ErrorIs(t, err, sink.ErrNotFound)
	_, _, err = s.Get(t.Context(), Key(1))
	require.ErrorIs(t, err, sink.ErrNotFound)
	require.NoError(t, s.Delete(t.Context(), Key(1)))
	require.Empty(t, list(t, s, ""))

	require.NoError(t, s.Put(t.Context(), Object(Key(1), []byte("bytes"))))
	for _, key := range []string{Key(1) + "/below", "data/app/v1/dt=2024-01-15", "data/app"} {
		_, err = s.Stat(t.Context(), key)
		require.ErrorIs(t, err, sink.ErrNotFound, key)
		_, _, err = s.Get(t.Context(), key)
		require.ErrorIs(t, err, sink.ErrNotFound, key)
	}
}

func testDelete(t *testing.T, s sink.Store) {
	for _, b := range []string{"first", "second"} {
		require.NoError(t, s.Put(t.Context(), Object(Key(1), []byte(b))))
		require.NoError(t, s.Put(t.Context(), Object(Key(2), []byte("stays"))))
		require.Equal(t, b, string(body(t, s, Key(1))))
		require.NoError(t, s.Delete(t.Context(), Key(1)))
		_, err := s.Stat(t.Context(), Key(1))
		require.ErrorIs(t, err, sink.ErrNotFound)
		require.Equal(t, []string{Key(2)}, list(t, s, ""))
	}
}

func testOddKeys(t *testing.T, s sink.Store) {
	for _, key := range []string{"", "/", ".", "..", "data", "data/", "/data/a", "data//a", "data/a/",
		"data/../a", "../a", "data/./a", "data/.a", ".tmp/a", ".state/ledger.db", "other/a", "a",
		"data/a b", "data/a\x00b", "data/a\nb", "data/ä", `data/a\b`, "data/a?b", "data/a%2fb",
		"data/a*", "data/" + strings.Repeat("a", 256), strings.Repeat("data/abc", 200)} {
		require.Error(t, s.Put(t.Context(), Object(key, []byte("bytes"))), "put %q", key)
		require.Error(t, s.Delete(t.Context(), key), "delete %q", key)
		_, err := s.Stat(t.Context(), key)
		require.Error(t, err, "stat %q", key)
		_, _, err = s.Get(t.Context(), key)
		require.Error(t, err, "get %q", key)
	}
	require.Empty(t, list(t, s, ""))
	for _, prefix := range []string{"/", "../", "data/../", ".tmp/", "data//", ".", "other"} {
		require.Empty(t, list(t, s, prefix), prefix)
	}
}

func testList(t *testing.T, s sink.Store) {
	file := strings.TrimPrefix(Key(7), "data/app/v1/dt=2024-01-15/")
	want := []string{
		"data/app-x/v1/dt=2024-01-15/" + file, // a folder sorts as its name and a slash: '-' < '/'
		"data/app.x/v1/dt=2024-01-15/" + file,
		"data/app/v1/dt=2024-01-15/" + file,
		"data/app/v1/dt=2024-01-15/hour=03/" + file,
		"data/app/v1/dt=2024-01-16/" + file,
		"data/app/v10/dt=2024-01-15/" + file,
		"data/app0/v1/dt=2024-01-15/" + file,
		"epochs/app/v1/" + strings.Repeat("0", 64) + ".json",
		"logseal.json",
		"manifests/app/v1/-/" + strings.Repeat("0", 32) + "/0000000000000000.json",
		"schemas/app/v1.json",
		"sources/app/v1/" + strings.Repeat("0", 16) + "/--" + strings.Repeat("0", 32) + ".json",
	}
	slices.Sort(want)
	for _, i := range rand.Perm(len(want)) {
		require.NoError(t, s.Put(t.Context(), Object(want[i], []byte(want[i]))))
	}
	for _, prefix := range []string{"", "d", "data/", "data/app", "data/app/", "data/app/v1", "l",
		"data/app/v1/", "data/app/v1/dt=2024-01-15/0", "data/app/v1/dt=2024-01-15/hour=03/",
		"logseal.json", "logseal.json/", "manifests/app/v1/-/", "none", "data/none/", want[2],
		want[2] + "x"} {
		var below []string
		for _, key := range want {
			if strings.HasPrefix(key, prefix) {
				below = append(below, key)
			}
		}
		require.Equal(t, below, list(t, s, prefix), "prefix %q", prefix)
	}
	for info, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		require.EqualValues(t, len(info.Key), info.Size)
	}
}

func testListStops(t *testing.T, s sink.Store) {
	for n := range 5 {
		require.NoError(t, s.Put(t.Context(), Object(Key(n), []byte("bytes"))))
	}
	require.NoError(t, s.Put(t.Context(), Object("logseal.json", []byte("{}"))))
	for stop := range 6 {
		seen := 0
		for _, err := range s.List(t.Context(), "") {
			require.NoError(t, err)
			if seen++; seen > stop {
				break
			}
		}
		require.Equal(t, stop+1, seen)
	}
}

func testCancelled(t *testing.T, s sink.Store) {
	require.NoError(t, s.Put(t.Context(), Object(Key(1), []byte("bytes"))))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Put(ctx, Object(Key(2), []byte("bytes"))), context.Canceled)
	require.ErrorIs(t, s.Delete(ctx, Key(1)), context.Canceled)
	_, err := s.Stat(ctx, Key(1))
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = s.Get(ctx, Key(1))
	require.ErrorIs(t, err, context.Canceled)
	seen := 0
	for _, err := range s.List(ctx, "") {
		seen++
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, 1, seen, "an error ends the list")
	require.Equal(t, []string{Key(1)}, list(t, s, ""))
}

func testRace(t *testing.T, s sink.Store) {
	for round := range 10 {
		key := Key(round)
		bodies := make([][]byte, 8)
		errs := make([]error, len(bodies))
		atOnce(len(bodies), func(i int) {
			bodies[i] = fmt.Appendf(nil, "writer %d of round %d", i, round)
			errs[i] = s.Put(t.Context(), Object(key, bodies[i]))
		})
		winner := slices.Index(errs, nil)
		require.GreaterOrEqual(t, winner, 0, "nobody won")
		require.Equal(t, string(bodies[winner]), string(body(t, s, key)))
		for i, err := range errs {
			if i == winner {
				continue
			}
			var conflict *sink.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, sha256.Sum256(bodies[winner]), conflict.Have)
		}
	}
}

func testRaceSame(t *testing.T, s sink.Store) {
	var failed atomic.Int64
	atOnce(8, func(int) {
		if s.Put(t.Context(), Object(Key(1), []byte("bytes"))) != nil {
			failed.Add(1)
		}
	})
	require.Zero(t, failed.Load())
	require.Equal(t, []string{Key(1)}, list(t, s, ""))
}

func testConcurrent(t *testing.T, s sink.Store) {
	const n = 64
	errs := make([]error, n)
	atOnce(n, func(i int) {
		b := bytes.Repeat([]byte{byte(i + 1)}, 1000+i)
		if errs[i] = s.Put(t.Context(), Object(Key(i), b)); errs[i] != nil {
			return
		}
		r, _, err := s.Get(t.Context(), Key(i))
		if err != nil {
			errs[i] = err
			return
		}
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(b, got) {
			errs[i] = fmt.Errorf("read back %d bytes: %w", len(got), err)
		}
		for _, err := range s.List(t.Context(), "data/") {
			errs[i] = errors.Join(errs[i], err)
		}
	})
	require.NoError(t, errors.Join(errs...))
	require.Len(t, list(t, s, ""), n)
}

func testBig(t *testing.T, s sink.Store) {
	b := make([]byte, 17<<20+3) // more than one part of a multipart upload
	rnd := rand.NewChaCha8([32]byte{1})
	rnd.Read(b)
	require.NoError(t, s.Put(t.Context(), Object(Key(1), b)))
	require.NoError(t, s.Put(t.Context(), Object(Key(1), b)))
	got := body(t, s, Key(1))
	require.Equal(t, sha256.Sum256(b), sha256.Sum256(got))
	b[len(b)-1]++
	require.ErrorAs(t, s.Put(t.Context(), Object(Key(1), b)), new(*sink.ConflictError))
}

// atOnce runs n functions that start together.
func atOnce(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i := range n {
		done.Go(func() {
			ready.Wait()
			f(i)
		})
	}
	ready.Done()
	done.Wait()
}
