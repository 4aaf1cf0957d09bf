package commit

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// listCounter counts the listings of notes.
type listCounter struct {
	sink.Store
	lists int
}

func (s *listCounter) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	if strings.HasPrefix(prefix, table.SourceFolder) {
		s.lists++
	}
	return s.Store.List(ctx, prefix)
}

const theHead = "h1\n"

// announceAs announces the k-th source of an origin that begins with theHead.
func announceAs(t *testing.T, store sink.Store, origin string, k uint64) {
	r := NewEngine(Config{Store: store})
	w := newWriter(r, keyOfKth(origin, k), k)
	w.Path, w.Head = "/elsewhere", []byte(theHead)
	require.NoError(t, r.Announcer.announce(t.Context(), w.Ordinal.NoteOf()))
}

// keyOfKth is a source that begins with the theHead.
func keyOfKth(origin string, k uint64) source.Key {
	return source.KeyOf(source.Table{Stream: "s", Version: 1}, origin, k, []byte(theHead))
}

// bannerNotes begins the keys of the notes on such.
var bannerNotes = table.HeadPrefix(keyOfKth("", 0).Table, source.DigestOf([]byte(theHead)))

// Who was announced is listed after that: of two that begin at once one finds the other. So much that
// one request lists is listed for each; where it is more, that is not to be paid for each.
func TestRun_Others_ListsAfterTheNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &listCounter{Store: sinktest.NewMemory(t)}
		r := NewEngine(Config{Store: store})
		ask := func(k uint64, announced bool) []source.Key {
			others, err := r.Announcer.Others(t.Context(), keyOfKth("m", k), bannerNotes, announced)
			require.NoError(t, err)
			return others
		}
		announce := func(origin string, k uint64) { announceAs(t, store, origin, k) }
		announce("a", 0)
		announce("m", 0)
		require.Equal(t, []source.Key{keyOfKth("a", 0)}, ask(1, false))
		announce("z", 0)
		require.Len(t, ask(0, true), 1, "it began after the note of 0")
		require.Equal(t, 1, store.lists)
		announce("m", 1)
		require.Equal(t, []source.Key{keyOfKth("a", 0), keyOfKth("z", 0)}, ask(1, true))
		require.Equal(t, 2, store.lists)
		time.Sleep(listingAge)
		ask(1, true)
		require.Equal(t, 3, store.lists)

		for k := range uint64(ListingShort) {
			announce("m", k)
		}
		time.Sleep(listingAge)
		for k := range uint64(2 * ListingShort) {
			announce("m", k)
			require.Len(t, ask(k, true), 2)
		}
		require.Equal(t, 4, store.lists)
	})
}

// What is kept of listings is bounded.
func TestHerald_Keep(t *testing.T) {
	h := &herald{}
	for i := range 3 * listingMax {
		h.keep(fmt.Sprint(i), &listing{})
		require.LessOrEqual(t, len(h.heads), listingMax+1)
	}
	require.NotEmpty(t, h.heads)
}

// A note that is there already, or a name that is not of the format, is no fault.
func TestRun_Others_PassesOverWhatIsNoNote(t *testing.T) {
	store := sinktest.NewMemory(t)
	store.Plant(bannerNotes+"x.json", []byte("x"))
	r := NewEngine(Config{Store: store})
	for _, path := range []string{"/a", "/b"} {
		w := newWriter(r, keyOfKth("web-1", 0), 0)
		w.Path, w.Head = path, []byte(theHead)
		require.NoError(t, r.Announcer.announce(t.Context(), w.Ordinal.NoteOf()))
	}
	key := table.SourceKey(keyOfKth("web-1", 0), source.DigestOf([]byte(theHead)))
	n, err := table.ParseSourceNote(store.Body(key))
	require.NoError(t, err)
	require.Equal(t, "/a", n.Path)
	others, err := r.Announcer.Others(t.Context(), keyOfKth("", 0), bannerNotes, false)
	require.NoError(t, err)
	require.Equal(t, []source.Key{keyOfKth("web-1", 0)}, others)
}
