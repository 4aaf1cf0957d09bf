package load

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/seal/sealtest"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// budget is how often each bad thing may happen in one history.
type budget struct {
	crash                 int
	fail                  int // operations that fail, done all the same or not
	delay                 int // requests that fail and arrive later
	gone                  int // files deleted once all of them is sealed
	away                  int // restarts that do not find a file, which is back at the next
	elsewhere             int // loads by a machine that nobody sees again
	loseLedger, loseSpool int // at a restart
	upgrade               int // of the encoder, at a restart
	restore               int // of an old snapshot of ledger and spool
	lost                  int // machines that never come back
}

// scene is what a search starts from. It is shared by all histories and not changed by them.
type scene struct {
	t       testing.TB
	files   map[string]string // path to content, the same on every machine
	writers []commit.Config   // one for each machine: Inputs and Streams[0]'s limits
	budget  budget

	epoch  *table.Epoch
	parser *parse.Parser
	sealed map[string]*sealedRange
	chains map[source.Digest]string // of every prefix of every file
	parsed map[string]*table.Manifest
	unread map[string]bool // files that may stay unread in part

	shipBehind bool            // the writers ship while they seal
	again      bool            // what a run leaves undone, and names, the next one may do
	offDisk    bool            // a file that a run does not find is not where it was either
	elsewhere  []commit.Config // of machines that load at some moment, each in one go
}

// manifest reads a manifest that the store has, once.
func (s *scene) manifest(key string, body []byte) (*table.Manifest, error) {
	id := key + string(body)
	if m := s.parsed[id]; m != nil {
		return m, nil
	}
	m, err := table.ParseManifest(body)
	if err == nil {
		err = m.ValidateFor(key)
	}
	s.parsed[id] = m
	return m, err
}

func newScene(t testing.TB, files map[string]string, b budget, writers ...commit.Config) *scene {
	d, err := parse.FromPattern(`(?P<x>[a-z]\d)`)
	require.NoError(t, err)
	p, err := parse.New(d)
	require.NoError(t, err)
	s := &scene{
		t: t, files: files, writers: writers, budget: b, parser: p,
		epoch:  table.NewEpoch(source.Table{Stream: "s", Version: 1}, d),
		sealed: map[string]*sealedRange{}, chains: map[source.Digest]string{},
		parsed: map[string]*table.Manifest{},
	}
	sealtest.WarmUp(t)
	for _, f := range files {
		for i := range len(f) + 1 {
			s.chains[source.DigestOf([]byte(f[:i]))] = f[:i]
		}
	}
	return s
}

// loads is a machine that loads paths in batches of at most maxBytes.
func loads(maxBytes int64, paths ...string) commit.Config {
	c := commit.Config{Streams: []commit.Stream{{MaxBytes: maxBytes, MaxPartitions: 64, Rejects: commit.RejectLimit{MaxRatio: 0.5, Halt: true}}}}
	for _, p := range paths {
		c.Inputs = append(c.Inputs, commit.Input{Path: p})
	}
	return c
}

// sealedRange is the outcome of seal.Seal for one range, kept since it is the same every time.
type sealedRange struct {
	batch *seal.Batch
	files map[string][]byte
}

// sealer is seal.Seal with a memory.
func (s *scene) sealer(in seal.Input, chunks seal.Chunks, files seal.Files) (*seal.Batch, error) {
	data := &chunkTape{}
	for {
		c, err := chunks.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		c.Data = bytes.Clone(c.Data)
		data.chunks = append(data.chunks, c)
	}
	if len(data.chunks) == 0 {
		return nil, io.EOF
	}
	data.end, data.marks = chunks.Point(), chunks.Marks()
	id := fmt.Sprint(in.Key, in.K, in.Epoch.ID(), in.Start, data.end)
	out, ok := s.sealed[id]
	if !ok {
		stage := &memStage{files: map[string]*bytes.Buffer{}}
		b, err := seal.Seal(in, data, stage)
		if err != nil {
			return nil, err
		}
		out = &sealedRange{batch: b, files: map[string][]byte{}}
		for n, f := range stage.files {
			out.files[n] = f.Bytes()
		}
		s.sealed[id] = out
	}
	for n, body := range out.files {
		f, err := files.Create(n)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(body); err != nil {
			return nil, err
		}
	}
	b := *out.batch
	return &b, nil
}

// chunkTape plays chunks again.
type chunkTape struct {
	chunks []source.Chunk
	end    source.Point
	marks  []source.Mark
}

func (d *chunkTape) Next() (source.Chunk, error) {
	if len(d.chunks) == 0 {
		return source.Chunk{}, io.EOF
	}
	c := d.chunks[0]
	d.chunks = d.chunks[1:]
	return c, nil
}

func (d *chunkTape) Cut(end int64) { panic(fmt.Sprint("cut at ", end)) }

func (d *chunkTape) Point() source.Point { return d.end }

func (d *chunkTape) Marks() []source.Mark { return d.marks }

// world is one state of everything: the store, the network and the machines.
type world struct {
	scene   *scene
	store   *sinktest.Memory
	net     []op
	writers []*writer
	left    budget
}

func (s *scene) world() *world {
	w := &world{scene: s, store: sinktest.NewMemory(s.t), left: s.budget}
	for i, cfg := range s.writers {
		w.writers = append(w.writers, w.writer(string(rune('A'+i)), cfg))
	}
	for _, wr := range w.writers {
		wr.start(w)
	}
	return w
}

// writer is a machine that nothing was done on yet.
func (w *world) writer(name string, cfg commit.Config) *writer {
	fsys := filestest.New()
	for _, p := range slices.Sorted(maps.Keys(w.scene.files)) {
		fsys.Write(p, []byte(w.scene.files[p]))
	}
	cfg.FS = fsys
	return &writer{name: name, cfg: cfg, encoder: 1, ledger: newMemLedger(), spool: memSpool{}}
}

func (w *world) close() {
	for _, wr := range w.writers {
		wr.kill()
	}
}

// state is equal for two worlds from which the same can happen.
func (w *world) state() source.Digest {
	h := sha256.New()
	snap := w.store.Snapshot()
	h.Write(snap[:])
	var net []string
	for _, o := range w.net {
		net = append(net, o.name)
	}
	slices.Sort(net)
	fmt.Fprint(h, net, w.left)
	for _, wr := range w.writers {
		fmt.Fprint(h, wr.gone, wr.fileGone, wr.fileAway, wr.encoder, wr.ledger.digest(), wr.spool.digest(), wr.old != nil)
		if wr.old != nil {
			fmt.Fprint(h, wr.old.ledger.digest(), wr.old.spool.digest())
		}
		switch {
		case wr.process == nil:
			fmt.Fprint(h, "down")
		case !wr.up():
			fmt.Fprint(h, "ended", wr.process.err != nil, w.isLeft(wr))
		default:
			for _, o := range wr.process.parked {
				fmt.Fprint(h, o.name, "|")
			}
			fmt.Fprint(h, wr.process.history)
		}
	}
	return source.Digest(h.Sum(nil))
}
