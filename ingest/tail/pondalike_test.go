package tail

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
)

// Logs that begin alike, as those of one program do, are what sameHead makes: one first line for
// all, then lines that no other log has.

// wantLogs demands all lines of these logs, each as often as it stands in them, nothing else, and a
// sink without a fault.
func (p *pond) wantLogs(logs ...[]byte) {
	p.t.Helper()
	left := map[string]int{}
	for _, log := range logs {
		for l := range strings.Lines(string(log)) {
			left[strings.TrimSuffix(l, "\n")]++
		}
	}
	for _, l := range p.lines() {
		left[l]--
	}
	var missing, doubled []string
	for _, l := range slices.Sorted(maps.Keys(left)) {
		switch {
		case left[l] > 0:
			missing = append(missing, l)
		case left[l] < 0:
			doubled = append(doubled, l)
		}
	}
	require.Empty(p.t, few(missing), "%d lines are missing; problems: %v", len(missing),
		few(p.problems()))
	require.Empty(p.t, few(doubled), "%d lines are there too often", len(doubled))
	p.verify()
}

// few is enough of many to tell what is wrong.
func few[T any](all []T) []T { return all[:min(len(all), 5)] }

func (p *pond) problems() []commit.Problem {
	if p.tail == nil {
		return nil
	}
	return p.tail.Status().Problems
}

// writeAlike writes logs that begin alike, one at each path, of so many lines after the first, and
// returns them.
func (p *pond) writeAlike(lines map[string]int) (logs [][]byte) {
	for i, path := range slices.Sorted(maps.Keys(lines)) {
		log := filestest.SameHead(string(rune('i'+i)), lines[path])
		p.fs.Write(path, log)
		logs = append(logs, log)
	}
	return logs
}

// haveCommitted has another host, of the same origin, ship a log that this one's ledger does not know.
func (p *pond) haveCommitted(t *testing.T, log []byte) {
	q := p.other(t)
	q.fs = filestest.New()
	q.fs.Write("/logs/earlier", log)
	q.start()
	q.pass(time.Minute)
	q.finish()
}

// haveLedger lets a tail run so that its ledger knows something: then a start does not wait for the
// sink. It returns what that shipped.
func (p *pond) haveLedger() (log []byte) {
	log = []byte("z1\n")
	p.fs.Write("/logs/z", log)
	p.start()
	p.pass(time.Minute)
	p.finish()
	return log
}

// slowStore takes a while for each call.
type slowStore struct {
	sink.Store
	put, ask time.Duration // a put or delete; any other
}

func (s slowStore) Put(ctx context.Context, o sink.Object) error {
	time.Sleep(s.put)
	return s.Store.Put(ctx, o)
}

func (s slowStore) Delete(ctx context.Context, key string) error {
	time.Sleep(s.put)
	return s.Store.Delete(ctx, key)
}

func (s slowStore) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	time.Sleep(s.ask)
	return s.Store.Get(ctx, key)
}

func (s slowStore) Stat(ctx context.Context, key string) (sink.Info, error) {
	time.Sleep(s.ask)
	return s.Store.Stat(ctx, key)
}

func (s slowStore) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	time.Sleep(s.ask)
	return s.Store.List(ctx, prefix)
}

// countingStore counts what is asked of it and not put.
type countingStore struct {
	sink.Store
	asked *atomic.Int64
}

func (s countingStore) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	s.asked.Add(1)
	return s.Store.Get(ctx, key)
}

func (s countingStore) Stat(ctx context.Context, key string) (sink.Info, error) {
	s.asked.Add(1)
	return s.Store.Stat(ctx, key)
}

func (s countingStore) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	s.asked.Add(1)
	return s.Store.List(ctx, prefix)
}

// rotated gives so many names of one log's generations.
func rotated(n int) (paths []string) {
	paths = []string{"/logs/app.log"}
	for i := 1; i < n; i++ {
		paths = append(paths, fmt.Sprintf("/logs/app.log.%d", i))
	}
	return paths
}
