package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/table"
)

const day = 24 * time.Hour

func TestRun_Retention(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration // of the manifest; negative if the store does not say
		keep map[string]time.Duration
		want Kind
	}{
		"older":                  {91 * day, map[string]time.Duration{"app": 90 * day}, Expired},
		"younger":                {89 * day, map[string]time.Duration{"app": 90 * day}, Missing},
		"without a retention":    {91 * day, nil, Missing},
		"of another stream":      {91 * day, map[string]time.Duration{"web": 90 * day}, Missing},
		"nobody knows how old":   {-1, map[string]time.Duration{"app": 90 * day}, Missing},
		"put in time to come":    {-2 * day, map[string]time.Duration{"app": 90 * day}, Missing},
		"any age, as if expired": {time.Hour, map[string]time.Duration{"app": time.Minute}, Expired},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			ms := b.load("one.log", content("one", 100), 0, 1000)
			key := ms[1].Objects[0].Key
			b.store.Plant(key, nil)
			for _, deep := range []bool{false, true} {
				s := newCloud(b.store)
				if c.age != -1 {
					s.modified = func(_, key string) time.Time {
						if !strings.HasPrefix(key, table.ManifestFolder) {
							return time.Now() // how old other objects are is no matter
						}
						return time.Now().Add(-c.age)
					}
				}
				o := everything("one.log")
				o.Deep, o.Retention = deep, c.keep
				r, err := b.runCloud(s, o)
				require.NoError(t, err)
				requireOnly(t, r, map[Kind][]string{c.want: {key}})
				require.Equal(t, c.want == Expired, r.OK)
				require.Equal(t, int64(len(ms)), r.Batches, "expired objects are of batches that count")
			}
		})
	}
}

// Only what is gone expires. What is damaged, in the way or no object is as without a retention.
func TestRun_Retention_ExcusesNothingElse(t *testing.T) {
	b := faulty(t)
	b.store.Plant(b.epoch.Key(), nil)
	s := newCloud(b.store)
	s.modified = func(string, string) time.Time { return time.Now().Add(-1000 * day) }
	want, err := b.runCloud(s, Options{})
	require.NoError(t, err)
	got, err := b.runCloud(s, Options{Retention: map[string]time.Duration{"app": day}})
	require.NoError(t, err)

	var gone, kept []string
	for _, key := range want.Missing {
		if key == b.epoch.Key() {
			kept = append(kept, key)
		} else {
			gone = append(gone, key)
		}
	}
	require.Greater(t, len(gone), 10)
	require.Equal(t, gone, got.Expired)
	require.Equal(t, kept, got.Missing)
	got.Missing, got.Expired = want.Missing, want.Expired
	got.Findings = want.Findings
	require.Equal(t, want, got)
}

// What is left out by its date is neither missing nor expired.
func TestRun_Retention_AndSince(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 100), 0, 1000)
	for _, key := range keysOf(ms...) {
		b.store.Plant(key, nil)
	}
	s := newCloud(b.store)
	s.modified = func(string, string) time.Time { return time.Now().Add(-1000 * day) }
	o := Options{Retention: map[string]time.Duration{"app": day},
		Since: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	r, err := b.runCloud(s, o)
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{})
	o.Since = time.Time{}
	r, err = b.runCloud(s, o)
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{Expired: keysOf(ms...)})
}

// Not every answer of a store says when an object was put: any one that does is enough.
func TestRun_Retention_AsksHowOldAManifestIs(t *testing.T) {
	b := newBucket(t)
	m := b.load("one.log", content("one", 30), 0, 0)[0]
	for _, key := range keysOf(m) {
		b.store.Plant(key, nil)
	}
	for _, says := range []string{"list", "get", "stat", "nothing"} {
		s := newCloud(b.store)
		s.modified = func(verb, key string) time.Time {
			if verb != says {
				return time.Time{}
			}
			return time.Now().Add(-2 * day)
		}
		r, err := b.runCloud(s, Options{Retention: map[string]time.Duration{"app": day}})
		require.NoError(t, err)
		want := Expired
		if says == "nothing" {
			want = Missing
		}
		requireOnly(t, r, map[Kind][]string{want: keysOf(m)})
	}
}
