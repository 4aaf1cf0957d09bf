package crash_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// configure writes a config whose batches are of batchBytes.
func (s *site) configure(name string, batchBytes int64) {
	s.write(name, fmt.Appendf([]byte(s.where), "streams:\n  - name: app\n    format: app\n"+
		"    batch: {max_bytes: %d}\n    rejects: {on_exceed: quarantine}\n", batchBytes))
}

// killsMax bounds how often one load is killed: only one that makes no headway needs as many.
const killsMax = 300

// killer kills loads at random moments. How long it lets them run it finds out by trying, as the
// machine may be busy or idle: so long that a load is killed about twice.
type killer struct {
	t testing.TB
	*rand.Rand
	most  time.Duration
	kills int
}

// newKiller logs what its random numbers come from.
func newKiller(t testing.TB, most time.Duration) *killer {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &killer{t, rand.New(rand.NewPCG(seed, 0)), most, 0}
}

// load runs a load until it comes to its end, and kills it at random moments. Between two runs it
// calls between. It returns how often it killed.
func (k *killer) load(s *site, args func() []string, between func()) int {
	s.Helper()
	for kills := range killsMax {
		e := s.runUntil(time.After(time.Duration(k.Int64N(int64(k.most)))), args()...)
		if e.code == 0 {
			k.learn(kills)
			return kills
		}
		require.Equal(s, -1, e.code, "%s%s", e.stdout, e.stderr)
		between()
	}
	require.FailNow(s, "the load makes no headway", "it was killed %d times", killsMax)
	return 0
}

// learn takes how often a load was killed.
func (k *killer) learn(kills int) {
	k.kills += kills
	switch {
	case kills < 2:
		k.most = k.most * 3 / 4
	case kills > 2:
		k.most = k.most * 5 / 4
	}
}

// baseline loads the log undisturbed and returns its sink and how long that took.
func (x *large) baseline(s *site, batchBytes int64) (tree, time.Duration) {
	s.Helper()
	s.configure("ingest.yaml", batchBytes)
	start := time.Now()
	s.must(0, "load", "-c", "ingest.yaml", x.path)
	took := time.Since(start)
	x.prove(s, "ingest.yaml")
	x.requireCounted(s)
	return readTree(s, s.lake), took
}

// prove wants verify to find nothing, down to the log.
func (x *large) prove(s *site, config string) {
	s.Helper()
	s.must(0, "verify", "-c", config, "--deep", "--source", x.path)
}

// requireCounted wants a glob over the objects to count each record of the log once.
func (x *large) requireCounted(s *site) {
	s.Helper()
	for root, want := range map[string][]int64{"data": x.rows, "quarantine": x.rejects} {
		found := places(s, filepath.Join(s.lake, root))
		require.LessOrEqual(s, len(found), 1, "sources in %s", root)
		have := slices.Concat(slices.Collect(maps.Values(found))...)
		requireSame(s, root, want, have)
	}
}

// requireSame is require.Equal with a message of bearable size.
func requireSame(t testing.TB, what string, want, have []int64) {
	t.Helper()
	for i := range min(len(want), len(have)) {
		require.Equal(t, want[i], have[i], "offset number %d of %d %s", i, len(want), what)
	}
	require.Equal(t, len(want), len(have), what)
}

// TestRandom_KilledUntilDone_EndsAsUndisturbed kills loads of a large log at random moments.
func TestRandom_KilledUntilDone_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	x := writeLarge(t, filepath.Join(t.TempDir(), "app.log"), randomBytes)
	want, took := x.baseline(newSite(t), randomBatch)
	k := newKiller(t, took)
	for range randomRounds {
		s := newRound(t)
		s.configure("ingest.yaml", randomBatch)
		args := []string{"load", "-c", "ingest.yaml", x.path}
		k.load(s, func() []string { return args }, func() {})
		s.requireTree(want)
		s.requireTidy()
		s.must(0, "verify", "-c", "ingest.yaml")
		s.remove()
	}
	t.Logf("%d loads of %d bytes, %v undisturbed: %d kills", randomRounds, x.size, took, k.kills)
	require.Positive(t, k.kills)
}

// TestRandom_StateLostInMidLoad_CountsExactly loses state between two kills.
func TestRandom_StateLostInMidLoad_CountsExactly(t *testing.T) {
	t.Parallel()
	x := writeLarge(t, filepath.Join(t.TempDir(), "app.log"), randomBytes)
	want, took := x.baseline(newSite(t), randomBatch)
	for _, other := range []bool{false, true} {
		for _, lost := range losses {
			t.Run(fmt.Sprintf("other-batches-%v%s", other, lost), func(t *testing.T) {
				k := newKiller(t, took/2)
				for range lossRounds {
					s := newRound(t)
					x.loseState(s, k, lost, other)
					if !other {
						s.requireTree(want)
					}
					s.remove()
				}
				t.Logf("%d kills", k.kills)
			})
		}
	}
}

// losses are what can get lost of a state folder.
var losses = []string{"", "/ledger.db", "/spool"}

// loseState loads the log, loses what is to be lost after about every other kill, and goes on, with
// other batches if wanted.
func (x *large) loseState(s *site, k *killer, lost string, other bool) {
	s.Helper()
	size := int64(randomBatch)
	k.load(s, func() []string {
		s.configure("ingest.yaml", size)
		return []string{"load", "-c", "ingest.yaml", x.path}
	}, func() {
		if k.IntN(2) == 0 {
			return
		}
		s.loseState(lost)
		if other {
			size = randomBatch/4 + k.Int64N(randomBatch*3/2)
		}
	})
	s.must(0, "verify", "-c", "ingest.yaml", "--clean")
	x.requireCounted(s)
	x.prove(s, "ingest.yaml")
}
