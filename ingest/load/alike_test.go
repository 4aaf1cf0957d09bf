package load

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"

	"github.com/stretchr/testify/require"
)

// Logs that begin with the same line, as a program's greeting, are told apart whatever their names
// and lengths: none is taken for the beginning of a longer one.
func TestLoad_FilesThatBeginAlikeAreAllRead(t *testing.T) {
	for _, maxBytes := range []int64{64 << 20, 6} {
		b := newYard(t)
		b.cfg.Streams[0].MaxBytes = maxBytes
		names := []string{"a", "b", "c", "d"}
		for i, lines := range []int{40, 2, 20, 2} {
			b.write(names[i], []byte("h1\n"+strings.Repeat(names[i]+"2\n", lines)))
		}
		r := b.load(names...)
		require.Empty(t, r.Problems)
		require.Equal(t, int64(4+40+2+20+2), r.Rows)

		b.forgetState()
		r = b.load(names...)
		require.Empty(t, r.Problems)
		require.Zero(t, r.Rows)
		require.Equal(t, int64(4), r.Duplicates)
	}
}

// A short file that plainly says something else than a long one is read, whichever is loaded first
// and whatever is known of the long one: its marks refute the short file, though its first batch ends
// far behind that.
func TestLoad_ShortFileThatDiffersIsReadWheneverItIsLoaded(t *testing.T) {
	long, short := filestest.SameHead("a", 4000), filestest.SameHead("b", 40)
	orders := map[string]func(b *yard) (loaded []*commit.Report){
		"the long one before": func(b *yard) []*commit.Report {
			return []*commit.Report{b.load("long"), b.load("short")}
		},
		"the short one before": func(b *yard) []*commit.Report {
			return []*commit.Report{b.load("short"), b.load("long")}
		},
		"the long one before, and again unchanged": func(b *yard) []*commit.Report {
			return []*commit.Report{b.load("long"), b.load("long", "short")}
		},
		"the short one before, and again unchanged": func(b *yard) []*commit.Report {
			return []*commit.Report{b.load("short"), b.load("long", "short")}
		},
		"both at once": func(b *yard) []*commit.Report { return []*commit.Report{b.load("long", "short")} },
		"the long one before, the ledger lost": func(b *yard) []*commit.Report {
			first := b.load("long")
			b.forgetState()
			return []*commit.Report{first, b.load("short")}
		},
		"the long one before and again, the ledger lost": func(b *yard) []*commit.Report {
			first := b.load("long")
			b.forgetState()
			return []*commit.Report{first, b.load("long", "short")}
		},
		"the short one before, the ledger lost": func(b *yard) []*commit.Report {
			first := b.load("short")
			b.forgetState()
			return []*commit.Report{first, b.load("long")}
		},
	}
	for name, load := range orders {
		for _, maxBytes := range []int64{64 << 20, 1000} {
			t.Run(fmt.Sprint(name, ", batches of ", maxBytes), func(t *testing.T) {
				b := newYard(t)
				b.cfg.Streams[0].MaxBytes = maxBytes
				b.write("long", long)
				b.write("short", short)
				var rows int64
				for _, r := range load(b) {
					require.Empty(t, r.Problems)
					rows += r.Rows
				}
				require.Equal(t, int64(4001+41), rows)
				require.Zero(t, b.load("long", "short").Rows)
				b.forgetState()
				r := b.load("long", "short")
				require.Empty(t, r.Problems)
				require.Zero(t, r.Rows)
				require.Equal(t, int64(2), r.Duplicates)
			})
		}
	}
}

// A file that is undecided once is not for ever: it is read as soon as it has grown to a mark that
// refutes it.
func TestLoad_UndecidedFileIsReadOnceAMarkRefutesIt(t *testing.T) {
	b := newYard(t)
	b.write("long", filestest.SameHead("a", 4000))
	b.load("long")
	b.forgetState()
	short := filestest.SameHead("b", 40)
	b.write("short", short[:21])
	require.Equal(t, []commit.Kind{commit.Undecided}, b.kinds(b.load("short")), "no mark lies within it")
	b.append("short", string(short[21:93]))
	r := b.load("short")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(11), r.Rows)
}

// The ledger knows the file that the other source was read from: it tells the two apart, before any mark.
func TestLoad_UndecidedFileIsHeldAgainstTheOthersFile(t *testing.T) {
	b := newYard(t)
	b.write("long", filestest.SameHead("a", 4000))
	b.load("long")
	b.write("short", filestest.SameHead("b", 40)[:21])
	r := b.load("short")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(3), r.Rows)
}

// Where no mark lies behind the difference only the other file itself can tell: given both, a load
// must not need the marks, also when it knows the long one and has no work with it.
func TestLoad_ShortFileThatDiffersBehindItsLastMarkIsReadBesideTheLongOne(t *testing.T) {
	long := filestest.SameHead("a", 4000)
	short := append(bytes.Clone(long[:300]), "b1\n"...) // the last mark in it is at 256
	for name, before := range map[string][]string{
		"both at once": nil, "the short one before": {"short"}, "the long one before": {"long"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newYard(t)
			b.write("long", long)
			b.write("short", short)
			var rows int64
			if before != nil {
				rows = b.load(before...).Rows
			}
			r := b.load("long", "short")
			require.Empty(t, r.Problems)
			require.Equal(t, int64(4001+35), rows+r.Rows)
			require.Empty(t, b.load("long", "short").Problems)
		})
	}
}

// What really is a beginning of another file stays undecided, marks or not.
func TestLoad_BeginningOfALongerFileStaysUndecided(t *testing.T) {
	b := newYard(t)
	long := filestest.SameHead("a", 4000)
	b.write("long", long)
	b.load("long")
	for _, n := range []int{21, 93, 363, 30_003} {
		b.write("short", long[:n])
		for range 2 {
			require.Equal(t, []commit.Kind{commit.Undecided}, b.kinds(b.load("short")), "the first %d bytes", n)
			b.forgetState()
		}
	}
}
