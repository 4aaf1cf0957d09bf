package pipeline

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
)

// budget is how often each bad thing may happen in one history.
type budget struct {
	crash                 int
	fail                  int // operations that fail, done all the same or not
	delay                 int // requests that fail and arrive later
	gone                  int // files deleted once all of them is sealed
	loseLedger, loseSpool int // at a restart
	upgrade               int // of the encoder, at a restart
	restore               int // of an old snapshot of ledger and spool
	lost                  int // machines that never come back
}

// scene is what a search starts from. It is shared by all histories and not changed by them.
type scene struct {
	t       testing.TB
	files   map[string]string // path to content, the same on every machine
	writers []Config          // one for each machine: Inputs and Streams[0]'s limits
	budget  budget

	epoch  *seal.Epoch
	parser *parse.Parser
	sealed map[string]*sealedRange
	chains map[source.Digest]string // of every prefix of every file
	parsed map[string]*seal.Manifest
	unread map[string]bool // files that may stay unread in part

	shipBehind bool // the writers ship while they seal
}

// manifest reads a manifest that the store has, once.
func (s *scene) manifest(key string, body []byte) (*seal.Manifest, error) {
	id := key + string(body)
	if m := s.parsed[id]; m != nil {
		return m, nil
	}
	m, err := seal.ParseManifest(body)
	if err == nil {
		err = m.ValidateFor(key)
	}
	s.parsed[id] = m
	return m, err
}

func newScene(t testing.TB, files map[string]string, b budget, writers ...Config) *scene {
	d, err := parse.FromPattern(`(?P<x>[a-z]\d)`)
	require.NoError(t, err)
	p, err := parse.New(d)
	require.NoError(t, err)
	s := &scene{
		t: t, files: files, writers: writers, budget: b, parser: p,
		epoch:  seal.NewEpoch(source.Table{Stream: "s", Version: 1}, d),
		sealed: map[string]*sealedRange{}, chains: map[source.Digest]string{},
		parsed: map[string]*seal.Manifest{},
	}
	s.warmUp()
	for _, f := range files {
		for i := range len(f) + 1 {
			s.chains[source.DigestOf([]byte(f[:i]))] = f[:i]
		}
	}
	return s
}

// warmUp seals something: the compressor keeps channels for good, which must not be made within a
// bubble.
func (s *scene) warmUp() {
	chunk := source.Chunk{Kind: source.Lines, Data: []byte("a1\n")}
	key := source.Key{Table: source.Table{Stream: "s", Version: 1}}
	chain := source.NewChain()
	chain.Write(chunk.Data)
	tape := &chunkTape{chunks: []source.Chunk{chunk}, end: chain.Point()}
	stage := &memStage{files: map[string]*bytes.Buffer{}}
	_, err := seal.Seal(seal.Input{Key: key, Epoch: s.epoch, Parser: s.parser, Start: source.Origin(),
		MaxPartitions: 1}, tape, stage)
	require.NoError(s.t, err)
	body := stage.files["0"].Bytes()
	f, err := seal.OpenParquet(bytes.NewReader(body), int64(len(body)))
	require.NoError(s.t, err)
	_, err = f.Column(0, 0)
	require.NoError(s.t, err)
}

// loader is a machine that loads paths in batches of at most maxBytes.
func loader(maxBytes int64, paths ...string) Config {
	c := Config{Streams: []Stream{{MaxBytes: maxBytes, MaxPartitions: 64, Rejects: RejectLimit{MaxRatio: 0.5, Halt: true}}}}
	for _, p := range paths {
		c.Inputs = append(c.Inputs, Input{Path: p})
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
	data.end = chunks.Point()
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
		fsys := filestest.New()
		for p, body := range s.files {
			fsys.Write(p, []byte(body))
		}
		cfg.FS = fsys
		w.writers = append(w.writers, &writer{
			name: string(rune('A' + i)), cfg: cfg, encoder: 1, ledger: newMemLedger(), spool: memSpool{},
		})
	}
	for _, wr := range w.writers {
		wr.start(w)
	}
	return w
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
		fmt.Fprint(h, wr.gone, wr.fileGone, wr.encoder, wr.ledger.digest(), wr.spool.digest(), wr.old != nil)
		if wr.old != nil {
			fmt.Fprint(h, wr.old.ledger.digest(), wr.old.spool.digest())
		}
		switch {
		case wr.process == nil:
			fmt.Fprint(h, "down")
		case !wr.up():
			fmt.Fprint(h, "ended", wr.process.err != nil)
		default:
			for _, o := range wr.process.parked {
				fmt.Fprint(h, o.name, "|")
			}
			fmt.Fprint(h, wr.process.history)
		}
	}
	return source.Digest(h.Sum(nil))
}

// action is one thing that can happen next.
type action struct {
	name string
	do   func(*world)
}

// actions lists what can happen next. While a process is at an operation on its own disk, and at
// nothing else, nobody else's doings make a difference to it, so only its own are listed.
func (w *world) actions() []action {
	for i, wr := range w.writers {
		if wr.up() && len(wr.process.parked) == 1 && !wr.process.parked[0].shared {
			return w.steps(i, wr)
		}
	}
	var all []action
	for i, wr := range w.writers {
		switch {
		case wr.gone:
		case wr.process == nil, !wr.up() && wr.process.err != nil:
			all = append(all, w.restarts(i)...)
		case wr.up():
			all = append(all, w.steps(i, wr)...)
		}
	}
	for i, o := range w.net {
		all = append(all, action{"delayed " + o.name + " arrives", func(w *world) {
			o := w.net[i]
			w.net = slices.Delete(slices.Clone(w.net), i, i+1)
			o.later()
		}})
	}
	return all
}

func (w *world) steps(i int, wr *writer) (all []action) {
	for n := range wr.process.parked {
		all = append(all, w.stepsOf(i, wr, n)...)
	}
	return all
}

// stepsOf lists what can happen at the n-th of the operations that a writer waits to do.
func (w *world) stepsOf(i int, wr *writer, n int) []action {
	o := wr.process.parked[n]
	act := func(what string, left budget, f func(*writer)) action {
		return action{wr.name + ": " + o.name + what, func(w *world) {
			w.left = left
			f(w.writers[i])
		}}
	}
	all := []action{act("", w.left, func(wr *writer) { wr.do(n, proceed) })}
	left := w.left
	if left.crash > 0 && n == 0 && (o.effect || o.shared || len(wr.process.parked) > 1) {
		left.crash--
		all = append(all, act(", killed before", left, (*writer).kill))
	}
	if left = w.left; left.fail > 0 && o.effect {
		left.fail--
		all = append(all, act(", fails", left, func(wr *writer) { wr.do(n, failIt) }))
		all = append(all, act(", reply lost", left, func(wr *writer) { wr.do(n, loseIt) }))
	}
	if left = w.left; left.delay > 0 && o.later != nil {
		left.delay--
		all = append(all, act(", delayed", left, func(wr *writer) { wr.do(n, delayIt) }))
	}
	if left = w.left; left.restore > 0 && wr.old == nil && o.shared && len(wr.ledger.sources) > 0 {
		all = append(all, act(": disk copied before", left, func(wr *writer) { wr.old = wr.copyDisk() }))
	}
	if left = w.left; left.gone > 0 && o.shared && wr.sealedAll(w.scene.files["f"]) {
		left.gone--
		all = append(all, act(": file deleted before", left, func(wr *writer) {
			wr.cfg.FS.(*filestest.FS).Remove("f")
			wr.fileGone = true
		}))
	}
	if left = w.left; left.lost > 0 && o.shared {
		left.lost--
		all = append(all, act(", machine lost", left, func(wr *writer) { wr.kill(); wr.gone = true }))
	}
	return all
}

func (wr *writer) copyDisk() *disk {
	return &disk{wr.ledger.clone(), maps.Clone(wr.spool)}
}

// sealedAll tells whether a source of a file with this content is sealed to its end.
func (wr *writer) sealedAll(content string) bool {
	for _, s := range wr.ledger.sources {
		if s.src.Sealed.Offset == int64(len(content)) && !wr.fileGone {
			return true
		}
	}
	return false
}

func (w *world) restarts(i int) []action {
	wr := w.writers[i]
	var all []action
	add := func(what string, left budget, f func(*writer)) {
		all = append(all, action{wr.name + ": starts" + what, func(w *world) {
			wr := w.writers[i]
			wr.kill()
			w.left = left
			if f != nil {
				f(wr)
			}
			wr.start(w)
		}})
	}
	add("", w.left, nil)
	if left := w.left; left.loseLedger > 0 && len(wr.ledger.sources) > 0 {
		left.loseLedger--
		add(", ledger lost", left, func(wr *writer) { wr.ledger = newMemLedger() })
	}
	if left := w.left; left.loseSpool > 0 && len(wr.spool) > 0 {
		left.loseSpool--
		add(", spool lost", left, func(wr *writer) { wr.spool = memSpool{} })
	}
	if left := w.left; left.loseSpool > 0 && left.loseLedger > 0 && len(wr.ledger.sources) > 0 {
		left.loseSpool--
		left.loseLedger--
		add(", both lost", left, func(wr *writer) { wr.spool, wr.ledger = memSpool{}, newMemLedger() })
	}
	if left := w.left; left.restore > 0 && wr.old != nil {
		left.restore--
		if !wr.fileGone { // with the file gone as well those bytes would be nowhere
			add(", old disk restored", left, func(wr *writer) {
				wr.ledger, wr.spool = wr.old.ledger.clone(), maps.Clone(wr.old.spool)
			})
		}
		add(", old ledger restored", left, func(wr *writer) { wr.ledger = wr.old.ledger.clone() })
	}
	if left := w.left; left.upgrade > 0 {
		left.upgrade--
		add(" with a new encoder", left, func(wr *writer) { wr.encoder++ })
	}
	return all
}

// check looks for what must be true in every state.
func (w *world) check() error {
	seen := map[string]int{}
	for _, key := range w.store.Keys() {
		if !strings.HasPrefix(key, "manifests/") {
			continue
		}
		m, err := w.scene.manifest(key, w.store.Body(key))
		if err != nil {
			return err
		}
		for _, o := range m.Objects {
			body := w.store.Body(o.Key)
			if body == nil {
				return fmt.Errorf("%s names %s, which is missing", key, o.Key)
			}
			if source.DigestOf(body) != o.SHA256 {
				return fmt.Errorf("%s names %s, which differs", key, o.Key)
			}
		}
		if w.store.Body(seal.EpochKey(m.Table(), m.Epoch)) == nil {
			return fmt.Errorf("%s names epoch %s, which is missing", key, m.Epoch)
		}
		content, ok := w.scene.chains[m.ChainOut]
		if !ok || int64(len(content)) != m.End {
			return fmt.Errorf("%s is of bytes that no file holds", key)
		}
		for i := m.Start; i < m.End; i++ {
			seen[content[:i+1]]++
		}
	}
	want := w.scene.want(false)
	for text, n := range seen {
		if n > want[text] {
			return fmt.Errorf("the byte after %q is in manifests %d times, want %d", text[:len(text)-1], n, want[text])
		}
	}
	return nil
}

// want counts, for each text that a file begins with, how many sources hold it: files that are
// equal, or that another goes on from, are one.
// Files that stay unread in part are left out of what must be there.
func (s *scene) want(must bool) map[string]int {
	want := map[string]int{}
	for p, f := range s.files {
		whole := !(must && s.unread[p])
		for q, g := range s.files {
			if strings.HasPrefix(g, f) && (len(g) > len(f) || q < p) {
				whole = false
			}
		}
		for i := range f {
			if whole {
				want[f[:i+1]]++
			}
		}
	}
	return want
}

// complete tells whether every machine that is left has ended well, and checks what must then be
// true.
func (w *world) complete() (bool, error) {
	if len(w.net) > 0 {
		return false, nil
	}
	alive := false
	for _, wr := range w.writers {
		if wr.gone {
			continue
		}
		if wr.process == nil || wr.up() || wr.process.err != nil {
			return false, nil
		}
		alive = true
	}
	if !alive {
		return false, nil
	}
	return true, w.checkComplete()
}

func (w *world) checkComplete() error {
	seen := map[string]int{}
	named := map[string]bool{}
	spans := map[source.ID][]*seal.Manifest{}
	for _, key := range w.store.Keys() {
		if !strings.HasPrefix(key, "manifests/") {
			continue
		}
		m, err := w.scene.manifest(key, w.store.Body(key))
		if err != nil {
			return err
		}
		spans[m.SID] = append(spans[m.SID], m)
		for _, o := range m.Objects {
			named[o.Key] = true
		}
		content := w.scene.chains[m.ChainOut]
		for i := m.Start; i < m.End; i++ {
			seen[content[:i+1]]++
		}
	}
	for text, n := range w.scene.want(true) {
		if seen[text] < n {
			return fmt.Errorf("the byte after %q is in manifests %d times, want %d at least", text[:len(text)-1], seen[text], n)
		}
	}
	for _, key := range w.store.Keys() {
		if !strings.HasSuffix(key, ".parquet") || named[key] {
			continue
		}
		if !superseded(key, spans) {
			return fmt.Errorf("%s is named by no manifest and is not superseded", key)
		}
	}
	for _, wr := range w.writers {
		if !wr.gone && len(wr.spool) > 0 {
			return fmt.Errorf("%s has %d batches left in its spool", wr.name, len(wr.spool))
		}
	}
	return nil
}

func superseded(key string, spans map[source.ID][]*seal.Manifest) bool {
	k, err := seal.ParseKey(key)
	if err != nil {
		return false
	}
	for _, m := range spans[k.Batch.ID] {
		if m.Start <= k.Batch.Range.Start && k.Batch.Range.Start < m.End {
			return true
		}
	}
	return false
}
