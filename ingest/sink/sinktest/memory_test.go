package sinktest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/sink"
)

func TestMemory(t *testing.T) {
	Run(t, func(t testing.TB) sink.Store { return NewMemory(t) })
}

// recorder is a test that takes failures instead of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestMemory_Put_FailsTheTest_WhenTheObjectIsNoneOfTheFormat(t *testing.T) {
	sid, off := strings.Repeat("0", 32), strings.Repeat("0", 16)
	file := sid + "-" + off + "-" + off + "-" + off + ".parquet"
	for key, b := range map[string]string{
		"logseal.json":                     "",
		Key(1):                             "",
		"data/app/v1/" + file:              "x",
		"data/app/1/dt=2024-01-15/" + file: "x",
		"data/app/v1/dt=2024-01-15/hour=24/" + file:         "x",
		"data/app/v1/dt=2024-01-15/A" + file[1:]:            "x",
		"quarantine/app/v1/dt=2024-01-15/" + file:           "x",
		"manifests/app/v1/" + sid + "/" + off + ".json":     "x",
		"manifests/app/v1/-/" + sid + "/" + off + "-x.json": "x",
		"epochs/app/v1/" + off + ".json":                    "x",
		"schemas/app/v0.json":                               "x",
		"sources/app/v1/" + off + "/" + sid + ".json":       "x",
	} {
		r := &recorder{TB: t}
		m := NewMemory(r)
		require.Error(t, m.Put(t.Context(), Object(key, []byte(b))), key)
		require.Len(t, r.failures, 1, key)
		require.Empty(t, m.Keys())
	}
}

func TestMemory_Clone_GoesItsOwnWay(t *testing.T) {
	m := NewMemory(t)
	require.NoError(t, m.Put(t.Context(), Object(Key(1), []byte("one"))))
	c := m.Clone()
	require.Equal(t, m.Snapshot(), c.Snapshot())
	require.NoError(t, c.Put(t.Context(), Object(Key(2), []byte("two"))))
	require.NotEqual(t, m.Snapshot(), c.Snapshot())
	require.Equal(t, []string{Key(1)}, m.Keys())
	require.NoError(t, c.Delete(t.Context(), Key(2)))
	require.Equal(t, m.Snapshot(), c.Snapshot())
}

func TestMemory_Snapshot_IsEqualExactlyForEqualContents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stores := []*Memory{NewMemory(t), NewMemory(t)}
		for range rapid.IntRange(0, 12).Draw(rt, "steps") {
			s := stores[rapid.IntRange(0, 1).Draw(rt, "store")]
			key := Key(rapid.IntRange(0, 2).Draw(rt, "key"))
			if rapid.Bool().Draw(rt, "delete") {
				require.NoError(rt, s.Delete(t.Context(), key))
			} else {
				b := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "body")
				_ = s.Put(t.Context(), Object(key, []byte(b))) // a conflict changes nothing
			}
			require.Equal(rt, contents(stores[0]) == contents(stores[1]),
				stores[0].Snapshot() == stores[1].Snapshot())
		}
	})
}

func contents(m *Memory) string {
	var b strings.Builder
	for _, key := range m.Keys() {
		fmt.Fprintf(&b, "%s=%s\n", key, m.Body(key))
	}
	return b.String()
}

func TestMemory_Plant_KeepsToNoRule(t *testing.T) {
	m := NewMemory(t)
	empty := m.Snapshot()
	require.NoError(t, m.Put(t.Context(), Object(Key(1), []byte("one"))))
	m.Plant(Key(1), []byte("other"))
	m.Plant("data/junk", []byte{})
	require.Equal(t, "other", string(m.Body(Key(1))))
	require.Equal(t, []string{Key(1), "data/junk"}, m.Keys())
	m.Plant(Key(1), nil)
	m.Plant("data/junk", nil)
	require.Equal(t, empty, m.Snapshot())
}
