package verify

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/table"
)

// has wants a report to have a finding.
func has(t *testing.T, r *Report, kind Kind, key string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Kind == kind && f.What == key {
			return
		}
	}
	require.Fail(t, "no such finding", "%s %s in %v", kind, key, r.Findings)
}

// What is too large to be a manifest or a definition is named as such: it fills no memory, and all
// else is verified.
func TestRun_OversizedDocuments_AreDiffering(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 100), 0, 1000)
	two := b.load("two.log", content("two", 100), 0, 1000)
	large := bytes.Repeat([]byte(" "), sink.DocumentMax+1)
	forged := two[len(two)-1].Key()
	b.store.Plant(forged, append(b.store.Body(forged), large...))
	r := b.run(everything("one.log"))
	has(t, r, Differing, forged)

	b = newBucket(t)
	one := b.load("one.log", content("one", 100), 0, 1000)
	key := table.EpochKey(one[0].Table(), one[0].Epoch)
	b.store.Plant(key, append(b.store.Body(key), large...))
	has(t, b.run(Options{Deep: true}), Differing, key)
}
