package tail

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"logseal/ingest/widetest"

	"github.com/stretchr/testify/require"
)

// The model plays histories of a host: programs write, rotate and delete logs, whoever backs them up
// copies and packs them, the tail is killed and started again, the sink and the disk fail, state is
// lost, others write to the same table. In the end it holds what is in the table against what the
// programs wrote. Its parts are in files of their own: what happens to logs, what fails, what is
// lost, and what has to come out.
//
// A history is drawn from its seed alone, and each of its steps from the seed and its number, so that
// steps can be left out: of one that fails only those are told without which it does not. What the
// goroutines of the tail do at one instant is in no order, so some histories fail only now and then.
//
// This plays the histories 17, 18 and 19 of one kind:
//
//	go test ./ingest/tail -run Model_Losing -model.first 17 -model.count 3

var (
	modelFirst = flag.Uint64("model.first", 1, "first seed of the histories of the tail's model")
	modelCount = flag.Int("model.count", 0, "how many histories of each kind; 0: as many as is usual")
	// A goroutine that sleeps while it holds a mutex for which another waits stops the clock of its
	// bubble for good: without these faults nothing sleeps but what waits for an outage to end.
	modelFaults = flag.Bool("model.faults", true, "let calls of a store fail, lag and find no room")
)

// modelKind is what a history may have beside the faults of sink and disk.
type modelKind struct {
	name   string
	losing bool // ledger and spool are lost, or an old copy of them is put back
	two    bool // a second tail follows the same files, with a state of its own
}

func TestTail_Model_One(t *testing.T) {
	playHistories(t, modelKind{name: "one"}, widetest.UpTo(800, 40_000))
}

func TestTail_Model_Losing(t *testing.T) {
	playHistories(t, modelKind{name: "losing", losing: true}, widetest.UpTo(600, 30_000))
}

func TestTail_Model_Two(t *testing.T) {
	playHistories(t, modelKind{name: "two", losing: true, two: true}, widetest.UpTo(600, 30_000))
}

// TestTail_Model_Found plays histories that failed once. They tell for as long as histories are drawn as they
// were then.
func TestTail_Model_Found(t *testing.T) {
	before := runtime.GOMAXPROCS(1) // who runs next is nearly always the same then
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	one, two := modelKind{name: "one"}, modelKind{name: "two", losing: true, two: true}
	losing := modelKind{name: "losing", losing: true}
	for seed, kind := range map[uint64]modelKind{
		52005005:  losing, // a file was renamed while it rested, and who shipped it looked where it had been
		62005993:  losing, // an archive whose source waits for another kept the only descriptor from that one's file
		71035800:  one,    // the file at rest that told a log apart did not open the first time, and was not asked again
		73006942:  two,    // a tail that ended asked without end about a log that another of its own begins like
		101026083: one,    // what told a log apart outlived the bytes that told it
		11009799:  one,    // a rotated file's last line waited for its turn, and the lane for the file
		11007077:  one,    // another log's source left a truncated file's bytes in memory
		21013949:  one,    // a short log was held against a file at rest that had only the beginning
		43004785:  two,    // an old ledger had a batch that is held, and that was taken for kept
		33011967:  two,    // two sources that waited woke each other by what they learnt anew
	} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playFromTo(t, kind, seed, seed+1) })
	}
}

// modelGC lets the heap of some ten MB grow to a hundred before it is collected: a third less to do.
const modelGC = 800

// modelDir gives a folder for a state, in memory where there is such a disk: what dies is a process, so
// nothing depends on a disk that keeps what is synced, and to sync takes half of the time.
func modelDir() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "tail-model-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "tail-model-")
}

// playedAtOnce is how many histories are one test: enough that what a test costs is little.
const playedAtOnce = 20

func playHistories(t *testing.T, kind modelKind, count int) {
	if *modelCount > 0 {
		count = *modelCount
	}
	playFromTo(t, kind, *modelFirst, *modelFirst+uint64(count))
}

func playFromTo(t *testing.T, kind modelKind, first, last uint64) {
	warmUpOnce(t)
	debug.SetTraceback("all")
	debug.SetGCPercent(modelGC)
	for from := first; from < last; from += playedAtOnce {
		to := min(last, from+playedAtOnce)
		t.Run(fmt.Sprintf("%d-%d", from, to-1), func(t *testing.T) {
			t.Parallel()
			for seed := from; seed < to; seed++ {
				h := newHistory(kind, seed)
				if out := h.play(t); out.wrong != "" {
					out = h.shorten(t, out)
					t.Errorf("history %d of kind %s: %s\n%s", seed, kind.name, out.wrong, out.story)
				}
			}
		})
	}
}

// history is what is played: steps by their numbers, in order.
type history struct {
	kind  modelKind
	seed  uint64
	steps []uint64
}

// outcome is how a history ended.
type outcome struct {
	wrong string // empty when nothing is
	story string
}

func newHistory(kind modelKind, seed uint64) history {
	h := history{kind: kind, seed: seed}
	for i := range 10 + h.rng(0).Uint64N(50) {
		h.steps = append(h.steps, i+1)
	}
	return h
}

// rng gives what step n is drawn from; 0 is what is before the first step.
func (h history) rng(n uint64) *rand.Rand { return rand.New(rand.NewPCG(h.seed, n)) }

// playsAtMost is how long a history may take, which is a thousandth of that as a rule: one that takes
// longer hangs, as when a goroutine works without end while no time passes.
const playsAtMost = 2 * time.Minute

func (h history) play(t *testing.T) (out outcome) {
	told := &story{}
	hangs := time.AfterFunc(playsAtMost, func() {
		panic(fmt.Sprintf("history %d of kind %s hangs:\n%s", h.seed, h.kind.name, told))
	})
	defer hangs.Stop()
	synctest.Test(t, func(t *testing.T) {
		dir, err := modelDir()
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		m := newModel(t, h, dir, told)
		defer func() {
			switch r := recover().(type) {
			case nil:
			case wrongness:
				out.wrong = string(r)
			default:
				out.wrong = fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
			}
			out.story = m.told.String()
			defer func() { recover() }() // what a failed history leaves need not be in order
			m.abort()
		}()
		m.play(h.seed)
	})
	return out
}

// play plays the history. A panic of the tail ends the program; then the trace of the goroutine that
// is here, in the same bubble, tells the seed.
//
//go:noinline
func (m *model) play(seed uint64) {
	m.start()
	for _, n := range m.steps {
		m.step(n)
	}
	m.check()
	fmt.Fprintln(m.told, "history", seed, "ends well")
}

// shortenFor bounds how long it is tried to make a failing history shorter.
const shortenFor = 30 * time.Second

// shorten leaves out steps for as long as the history fails without them.
func (h history) shorten(t *testing.T, out outcome) outcome {
	began := time.Now()
	for size := len(h.steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(h.steps); {
			less := h
			less.steps = slices.Delete(slices.Clone(h.steps), at, at+size)
			if time.Since(began) > shortenFor {
				return out
			}
			if again := less.play(t); again.wrong != "" {
				h, out = less, again
			} else {
				at += size
			}
		}
	}
	return out
}

// wrongness is what ends a history that fails.
type wrongness string

// story is what a history tells, and several tell it.
type story struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *story) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *story) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// critic is the failer of what a model uses: the first demand that is not met ends the history.
type critic struct{ said string }

func (c *critic) Helper() {}

func (c *critic) Errorf(format string, args ...any) { c.said += fmt.Sprintf(format, args...) }

func (c *critic) FailNow() { panic(wrongness(c.said)) }

// step takes the n-th step of the history and tells what became of it.
func (m *model) step(n uint64) {
	m.rng = m.history.rng(n)
	names := slices.Sorted(maps.Keys(m.moves))
	name := names[m.rng.IntN(len(names))]
	before, began := m.contents(), time.Now()
	m.moves[name]()
	m.noteEnd()
	fmt.Fprintf(m.told, "%s: %d %s, for %v; up %v, sink down %v, storm %v\n", began.Format("04:05.000"), n,
		name, time.Since(began), m.tail != nil, m.storm.isDown(), m.storm.rages())
	now := m.contents()
	for _, path := range slices.Sorted(maps.Keys(now)) {
		if was, ok := before[path]; !ok || was != now[path] {
			fmt.Fprintf(m.told, "    %s: %q -> %q\n", path, was, now[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if _, ok := now[path]; !ok {
			fmt.Fprintf(m.told, "    %s is gone\n", path)
		}
	}
}

// hashOf is of what names something.
func hashOf(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, parts...)
	return h.Sum64()
}
