package load

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"

	"github.com/stretchr/testify/require"
)

// blockSink makes every put of a data object fail until the function it returns is called.
func (b *yard) blockSink() (unblock func()) {
	out := filepath.Join(b.root, "out")
	require.NoError(b.t, os.MkdirAll(out, 0o777))
	data := filepath.Join(out, "data")
	require.NoError(b.t, os.WriteFile(data, nil, 0o666))
	return func() { require.NoError(b.t, os.Remove(data)) }
}

func (b *yard) glob(pattern string) string {
	found, err := filepath.Glob(filepath.Join(b.root, pattern))
	require.NoError(b.t, err)
	require.Len(b.t, found, 1, pattern)
	return found[0]
}

func TestLoad_FileRewrittenWhileItIsReadIsNoMixture(t *testing.T) {
	for name, maxBytes := range map[string]int64{"first range": 64 << 20, "between ranges": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			b := newYard(t)
			b.cfg.Streams[0].MaxBytes = maxBytes
			b.write("x", filestest.SameHead("a", 300_000))
			var once sync.Once
			b.cfg.Progress = func(int64) {
				once.Do(func() {
					f, err := os.OpenFile(b.path("x"), os.O_WRONLY|os.O_TRUNC, 0)
					require.NoError(t, err)
					_, err = f.Write(filestest.SameHead("b", 300_000))
					require.NoError(t, err)
					require.NoError(t, f.Close())
				})
			}
			r := b.load("x")
			require.Equal(t, []commit.Kind{commit.Changed}, b.kinds(r))
			require.Zero(t, r.Rows)
			b.cfg.Progress = nil
			require.Equal(t, int64(300_001), b.load("x").Rows, "the new file, whole and once")
		})
	}
}

func TestLoad_FileThatFailsLeavesTheOthersAlone(t *testing.T) {
	b := newYard(t)
	b.cfg.Workers = 1
	b.write("x", filestest.SameHead("a", 300_000))
	b.write("y", []byte(abc))
	var once sync.Once
	b.cfg.Progress = func(int64) {
		once.Do(func() { require.NoError(t, os.Truncate(b.path("x"), 0)) })
	}
	r := b.load("x", "y", "gone")
	require.ElementsMatch(t, []commit.Kind{commit.Unreadable, commit.Changed}, b.kinds(r))
	require.Equal(t, int64(3), r.Rows)
}

func TestLoad_BatchDamagedInTheSpoolIsCutAgain(t *testing.T) {
	damage := map[string]func(path string) error{
		"gone": os.Remove,
		"flipped": func(path string) error {
			body, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			body[10] ^= 1
			return os.WriteFile(path, body, 0o600)
		},
		"no manifest": func(path string) error {
			return os.Remove(filepath.Join(filepath.Dir(path), "manifest.json"))
		},
	}
	for name, harm := range damage {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", ledger lost ", lost), func(t *testing.T) {
				b := newYard(t)
				b.write("x", filestest.SameHead("a", 100))
				unblock := b.blockSink()
				_, err := b.run(t.Context(), "x")
				require.Error(t, err)
				unblock()
				require.NoError(t, harm(b.glob("state/spool/*/0")))
				if lost {
					require.NoError(t, os.Remove(filepath.Join(b.root, "state", "ledger.db")))
				}
				r := b.load("x")
				require.Empty(t, r.Problems)
				require.Equal(t, int64(1), r.Shipped)
			})
		}
	}
}

func TestLoad_HigherKComesDownWhenTheLowerOneIsFree(t *testing.T) {
	b := newYard(t)
	b.write("x", filestest.SameHead("a", 100))
	unblock := b.blockSink()
	_, err := b.run(t.Context(), "x")
	require.Error(t, err)
	unblock()
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "state", "spool")))
	b.write("x", filestest.SameHead("b", 200))
	r, err := b.run(t.Context(), "x")
	require.NoError(t, err)
	require.NotEmpty(t, r.Problems, "k 0 has lost its file and its spool, so k 1 waits")

	require.NoError(t, os.Remove(filepath.Join(b.root, "state", "ledger.db")))
	r = b.load("x")
	require.Empty(t, r.Problems)
	b.write("y", filestest.SameHead("c", 300))
	r = b.load("x", "y")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(301), r.Rows)
}

func TestLoad_AssumedNewWaitsForTheLowerK(t *testing.T) {
	b := newYard(t)
	b.write("long", []byte(abc))
	b.write("short", []byte("a1\nb2\n"))
	unblock := b.blockSink()
	_, err := b.run(t.Context(), "long")
	require.Error(t, err)
	unblock()
	require.NoError(t, os.Rename(b.path("long"), b.path("away")))
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "state", "spool")))

	b.cfg.Assume = commit.AssumeNew
	r, err := b.run(t.Context(), "short")
	require.NoError(t, err)
	require.Equal(t, []commit.Kind{commit.Gone, commit.Gone}, b.kinds(r))
	require.Zero(t, r.Shipped)

	require.NoError(t, os.Rename(b.path("away"), b.path("long")))
	r = b.load("long", "short")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(2), r.Shipped)
}
