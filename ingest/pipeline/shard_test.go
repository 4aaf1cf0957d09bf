package pipeline

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
)

func TestShard_EachFileIsOfOne(t *testing.T) {
	b := newYard(t)
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("f%d", i))
		b.write(names[i], []byte(fmt.Sprintf("h%d\nb%d\n", i/2, i))) // two of each first line
	}
	b.write("empty", nil)
	names = append(names, "empty")
	var sources, rows int64
	for i := range 3 {
		b.forgetState() // another machine
		b.cfg.Shard = Shard{Index: i, Count: 3}
		r := b.load(names...)
		require.Positive(t, r.Sources)
		require.Less(t, r.Sources, int64(30))
		sources, rows = sources+r.Sources, rows+r.Rows
	}
	require.Equal(t, int64(41), sources)
	require.Equal(t, int64(80), rows)
	b.forgetState()
	b.cfg.Shard = Shard{}
	r := b.load(names...)
	require.Zero(t, r.Rows, "nothing is left to be loaded")
}

// A file that one machine cannot read may be any shard's, so every shard that meets it says so.
func TestShard_FileThatOneCannotReadIsNamed(t *testing.T) {
	whole := filestest.Gzip([]byte(abc))
	for _, bad := range [][]byte{whole[:12], append([]byte{0x1f, 0x8b, 8, 0}, make([]byte, 20)...)} {
		b := newYard(t)
		b.write("f", bad)
		for i := range 4 {
			b.cfg.Shard = Shard{Index: i, Count: 4}
			r := b.load("f")
			require.Equal(t, []Kind{Corrupt}, b.kinds(r), "shard %d", i)
		}
		require.NoError(t, os.Remove(b.path("f")))
	}
}
