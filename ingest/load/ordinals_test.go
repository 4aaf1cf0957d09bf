package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
)

// Another loader wins ordinal 0 while ours has sealed another log as that and shipped nothing.
func TestOrdinals_LoadOfTheWinner(t *testing.T) {
	for _, names := range [][]string{{"l"}, {"m"}, {"l", "m"}} {
		t.Run(strings.Join(names, ""), func(t *testing.T) {
			b := newYard(t)
			b.write("l", filestest.SameHead("l", 300))
			b.write("m", filestest.SameHead("m", 200))
			b.sealUnshipped(t, "m")
			b.asAnother(t, func() {
				_, err := b.run(context.Background(), "l")
				require.NoError(t, err)
			})
			_, err := b.run(context.Background(), names...)
			require.NoError(t, err)
			r, err := b.run(context.Background(), "l", "m")
			require.NoError(t, err)
			require.Empty(t, r.Problems)
			if len(names) == 1 && names[0] == "l" {
				require.EqualValues(t, 201, r.Rows)
			}
		})
	}
}

// The path of a waiting source is a folder by now: others are loaded nevertheless.
func TestOrdinals_PathIsAFolder(t *testing.T) {
	b := newYard(t)
	l := filestest.SameHead("l", 300)
	b.write("m", filestest.SameHead("m", 200))
	b.write("s", l[:bytes.IndexByte(l, '\n')+1])
	b.write("o", []byte("o1\n"))
	b.sealUnshipped(t, "m")
	b.asAnother(t, func() {
		_, err := b.run(context.Background(), "s")
		require.NoError(t, err)
	})
	require.NoError(t, os.Remove(b.path("m")))
	require.NoError(t, os.Mkdir(b.path("m"), 0o777))
	r, err := b.run(context.Background(), "o")
	require.NoError(t, err)
	require.EqualValues(t, 1, r.Rows)
	require.NotEmpty(t, r.Problems)
	require.Equal(t, commit.Gone, r.Problems[0].Kind)
}

// sealUnshipped loads a log while no manifest can be put.
func (b *yard) sealUnshipped(t *testing.T, name string) {
	var down atomic.Bool
	b.over = func(s sink.Store) sink.Store { return manifestsFail{s, &down} }
	down.Store(true)
	_, err := b.run(context.Background(), name)
	require.ErrorIs(t, err, errNoManifests)
	down.Store(false)
}

// asAnother runs a load that has a state folder of its own.
func (b *yard) asAnother(t *testing.T, load func()) {
	ours, kept := filepath.Join(b.root, "state"), filepath.Join(b.root, "kept")
	require.NoError(t, os.Rename(ours, kept))
	load()
	require.NoError(t, os.RemoveAll(ours))
	require.NoError(t, os.Rename(kept, ours))
}

var errNoManifests = errors.New("no manifest can be put")

type manifestsFail struct {
	sink.Store
	down *atomic.Bool
}

func (s manifestsFail) Put(ctx context.Context, o sink.Object) error {
	if s.down.Load() && strings.HasPrefix(o.Key, "manifests/") {
		return errNoManifests
	}
	return s.Store.Put(ctx, o)
}

// A batch is in the spool whose place the sink has passed with other bytes: a crash just after the
// source had gone on behind a short batch of others leaves that. Its file is gone, so it is all there
// is of it.
func TestOrdinals_OvertakenByAnotherLogIsHeld(t *testing.T) {
	l, m := filestest.SameHead("l", 300), filestest.SameHead("m", 200)
	b, elsewhere := newYard(t), newYard(t)
	elsewhere.write("m", m)
	elsewhere.sealUnshipped(t, "m")
	b.write("h", l[:bytes.IndexByte(l, '\n')+1])
	b.load("h")
	b.giveSpool(t, elsewhere)
	b.write("l", l)
	b.asAnother(t, func() { b.load("l") })
	b.write("o", []byte("o1\n"))
	r, err := b.run(context.Background(), "o")
	require.NoError(t, err)
	require.Equal(t, []commit.Kind{commit.Gone}, b.kinds(r), "as long as h may be the source of the batch it waits")
	require.NoError(t, os.Remove(b.path("h")))
	r, err = b.run(context.Background(), "o")
	require.NoError(t, err)
	require.Contains(t, b.kinds(r), commit.Gone)
	held, err := filepath.Glob(filepath.Join(b.root, "state", "spool", "held", "*"))
	require.NoError(t, err)
	require.Len(t, held, 1)
}

// Others have loaded the very log in other batches: nothing of ours has to be held.
func TestOrdinals_OvertakenByTheSameLogIsDropped(t *testing.T) {
	for _, others := range []int64{50, 1000, 1 << 20} {
		b := newYard(t)
		b.write("m", filestest.SameHead("m", 200))
		b.cfg.Streams[0].MaxBytes = 130
		b.sealUnshipped(t, "m")
		b.cfg.Streams[0].MaxBytes = others
		b.asAnother(t, func() {
			_, err := b.run(context.Background(), "m")
			require.NoError(t, err)
		})
		b.cfg.Streams[0].MaxBytes = 130
		require.Empty(t, b.load("m").Problems)
		for _, name := range b.inSpool() {
			require.NotContains(t, name, "held")
		}
	}
}

// A batch of the spool is passed by what was cut otherwise of the very file, and we died before it was
// dropped. The file is asked, wherever it is by now; it is all that is left only when there is none.
func TestOrdinals_OvertakenByOwnCutAsksTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		now  string
		want commit.Kind
	}{
		"there": {"m", ""}, "moved": {"m.1", ""}, "gone": {"", commit.Gone},
	} {
		t.Run(name, func(t *testing.T) {
			b, before := newYard(t), newYard(t)
			m := filestest.SameHead("m", 200)
			before.cfg.Streams[0].MaxBytes = 1000
			before.write("m", m)
			before.sealUnshipped(t, "m")
			b.cfg.Streams[0].MaxBytes = 130
			b.write("m", m)
			b.load("m")
			b.giveSpool(t, before)
			b.write("o", []byte("o1\n"))
			read := []string{"o"}
			if c.now == "" {
				require.NoError(t, os.Remove(b.path("m")))
			} else {
				require.NoError(t, os.Rename(b.path("m"), b.path(c.now)))
				read = append(read, c.now)
			}
			r, err := b.run(context.Background(), read...)
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, r.Problems)
				require.Empty(t, b.inSpool())
				return
			}
			require.Contains(t, b.kinds(r), c.want)
			require.Equal(t, []string{"held"}, b.inSpool())
		})
	}
}

// This host took the log a for the k-th source while nobody could tell; the sink has b there, which this
// host has, too. So b tells that a is another, and both come out.
func TestOrdinals_TheFileOfTheSinksSourceTellsTheOtherApart(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed-%v", sealed), func(t *testing.T) {
			b := newYard(t)
			b.write("a", []byte("h0\n"))
			b.load("a")
			b.write("a", []byte("h0\na1\n"))
			if sealed {
				b.sealUnshipped(t, "a")
			}
			b.write("b", []byte("h0\nb1\nb2\nb3\nb4\n"))
			b.asAnother(t, func() {
				_, err := b.run(context.Background(), "b")
				require.NoError(t, err)
			})
			var r *commit.Report
			for range 3 {
				var err error
				r, err = b.run(context.Background(), "a", "b")
				require.NoError(t, err)
			}
			b.verify()
			require.Empty(t, r.Problems)
			require.Empty(t, b.inSpool())
			require.EqualValues(t, 5+2, b.rowsOf(b.cfg.Streams[0].Origin))
		})
	}
}

// A log was rotated and another one is at its path: it is known where the first is by now, so a short log is
// told apart from it though no mark does.
func TestOrdinals_ARotatedLogIsHeldAgainstWhereItIs(t *testing.T) {
	b := newYard(t)
	b.write("a", filestest.SameHead("a", 200))
	b.load("a")
	require.NoError(t, os.Rename(b.path("a"), b.path("a.1")))
	b.write("a", filestest.SameHead("b", 200))
	b.load("a.1", "a")
	short := filestest.SameHead("c", 200)
	b.write("c", short[:bytes.IndexByte(short, '\n')+1+len("c000\n")])
	r := b.load("c")
	require.Empty(t, r.Problems)
}
