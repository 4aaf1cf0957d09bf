package crash_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// heap is many small files that several machines load, and the bucket that a load of one machine
// makes of them.
type heap struct {
	*cloud
	paths  string
	want   tree
	places [2]map[string][]int64 // of data and quarantine
	bytes  int64                 // that were sealed
}

// heapFiles are the files of a heap besides those that are like another one.
const heapFiles = 20

// newHeap writes the files: some are compressed, one begins as another one does, and one is a copy.
func newHeap(t *testing.T, c *cloud) *heap {
	t.Helper()
	files := &site{TB: t, root: t.TempDir()}
	for i := range heapFiles {
		lines := appLines(100+i, 1000+300*(i%9))
		name := fmt.Sprintf("%02d.log", i)
		if i%4 == 3 {
			name, lines = name+".gz", gzipped(t, lines)
		}
		files.write(name, lines)
	}
	first := appLines(100, 1000)
	files.write("copy.log", first)
	line, _, _ := strings.Cut(string(first), "\n")
	files.write("twin.log", append([]byte(line+"\n"), appLines(200, 2000)...))
	h := &heap{cloud: c, paths: files.path("*")}
	s := h.machine(t, c, "undisturbed", smallBatch)
	h.bytes = s.must(0, loadSmallJSON...).loaded(t).Bytes
	h.prove(s)
	h.want, h.places = readTree(t, s.lake), placesOf(s)
	require.Len(t, h.places[0], heapFiles+1, "sources")
	return h
}

func placesOf(s *site) [2]map[string][]int64 {
	return [2]map[string][]int64{places(s, s.lake+"/data"), places(s, s.lake+"/quarantine")}
}

// machine is one that shares nothing with another but the files and, by some way, the bucket.
func (h *heap) machine(t testing.TB, way *cloud, prefix, batch string) *site {
	s := way.site(t, prefix)
	s.configureSmall(h.paths, batch)
	return s
}

// machines are several that go straight to one prefix.
func (h *heap) machines(t testing.TB, prefix string, batches ...string) (all []*site) {
	for _, batch := range batches {
		all = append(all, h.machine(t, h.cloud, prefix, batch))
	}
	return all
}

// together loads on all machines at once, and returns how many bytes each has sealed.
func together(t testing.TB, machines []*site, args func(i int) []string) []int64 {
	t.Helper()
	sealed := make([]int64, len(machines))
	var wg sync.WaitGroup
	for i, s := range machines {
		wg.Go(func() { sealed[i] = s.must(0, args(i)...).loaded(s).Bytes })
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return sealed
}

var loadSmallJSON = append(slices.Clip(loadSmall), "--json")

func alike(int) []string { return loadSmallJSON }

// prove wants verify to find nothing, down to the files, and nothing left over either.
func (h *heap) prove(s *site) {
	s.Helper()
	e := s.must(0, "verify", "-c", "ingest.yaml", "--json", "--deep", "--source", h.paths)
	var found map[string]any
	require.NoError(s, json.Unmarshal([]byte(e.stdout), &found))
	for _, list := range []string{"superseded", "unfinished", "pending", "lost", "expired"} {
		require.Equal(s, []any{}, found[list], list)
	}
	s.requireTidy()
}

// proveAlike wants the bucket that one undisturbed load makes.
func (h *heap) proveAlike(s *site) {
	s.Helper()
	h.prove(s)
	s.requireTree(h.want)
}

// proveCounted wants a glob over the objects to count each row once, whatever the batches.
func (h *heap) proveCounted(s *site) {
	s.Helper()
	h.prove(s)
	require.Equal(s, h.places, placesOf(s))
}

// TestMachines_LoadOneHeapAtOnce_MakeWhatOneMakes starts three loads at once that share no state.
func TestMachines_LoadOneHeapAtOnce_MakeWhatOneMakes(t *testing.T) {
	t.Parallel()
	h := newHeap(t, newCloud(t))
	for round := range machineRounds {
		same := h.machines(t, fmt.Sprintf("same-%d", round), smallBatch, smallBatch, smallBatch)
		together(t, same, alike)
		for _, s := range same {
			h.proveAlike(s)
		}
		others := h.machines(t, fmt.Sprintf("others-%d", round), smallBatch, "1700B", "3KiB")
		together(t, others, alike)
		for _, s := range others {
			h.proveCounted(s)
		}
	}
}

// TestMachines_Shards_MakeWhatOneMakes loads a third of the heap on each machine.
func TestMachines_Shards_MakeWhatOneMakes(t *testing.T) {
	t.Parallel()
	h := newHeap(t, newCloud(t))
	shards := h.machines(t, "shards", smallBatch, smallBatch, smallBatch)
	sealed := together(t, shards, shardOf)
	require.Equal(t, h.bytes, sealed[0]+sealed[1]+sealed[2], "each file is of one shard")
	for _, bytes := range sealed {
		require.Less(t, bytes, h.bytes*2/3, "%v", sealed)
	}
	for _, s := range shards {
		h.proveAlike(s)
	}
}

func shardOf(i int) []string {
	return append(slices.Clip(loadSmallJSON), "--shard", fmt.Sprintf("%d/3", i))
}

// victim is a machine that dies, with its state, while it loads.
type victim struct {
	*site
	*gate
}

// newVictim is a machine that goes to the bucket through a gate.
func (h *heap) newVictim(t testing.TB, prefix string) victim {
	g := newGateTo(t, h.cloud)
	return victim{h.machine(t, g.cloud, prefix, smallBatch), g}
}

// die loads until the n-th PUT of an object below a root, and is killed before it, or after. It
// reports whether there were so many.
func (v victim) die(n int, root string, after bool, args ...string) (killed bool) {
	v.site.Helper()
	kill := make(chan time.Time)
	puts := 0
	v.set(func(_ int, r *http.Request) http.HandlerFunc {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/"+root+"/") {
			if puts++; puts == n {
				if after {
					return v.killingAfter(kill)
				}
				return v.killingBefore(kill)
			}
		}
		return nil
	})
	e := v.runUntil(kill, args...)
	v.settle()
	require.Contains(v.site, []int{-1, 0}, e.code, "%s%s", e.stdout, e.stderr)
	v.loseState("")
	return e.code == -1
}

// deaths are the moments of a load at which its machine is lost.
func deaths(try func(name string, n int, root string, after bool)) {
	i := 0
	for n := 3; n <= deathLast; n += 2 {
		for _, root := range []string{"data", "quarantine", "manifests"} {
			for _, after := range []bool{false, true} {
				if i%deathBy == 0 {
					try(fmt.Sprintf("%s-%d-%v", root, n, after), n, root, after)
				}
				i++
			}
		}
	}
}

// TestMachines_OneIsLost_AnotherFinishes loses a machine with its state in mid-load. Another one,
// which is new or whose ledger is damaged, does the rest.
func TestMachines_OneIsLost_AnotherFinishes(t *testing.T) {
	t.Parallel()
	h := newHeap(t, newCloud(t))
	deaths(func(name string, n int, root string, after bool) {
		t.Run(name, func(t *testing.T) {
			v := h.newVictim(t, name)
			// The other machine has loaded a part before, and lost its ledger.
			other := h.machine(t, h.cloud, name, smallBatch)
			other.must(0, append(slices.Clip(loadSmall), filepath.Dir(h.paths)+"/00.log")...)
			require.NoError(t, os.Truncate(other.state+"/ledger.db", 20_000))
			require.True(t, v.die(n, root, after, loadSmall...))
			v.soundInBetween()
			e := other.must(1, loadSmall...)
			require.Contains(t, e.stderr, "state rebuild")
			other.must(0, "state", "rebuild", "-c", "ingest.yaml")
			other.must(0, loadSmall...)
			h.proveAlike(other)
			// And to a third one there is nothing left to do.
			third := h.machine(t, h.cloud, name, smallBatch)
			l := third.must(0, loadSmallJSON...).loaded(t)
			require.Zero(t, l.Bytes)
			h.proveAlike(third)
		})
	})
}

// TestMachines_OneOfTwoDies_TheOtherFinishes loses one of two machines that load at once, with its
// state; the other one goes on meanwhile, with the same batches or others.
func TestMachines_OneOfTwoDies_TheOtherFinishes(t *testing.T) {
	t.Parallel()
	h := newHeap(t, newCloud(t))
	died := 0
	deaths(func(name string, n int, root string, after bool) {
		for _, batch := range []string{smallBatch, "1700B"} {
			t.Run(name+"-"+batch, func(t *testing.T) {
				prefix := name + "-" + batch
				v, other := h.newVictim(t, prefix), h.machine(t, h.cloud, prefix, batch)
				var wg sync.WaitGroup
				wg.Go(func() { other.must(0, loadSmall...) })
				if v.die(n, root, after, loadSmall...) { // the other may have done it all before
					died++
				}
				wg.Wait()
				if batch == smallBatch {
					h.proveAlike(other)
					return
				}
				other.must(0, "verify", "-c", "ingest.yaml", "--clean")
				h.proveCounted(other)
			})
		}
	})
	t.Logf("%d deaths", died)
	require.Positive(t, died)
}

// TestMachines_AShardIsLost_AnotherTakesItOver loses the machine of one shard of three.
func TestMachines_AShardIsLost_AnotherTakesItOver(t *testing.T) {
	t.Parallel()
	h := newHeap(t, newCloud(t))
	deaths(func(name string, n int, root string, after bool) {
		t.Run(name, func(t *testing.T) {
			v := h.newVictim(t, name)
			shards := h.machines(t, name, smallBatch, smallBatch, smallBatch)
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() { shards[i].must(0, shardOf(i)...) })
			}
			require.True(t, v.die(n, root, after, shardOf(2)...))
			wg.Wait()
			shards[2].must(0, shardOf(2)...)
			h.proveAlike(shards[2])
		})
	})
}
