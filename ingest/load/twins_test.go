package load

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// of makes the next loads be of an origin, with a state of their own or that of the one before.
func (b *yard) of(origin string) { b.cfg.Streams[0].Origin = origin }

// rowsOf counts the rows that manifests of an origin name.
func (b *yard) rowsOf(origin string) (rows int64) {
	out := filepath.Join(b.root, "out")
	names, err := filepath.Glob(filepath.Join(out, table.ManifestFolder, "s", "v1",
		source.OriginName(origin), "*", "*.json"))
	require.NoError(b.t, err)
	for _, name := range names {
		body, err := os.ReadFile(name)
		require.NoError(b.t, err)
		m, err := table.ParseManifest(body)
		require.NoError(b.t, err)
		rows += m.Rows
	}
	return rows
}

// notes gives the keys of the notes on sources.
func (b *yard) notes() (keys []string) {
	for key := range b.tree0(table.SourceFolder) {
		keys = append(keys, key)
	}
	return keys
}

// tree0 reads a folder of the sink.
func (b *yard) tree0(folder string) map[string]string {
	all := map[string]string{}
	out := filepath.Join(b.root, "out")
	names, err := filepath.Glob(filepath.Join(out, folder, "s", "v1", "*", "*"))
	require.NoError(b.t, err)
	for _, name := range names {
		body, err := os.ReadFile(name)
		require.NoError(b.t, err)
		all[strings.TrimPrefix(name, out+"/")] = string(body)
	}
	return all
}

const banner = "h1\n"

// What another origin has, has less of or has more of is not loaded a second time.
func TestLoad_LeavesWhatAnotherOriginHas(t *testing.T) {
	long := banner + filestest.Lines("a1", 400)
	for name, c := range map[string]struct{ theirs, ours string }{
		"the same": {long, long}, "it has grown": {long[:699], long}, "less": {long, long[:699]},
		"less than its first mark": {long, long[:30]},
	} {
		for _, state := range []string{"kept", "lost"} {
			t.Run(name+" "+state, func(t *testing.T) {
				b := newYard(t)
				b.of("web-1")
				b.write("a", []byte(c.theirs))
				b.load("a")
				if state == "lost" {
					b.forgetState()
				}
				before := b.tree()
				b.of("")
				b.write("b", []byte(c.ours))
				for range 2 {
					r := b.load("b")
					require.Equal(t, []commit.Kind{commit.Twin}, b.kinds(r))
					require.Contains(t, r.Problems[0].Message, "`--origin web-1` continues that source")
					require.Equal(t, before, b.tree())
					require.Len(t, b.notes(), 1)
				}
				// Both ways out.
				b.cfg.Assume = commit.AssumeNew
				require.Empty(t, b.load("b").Problems)
				require.EqualValues(t, strings.Count(c.ours, "\n"), b.rowsOf(""))
				b.cfg.Assume = commit.AssumeNothing
				b.of("web-1")
				if len(c.ours) >= len(c.theirs) {
					require.Empty(t, b.load("b").Problems)
					require.EqualValues(t, strings.Count(c.ours, "\n"), b.rowsOf("web-1"))
				}
			})
		}
	}
}

// Files that only begin alike are told apart by what the sink has of the others: marks, or batches
// behind a first one that is no more than what is alike.
func TestLoad_TakesWhatOnlyBeginsAlike(t *testing.T) {
	for name, maxBytes := range map[string]int64{"a mark": 0, "a later batch": 3} {
		t.Run(name, func(t *testing.T) {
			b := newYard(t)
			b.of("web-1")
			b.cfg.Streams[0].MaxBytes = maxBytes
			b.write("a", []byte(banner+filestest.Lines("a1", 40)))
			b.load("a")
			b.of("web-2")
			b.write("b", []byte(banner+filestest.Lines("b1", 40)))
			require.Empty(t, b.load("b").Problems)
			b.of("")
			b.write("c", []byte(banner+filestest.Lines("c1", 50)))
			require.Empty(t, b.load("c").Problems)
			require.EqualValues(t, 51, b.rowsOf(""))
			require.Len(t, b.notes(), 3)
		})
	}
}

// A note says what was found where, once for all.
func TestLoad_AnnouncesASource(t *testing.T) {
	b := newYard(t)
	b.cfg.Host, b.cfg.Program = "here", "v1"
	b.write("a\xff", []byte(banner))
	b.load("a\xff")
	notes := b.tree0(table.SourceFolder)
	require.Len(t, notes, 1)
	for key, body := range notes {
		n, err := table.ParseSourceNote([]byte(body))
		require.NoError(t, err)
		require.NoError(t, n.ValidateFor(key))
		require.Equal(t, table.SourceKey(n.SourceKey(), source.DigestOf([]byte(banner))), key)
		require.Equal(t, b.path("a\uFFFD"), n.Path)
		require.Equal(t, "here", n.Host)
		require.Equal(t, "v1", n.Program)
		require.EqualValues(t, 3, n.Size)
		require.NotNil(t, n.MTime)
	}
	b.append("a\xff", "a1\n")
	b.load("a\xff")
	b.forgetState()
	b.load("a\xff")
	require.Equal(t, notes, b.tree0(table.SourceFolder))
}

// meddler is a sink in which somebody else does something when a note is put.
type meddler struct {
	sink.Store
	meddle func()
}

func (s meddler) Put(ctx context.Context, o sink.Object) error {
	err := s.Store.Put(ctx, o)
	if strings.HasPrefix(o.Key, table.SourceFolder) {
		s.meddle()
	}
	return err
}

// kthKey is a source that begins with the banner.
func kthKey(origin string, k uint64) source.Key {
	return source.KeyOf(source.Table{Stream: "s", Version: 1}, origin, k, []byte(banner))
}

// announce announces the k-th source of an origin that begins with the banner.
func announce(t *testing.T, store sink.Store, origin string, k uint64) {
	key := kthKey(origin, k)
	note := table.SourceNote{Format: table.Format, Stream: key.Table.Stream, Version: key.Table.Version,
		Origin: origin, SID: key.ID, K: k, Path: "/elsewhere", Program: "unknown"}
	err := sink.PutDocument(t.Context(), store, table.SourceKey(key, source.DigestOf([]byte(banner))), note.JSON())
	if !errors.As(err, new(*sink.ConflictError)) {
		require.NoError(t, err) // it was put before
	}
}

// Of what is announced and not yet there nobody knows whether it is the same.
func TestLoad_LeavesWhatAnotherOriginHasAnnounced(t *testing.T) {
	b := newYard(t)
	b.over = func(s sink.Store) sink.Store { announce(t, s, "web-1", 0); return s }
	b.write("a", []byte(banner))
	r := b.load("a")
	require.Equal(t, []commit.Kind{commit.Twin}, b.kinds(r))
	require.Contains(t, r.Problems[0].Message, "run again once it has shipped something")
	require.Len(t, b.notes(), 1)
}

// Of two that announce themselves in one moment one goes on.
func TestLoad_OfTwoThatBeginAtOnceOneGoesOn(t *testing.T) {
	for other, goesOn := range map[string]bool{"a": false, "z": true} {
		b := newYard(t)
		b.of("m")
		b.over = func(s sink.Store) sink.Store { return meddler{s, func() { announce(t, s, other, 0) }} }
		b.write("a", []byte(banner))
		r := b.load("a")
		if goesOn {
			require.Empty(t, r.Problems)
			require.EqualValues(t, 1, b.rowsOf("m"))
			continue
		}
		require.Equal(t, []commit.Kind{commit.Twin}, b.kinds(r))
		require.Zero(t, b.rowsOf("m"))
		require.Zero(t, r.Rows)
		require.Empty(t, b.inSpool())
	}
}

// inSpool names what is left in the spool.
func (b *yard) inSpool() (names []string) {
	entries, err := os.ReadDir(filepath.Join(b.root, "state", "spool"))
	require.NoError(b.t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Somebody may load the file between the first question and the first batch.
func TestLoad_AsksAgainBeforeItsFirstBatch(t *testing.T) {
	b := newYard(t)
	b.cfg.Streams[0].MaxBytes = 30
	b.write("a", []byte(banner+filestest.Lines("a1", 100)))
	once := false
	b.over = func(s sink.Store) sink.Store {
		return meddler{s, func() {
			if once {
				return
			}
			once = true
			q := newYard(t)
			q.of("web-1")
			q.cfg.Assume = commit.AssumeNew // it asks nobody, like a tail
			q.write("a", []byte(banner+filestest.Lines("a1", 100)))
			q.over = func(sink.Store) sink.Store { return s }
			_, err := q.run(t.Context(), "a")
			require.NoError(t, err)
		}}
	}
	r := b.load("a")
	require.Equal(t, []commit.Kind{commit.Twin}, b.kinds(r))
	require.Zero(t, r.Rows)
	require.Zero(t, b.rowsOf(""))
	require.EqualValues(t, 101, b.rowsOf("web-1"))
	require.Empty(t, b.inSpool())
}

// What was sealed before the machine died is asked about at the next start, and waits if somebody has
// it meanwhile: its file may be gone.
func TestLoad_AsksAboutWhatWaitsInTheSpool(t *testing.T) {
	b := newYard(t)
	b.write("a", []byte(banner+filestest.Lines("a1", 100)))
	b.over = func(s sink.Store) sink.Store { return noPuts{s} }
	_, err := b.run(t.Context(), "a")
	require.Error(t, err)
	require.Len(t, b.inSpool(), 1)
	b.over = nil

	q := newYard(t)
	q.root, q.cfg.Streams[0].Origin = b.root, "web-1"
	require.NoError(t, os.Rename(filepath.Join(b.root, "state"), filepath.Join(b.root, "aside")))
	q.load("a")
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "state")))
	require.NoError(t, os.Rename(filepath.Join(b.root, "aside"), filepath.Join(b.root, "state")))

	require.Equal(t, []commit.Kind{commit.Twin}, b.kinds(b.load()))
	require.Len(t, b.inSpool(), 1)
	require.Equal(t, []commit.Kind{commit.Twin}, b.kinds(b.load("a")))
	require.Empty(t, b.inSpool(), "with its file at hand it is given up")
	require.Zero(t, b.rowsOf(""))
}

// Also a batch is announced of which nothing is left but what the spool has.
func TestLoad_AnnouncesWhatOnlyTheSpoolHas(t *testing.T) {
	b := newYard(t)
	b.write("a", []byte(banner))
	b.over = func(s sink.Store) sink.Store { return noPuts{s} }
	_, err := b.run(t.Context(), "a")
	require.Error(t, err)
	b.over = nil
	require.NoError(t, os.Remove(filepath.Join(b.root, "state", offsets.FileName)))
	require.NoError(t, os.Remove(b.path("a")))
	require.Empty(t, b.load().Problems)
	require.EqualValues(t, 1, b.rowsOf(""))
	require.Len(t, b.notes(), 1)
}

// noPuts is a sink that takes no batch.
type noPuts struct{ sink.Store }

func (s noPuts) Put(ctx context.Context, o sink.Object) error {
	if o.Key == table.RootKey {
		return s.Store.Put(ctx, o)
	}
	return &sink.RefusedError{Err: os.ErrPermission}
}

// Where paths tell origins, equal logs at two paths are two logs; one log under two origins is not.
func TestLoad_PathsTellTwoLogsApart(t *testing.T) {
	b := newYard(t)
	b.cfg.Streams[0].OriginPath = originOfFolder
	b.write("web-1/a", []byte(banner+filestest.Lines("a1", 40)))
	b.write("web-2/a", []byte(banner+filestest.Lines("a1", 40)))
	require.Empty(t, b.load("web-1/a", "web-2/a").Problems)
	require.EqualValues(t, 41, b.rowsOf("web-1"))
	require.EqualValues(t, 41, b.rowsOf("web-2"))

	require.NoError(t, os.Rename(b.path("web-1"), b.path("web-3")))
	b.write("web-2/a", []byte("other\n"))
	r := b.load("web-3/a")
	require.Equal(t, []commit.Kind{commit.Twin}, b.kinds(r))
	require.Contains(t, r.Problems[0].Message, "an `origin_path` that gives web-1, or none and "+
		"`--origin web-1`, continues that source")
}

var originOfFolder = regexp.MustCompile(`/logs/([^/]+)/`)
