package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"sync"
	"testing/synctest"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/spool"
)

// step is what the scheduler lets an operation do.
type step uint8

const (
	proceed step = iota
	die          // the process is killed before the operation
	failIt       // the operation fails and nothing is done
	loseIt       // the operation is done, but its reply is an error
	delayIt      // the operation fails, but stays in the network and is done later
)

var (
	errDead  = errors.New("process is dead")
	errReply = errors.New("reply was lost")
)

// op is an operation that is about to be done.
type op struct {
	name   string
	shared bool // others may come between: it is on the store
	effect bool
	later  func() // does it again when it was delayed; nil when that is nothing
}

// process is one run of a writer's program, from its start to its end or death. The scheduler lets
// one operation go on at a time; each goroutine of the program may wait with one.
type process struct {
	mu     sync.Mutex // guards what follows while its goroutines run
	parked []*parked  // in the order of their names
	dead   bool
	free   bool // it waits for nobody
	broken bool // a commit of its ledger failed
	ended  bool
	err    error
	report *commit.Report
	// history is of all that it has seen, in whatever order, since two goroutines see it: with its
	// disk at the start it decides its memory.
	history uint64
}

// parked is an operation that waits for the scheduler.
type parked struct {
	op
	resume chan step
}

// gate waits for the scheduler.
func (p *process) gate(o op) step {
	x := &parked{o, make(chan step)}
	p.mu.Lock()
	if p.dead || p.free {
		defer p.mu.Unlock()
		if p.dead {
			return die
		}
		return proceed
	}
	p.parked = append(p.parked, x)
	slices.SortStableFunc(p.parked, func(a, b *parked) int { return strings.Compare(a.name, b.name) })
	p.mu.Unlock()
	return <-x.resume
}

// saw adds to the history what the process got to know.
func (p *process) saw(parts ...any) {
	h := fnv.New64a()
	for _, x := range parts {
		fmt.Fprintf(h, "|%v", x)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.history += h.Sum64()
}

// private runs an operation on the writer's own disk.
func (p *process) private(name string, do func() error) error {
	s := p.gate(op{name: name, effect: true})
	if s == die {
		return errDead
	}
	var err error
	if s != failIt {
		err = do()
	}
	if s != proceed {
		err = errReply
	}
	p.saw(name, err)
	return err
}

// writer is a machine with its disk and, while it is up, a process.
type writer struct {
	name    string
	cfg     commit.Config // Store, Ledger, Spool and the epoch's encoder are set at each start
	encoder int
	ledger  *memLedger
	spool   memSpool
	old     *disk // a snapshot of its disk, for a restore
	process *process
	gone    bool
	free    bool // its runs wait for nobody

	fileGone string // the path of a file that was deleted
	fileAway string // and of one that this run does not find
	offDisk  string // and of that one, if it was moved away
}

type disk struct {
	ledger *memLedger
	spool  memSpool
}

// procLedger, procSpool and procStore are the seams of one process.
type procLedger struct {
	*process
	w                     *writer
	commit.SightingLedger // a load asks for none of these
	commit.TableLedger
}

func (l procLedger) Empty() bool { return len(l.w.ledger.sources) == 0 }

func (l procLedger) Get(k source.Key) (*offsets.Source, bool, error) {
	s, ok := l.w.ledger.get(k)
	return s, ok, nil
}

func (l procLedger) Ends(k source.Key) ([]offsets.End, error) { return l.w.ledger.endsOf(k), nil }

func (l procLedger) All() ([]source.Key, error) { return l.w.ledger.keys(), nil }

func (l procLedger) Waiting() (keys []source.Key, err error) {
	for _, key := range l.w.ledger.keys() {
		if len(l.w.ledger.sources[key].src.Outbox) > 0 {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (l procLedger) Update(k source.Key, fn func(*offsets.Source) error) error {
	return l.commit("update "+l.change(k, fn), func() error { return l.w.ledger.update(k, fn) })
}

func (p *process) isBroken() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// change names what an update does, so that two under way at once are told apart.
func (l procLedger) change(k source.Key, fn func(*offsets.Source) error) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, ok := l.w.ledger.get(k)
	if !ok {
		was = &offsets.Source{Sealed: source.Origin(), LastStart: -1}
	}
	now := cloneSource(*was)
	if err := fn(&now); err != nil {
		return k.ID.String()[:4]
	}
	return fmt.Sprintf("%s sealed %d-%d shipped %d-%d", k.ID.String()[:4], was.Sealed.Offset,
		now.Sealed.Offset, was.Shipped, now.Shipped)
}

// commit is a transaction; after one whose outcome is unknown the ledger refuses further use.
func (l procLedger) commit(name string, do func() error) error {
	if l.isBroken() {
		return offsets.ErrUnusable
	}
	err := l.private("ledger "+name, do)
	if errors.Is(err, errReply) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.broken = true
	}
	return err
}

func (l procLedger) Delete(k source.Key) error {
	return l.commit("delete "+k.ID.String()[:4], func() error {
		l.w.ledger.delete(k)
		return nil
	})
}

func (l procLedger) GetFile(t source.Table, path string) (offsets.FileRecord, bool, error) {
	f, ok := l.w.ledger.file(t.String() + " " + path)
	return f, ok, nil
}

func (l procLedger) PutFile(t source.Table, f ...offsets.FileRecord) error {
	return l.commit("remember "+f[0].Path, func() error { return l.w.ledger.putFiles(t, f) })
}

type procSpool struct {
	*process
	w *writer
}

func (s procSpool) Stage() (commit.Stage, error) {
	return &memStage{
		files: map[string]*bytes.Buffer{},
		commit: func(name string, b memBatch) error {
			return s.private("spool commit "+name[:4]+name[32:], func() error {
				if _, ok := s.w.spool[name]; !ok {
					s.w.spool[name] = b
				}
				return nil
			})
		},
	}, nil
}

func (s procSpool) Recover() ([]spool.Entry, error) { return s.w.spool.entries(), nil }

func (s procSpool) Manifest(name string) ([]byte, error) { return s.w.spool.manifest(name) }

func (s procSpool) Open(name string, i int) (io.ReadCloser, error) { return s.w.spool.open(name, i) }

func (s procSpool) Reserve(context.Context, int64) (func(), error) { return func() {}, nil }

func (s procSpool) Hold(string) {}

func (s procSpool) Held() ([]spool.Entry, error) { return nil, nil }

func (s procSpool) RemoveHeld(string) error { return nil }

func (s procSpool) SetApart(name string) error { return s.Remove(name) }

func (s procSpool) Remove(name string) error {
	if _, ok := s.w.spool[name]; !ok {
		return nil
	}
	return s.private("spool remove "+name[:4]+name[32:], func() error {
		delete(s.w.spool, name)
		return nil
	})
}

// start runs the program on the writer's disk until it wants to do its first operation.
func (w *writer) start(world *world) {
	if world.scene.offDisk {
		w.moveAway()
	}
	p := &process{free: w.free}
	led, sp := w.ledger.digest(), w.spool.digest()
	p.saw(w.encoder, led, sp)
	w.process = p
	cfg := w.cfg
	cfg.Ledger, cfg.Spool, cfg.Store = procLedger{process: p, w: w}, procSpool{p, w}, procStore{p, world}
	cfg.Workers = 1
	cfg.Inputs = slices.DeleteFunc(slices.Clone(cfg.Inputs), func(in commit.Input) bool {
		return in.Path == w.fileGone || in.Path == w.fileAway
	})
	cfg.Streams = []commit.Stream{streamOf(world.scene, w.encoder, w.cfg.Streams[0])}
	r := commit.NewEngine(cfg)
	r.PutsAtOnce, r.GetsAtOnce, r.InHand = 1, 1, 1
	r.ShipBehind = world.scene.shipBehind
	r.Sealer = world.scene.sealer
	go func() {
		report, err := (&loader{r}).load(context.Background())
		p.mu.Lock()
		defer p.mu.Unlock()
		p.report, p.err, p.ended = report, err, true
	}()
	w.settle()
}

func streamOf(s *scene, encoder int, st commit.Stream) commit.Stream {
	e := *s.epoch
	e.Encoder = encoder
	st.Epoch, st.Parser = &e, s.parser
	return st
}

// up reports whether the process runs.
func (w *writer) up() bool {
	if w.process == nil {
		return false
	}
	w.process.mu.Lock()
	defer w.process.mu.Unlock()
	return !w.process.ended
}

// settle waits until all goroutines of the process wait. The lock makes what they did before seen
// here, those that have ended included.
func (w *writer) settle() {
	synctest.Wait()
	w.up()
}

// do decides about an operation that the process waits to do, and lets it run until all of its
// goroutines wait.
func (w *writer) do(i int, s step) {
	x := w.process.parked[i]
	w.process.parked = slices.Delete(w.process.parked, i, i+1)
	x.resume <- s
	w.settle()
}

// kill ends the process where it is.
func (w *writer) kill() {
	if p := w.process; p != nil {
		p.dead = true
		for len(p.parked) > 0 {
			w.do(0, die)
		}
		if !p.ended {
			panic("dead process goes on")
		}
	}
	w.process = nil
}
