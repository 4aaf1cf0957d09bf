package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

func TestMain(m *testing.M) {
	s3test.Setup()
	goleak.VerifyTestMain(m)
}

// runCloud runs against a store in object storage.
func (b *bucket) runCloud(c *cloud, o Options) (*Report, error) {
	o.Store, o.FS = c, b.fsys
	r, err := Run(context.Background(), o)
	require.Zero(b.t, c.opened, "every reader is closed")
	require.Zero(b.t, c.now)
	return r, err
}

// large is a log of a day for every 6000 lines: its objects are larger than two tails.
func large(days int) []byte {
	rnd := rand.New(rand.NewPCG(1, 1))
	var w strings.Builder
	for i := range days * 6000 {
		fmt.Fprintf(&w, "2024-01-%02dT10:00:00Z %d %016x%016x%016x\n", 1+i%days, i, rnd.Uint64(),
			rnd.Uint64(), rnd.Uint64())
	}
	return []byte(w.String())
}

func TestRun_AsksForManyAtOnce(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 3000), 0, 300)
	manifests, objects := len(ms), len(keysOf(ms...))
	require.Greater(t, manifests, 400)
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(b.store)
		c.latency = func() time.Duration { return 100 * time.Millisecond }
		start := time.Now()
		r, err := b.runCloud(c, Options{})
		require.NoError(t, err)
		require.True(t, r.OK)
		require.Equal(t, int64(objects), r.Objects)
		require.Equal(t, manifests+objects+2, c.count("get"), "one each, root and epoch")
		require.Zero(t, c.count("stat")+c.count("range"), "a small object is read in one request")
		require.LessOrEqual(t, c.nowMax, aheadMax+checksMax+1)
		require.Greater(t, c.nowMax, aheadMax, "objects and manifests wait for each other")
		turns := manifests/aheadMax + objects/checksMax + 5
		require.Less(t, time.Since(start), time.Duration(turns)*100*time.Millisecond)

		named := 0
		start = time.Now()
		require.NoError(t, Files(t.Context(), Options{Store: c}, func(string) error {
			named++
			return nil
		}))
		require.Equal(t, objects, named)
		require.Less(t, time.Since(start), time.Duration(manifests/aheadMax+3)*100*time.Millisecond)
	})
}

func TestRun_LargeObjects_AreNotReadWhereTheStoreKnowsTheDigest(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", large(8), 0, 0)
	objects, total, footers := keysOf(ms...), int64(0), int64(0)
	for _, key := range objects {
		require.Greater(t, len(b.store.Body(key)), 2*tailBytes)
		total += int64(len(b.store.Body(key)))
		footers += tailBytes + 4
	}
	n := len(objects)

	c := newCloud(b.store)
	r, err := b.runCloud(c, Options{})
	require.NoError(t, err)
	require.Empty(t, r.Findings)
	require.Equal(t, footers, c.bytes)
	require.Equal(t, []int{n, 2 * n, n + len(ms) + 2},
		[]int{c.count("stat"), c.count("range"), c.count("get")})

	c = newCloud(b.store) // of some the store knows nothing
	c.hidden = func(key string) bool { return key == objects[0] }
	r, err = b.runCloud(c, Options{})
	require.NoError(t, err)
	require.Empty(t, r.Findings)
	require.Equal(t, footers+int64(len(b.store.Body(objects[0]))), c.bytes)

	c = newCloud(b.store) // deep believes nobody, and reads once
	r, err = b.runCloud(c, Options{Deep: true})
	require.NoError(t, err)
	require.Empty(t, r.Findings)
	require.Equal(t, total, c.bytes)
	require.Zero(t, c.count("stat")+c.count("range"))

	synctest.Test(t, func(t *testing.T) { // a folder knows no digest
		c := newCloud(b.store)
		c.latency = func() time.Duration { return time.Millisecond }
		c.hidden = func(string) bool { return true }
		r, err := b.runCloud(c, Options{})
		require.NoError(t, err)
		require.Empty(t, r.Findings)
		require.Equal(t, total+footers, c.bytes)
		require.Equal(t, readsMax, c.wholeMax)
	})
}

// A disk below the store may spoil what the store has a digest of. Only Deep sees it, also of an
// object that was not listed.
func TestRun_LargeObjects_OnlyDeepSeesWhatTheStoreDoesNot(t *testing.T) {
	b := newBucket(t)
	m := b.load("one.log", large(2), 0, 0)[0]
	for _, o := range m.Objects {
		body := slices.Clone(b.store.Body(o.Key))
		body[100] ^= 1
		b.store.Plant(o.Key, body)
	}
	c := newCloud(b.store)
	c.claim = map[string][32]byte{}
	for _, o := range m.Objects {
		c.claim[o.Key] = o.SHA256
	}
	store := late{c, func(key string) bool { return key == m.Objects[0].Key }}
	r, err := Run(t.Context(), Options{Store: store})
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{})
	r, err = Run(t.Context(), Options{Store: store, Deep: true})
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{Differing: keysOf(m)})
}

// What a large object has wrong is found without reading it, as far as that can be.
func TestRun_LargeObjects_Faults(t *testing.T) {
	for name, c := range map[string]struct {
		kind  Kind
		plant func(b *bucket, key string)
	}{
		"gone": {Missing, func(b *bucket, key string) { b.store.Plant(key, nil) }},
		"cut": {Differing, func(b *bucket, key string) {
			b.store.Plant(key, b.store.Body(key)[:2*tailBytes])
		}},
		"flipped": {Differing, func(b *bucket, key string) {
			body := slices.Clone(b.store.Body(key))
			body[100] ^= 1
			b.store.Plant(key, body)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			key := keysOf(b.load("one.log", large(1), 0, 0)...)[0]
			c.plant(b, key)
			for _, hidden := range []bool{false, true} {
				s := newCloud(b.store)
				s.hidden = func(string) bool { return hidden }
				r, err := b.runCloud(s, Options{})
				require.NoError(t, err)
				requireOnly(t, r, map[Kind][]string{c.kind: {key}})
			}
		})
	}
}

// faulty is a bucket with every kind of finding, some of them hundreds of times.
func faulty(t testing.TB) *bucket {
	b := newBucket(t)
	one := b.load("one.log", content("one", 400), 0, 300)
	two := b.load("two.log", content("two", 400), 0, 300)
	for i, m := range one {
		switch i % 7 {
		case 1:
			b.store.Plant(m.Objects[0].Key, nil)
		case 2:
			b.store.Plant(m.Objects[0].Key, []byte("rubbish"))
		case 3:
			b.edit(m, func(m *table.Manifest) {
				m.Rows, m.Records, m.Objects[0].Rows =
					m.Rows+1, m.Records+1, m.Objects[0].Rows+1
			})
		case 4:
			b.store.Plant(m.Key(), nil)
		case 5:
			b.store.Plant(m.Key(), []byte("rubbish"))
		}
	}
	b.declareLost(two[3], false)
	b.store.Plant(two[len(two)-1].Key(), nil)
	b.leftover("two.log", source.Origin(), 1700)
	m := *two[5]
	m.Origin = "web-1"
	b.store.Plant(m.Key(), m.JSON())
	return b
}

func TestRun_ReportIsTheSame_HoweverRequestsInterleave(t *testing.T) {
	b := faulty(t)
	for _, deep := range []bool{false, true} {
		want := b.run(Options{Deep: deep})
		require.Greater(t, len(want.Findings), 100)
		for seed := range uint64(5) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(b.store)
				c.latency = jitter(seed)
				got, err := b.runCloud(c, Options{Deep: deep})
				require.NoError(t, err)
				require.Equal(t, want, got, "seed %d", seed)
			})
		}
	}
}

func TestRun_Clean_DeletesManyAtOnce(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 2000), 0, 1700)
	clean := b.store.Snapshot()
	ms := b.rival("one.log", 1700)
	require.Greater(t, len(ms), 40)
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(b.store)
		c.latency = func() time.Duration { return 100 * time.Millisecond }
		start := time.Now()
		r, err := b.runCloud(c, Options{Clean: true})
		require.NoError(t, err)
		require.True(t, r.OK)
		require.Equal(t, keysOf(ms...), r.Cleaned)
		require.Less(t, time.Since(start), 10*time.Second, "one by one it takes a minute")
	})
	require.Equal(t, clean, b.store.Snapshot())
}

// Whichever request fails, the run fails with that error and finds nothing.
func TestRun_AnyRequestFails(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 40), 0, 1000)
	b.load("large.log", large(1), 0, 0)
	b.leftover("one.log", source.Origin(), 0)
	broken := errors.New("broken pipe")
	for _, o := range []Options{{}, {Deep: true}, everything("one.log")} {
		for k := 0; ; k++ {
			c, n := newCloud(b.store), 0
			c.fail = func(string, string) error {
				if n++; n == k+1 {
					return broken
				}
				return nil
			}
			_, err := b.runCloud(c, o)
			if n <= k {
				require.NoError(t, err)
				require.Greater(t, k, 30)
				break
			}
			require.ErrorIs(t, err, broken, "request %d", k)
		}
	}
}

// Who judges does not wait for what is under way when there is nothing more to judge.
func TestRun_AFailureEndsWhatIsUnderWay(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 100), 0, 1000)
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(b.store)
		broken, slow := errors.New("broken pipe"), false
		c.fail = func(_, key string) error {
			slow = strings.HasPrefix(key, table.DataFolder)
			if key == ms[len(ms)-1].Key() {
				return broken
			}
			return nil
		}
		c.latency = func() time.Duration {
			if slow {
				return time.Hour
			}
			return time.Second
		}
		start := time.Now()
		_, err := b.runCloud(c, Options{})
		require.ErrorIs(t, err, broken)
		require.Less(t, time.Since(start), time.Minute)
	})
}

func TestRun_Cancelled(t *testing.T) {
	b := faulty(t)
	for k := 0; k < 200; k += 7 {
		ctx, cancel := context.WithCancel(t.Context())
		c, n := newCloud(b.store), 0
		c.fail = func(string, string) error {
			if n++; n > k {
				cancel()
			}
			return nil
		}
		_, err := Run(ctx, Options{Store: c, Clean: true})
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, c.count("delete"))
		require.Zero(t, c.opened)
		cancel()
	}
}

func TestRun_Progress_EndsWithAllThatIsListed(t *testing.T) {
	b := faulty(t)
	b.load("large.log", large(1), 0, 0)
	for name, o := range map[string]Options{
		"plain": {}, "deep": {Deep: true}, "clean": {Clean: true},
		"since": {Since: time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)},
		"none":  {Stream: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			copied := *b
			copied.store = b.store.Clone()
			var last Progress
			calls := 0
			o.Progress = func(p Progress) {
				require.GreaterOrEqual(t, p.Done, last.Done)
				require.GreaterOrEqual(t, p.DoneSize, last.DoneSize)
				require.True(t, p.Listed || p.Done == 0)
				last, calls = p, calls+1
			}
			_, err := copied.runCloud(newCloud(copied.store), o)
			require.NoError(t, err)
			require.True(t, last.Listed)
			require.Equal(t, last.Objects, last.Done)
			require.Equal(t, last.Bytes, last.DoneSize)
			require.Equal(t, int(2*last.Objects)+1, calls)
			require.Equal(t, name == "none", last.Bytes == 0)
		})
	}
}
