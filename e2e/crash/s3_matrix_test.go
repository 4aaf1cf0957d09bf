package crash_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// blow is what happens at one request of a load: strike gives who answers it.
type blow struct {
	name   string
	strike func(t testing.TB, g *gate, kill chan<- time.Time) http.HandlerFunc
	deadly bool // for the load
	lost   bool // its state, then
}

// fault is a blow that a load outlives.
func fault(name string, f s3test.Fault) blow {
	return blow{name, func(_ testing.TB, g *gate, _ chan<- time.Time) http.HandlerFunc {
		return g.with(f)
	}, false, false}
}

// blows are what the step matrix tries at each request.
func blows() []blow {
	before := func(_ testing.TB, g *gate, kill chan<- time.Time) http.HandlerFunc {
		return g.killingBefore(kill)
	}
	after := func(_ testing.TB, g *gate, kill chan<- time.Time) http.HandlerFunc {
		return g.killingAfter(kill)
	}
	serverBefore := func(t testing.TB, g *gate, _ chan<- time.Time) http.HandlerFunc {
		return g.crashingBefore(t)
	}
	serverAfter := func(t testing.TB, g *gate, _ chan<- time.Time) http.HandlerFunc {
		return g.crashingAfter(t)
	}
	return []blow{
		fault("500", s3test.Fault{Status: http.StatusInternalServerError, Code: "InternalError"}),
		fault("done-unanswered", s3test.Fault{HangUp: true}),
		fault("done-but-500", s3test.Fault{Status: http.StatusInternalServerError,
			Code: "InternalError", Instead: true}),
		fault("slow-down", s3test.Fault{Status: http.StatusServiceUnavailable, Code: "SlowDown",
			Header: http.Header{"Retry-After": {"1"}}}),
		{"killed-before", before, true, false},
		{"killed-after", after, true, false},
		{"killed-before-state-lost", before, true, true},
		{"killed-after-state-lost", after, true, true},
		{"server-killed-before", serverBefore, false, false},
		{"server-killed-after", serverAfter, false, false},
	}
}

// TestMatrix_EachBlowAtEachRequest_EndsAsUndisturbed strikes at the first request of a load, at its
// second, and so on until one is done before its request comes, in each of the ways.
func TestMatrix_EachBlowAtEachRequest_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	gates := make(chan *gate, sweepWorkers)
	for range sweepWorkers {
		gates <- newGate(t)
	}
	g := <-gates
	want, requests := g.undisturbed(t)
	gates <- g
	t.Logf("the undisturbed load makes %d requests", requests)
	for i, b := range blows() {
		t.Run(b.name, func(t *testing.T) {
			landed := sweep(t, func(t *testing.T, step int) bool {
				g := <-gates
				defer func() { gates <- g }()
				return g.cell(t, &b, 1+i%matrixBy+(step-1)*matrixBy, want)
			})
			t.Logf("%d blows", landed)
			// Sources settle side by side, so which of them asks the store for a manifest that another one
			// has meanwhile shipped, and so need not be asked for, differs by a few requests.
			require.InDelta(t, requests/matrixBy, landed, float64(4+requests/10)/matrixBy+1)
		})
	}
}

// undisturbed loads the small corpus through the gate, and returns the bucket and how many requests
// that took.
func (g *gate) undisturbed(t *testing.T) (tree, int) {
	t.Helper()
	s := g.site(t, "undisturbed")
	s.writeSmall()
	g.set(open)
	s.must(0, loadSmall...)
	requests := g.settle()
	s.proveSmall()
	want := readTree(t, s.lake)
	folder := newSite(t)
	folder.writeSmall()
	folder.must(0, loadSmall...)
	folder.requireTree(want)
	return want, requests
}

// cell strikes at the n-th request of a load, if there are so many, and has it end.
func (g *gate) cell(t *testing.T, b *blow, n int, want tree) (landed bool) {
	s := g.site(t, fmt.Sprintf("%s-%d", b.name, n))
	s.writeSmall()
	kill := make(chan time.Time)
	var at string
	g.set(func(i int, r *http.Request) http.HandlerFunc {
		if i != n {
			return nil
		}
		landed, at = true, r.Method+" "+r.URL.Path
		return b.strike(t, g, kill)
	})
	e := s.runUntil(kill, loadSmall...)
	g.settle()
	defer func() {
		if t.Failed() {
			t.Logf("struck at request %d, %s", n, at)
		}
	}()
	if b.deadly && landed {
		require.Equal(t, -1, e.code, "%s%s", e.stdout, e.stderr)
		s.soundInBetween()
		if b.lost {
			s.loseState("")
		}
		s.must(0, loadSmall...)
	} else {
		require.Equal(t, 0, e.code, "%s%s", e.stdout, e.stderr)
	}
	s.proveSmall()
	s.requireTree(want)
	s.requireTidy()
	require.NoError(t, os.RemoveAll(s.lake))
	return landed
}
