package source

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestChain_Resume_GivesTheSameChainFromAnyPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.SampledFrom([]byte("a\n\r\x00\xef\xbb\xbf")), 0, 300).Draw(t, "data")
		at := rapid.IntRange(0, len(data)).Draw(t, "at")
		step := rapid.IntRange(1, 70).Draw(t, "step")

		whole := NewChain()
		whole.Write(data[:at])
		p := whole.Point()
		c, err := Resume(p, data[at-at%BlockSize:at])
		require.NoError(t, err)
		whole.Write(data[at:])
		for rest := data[at:]; len(rest) > 0; {
			n := min(step, len(rest))
			c.Write(rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, whole.Point(), c.Point())
		require.Equal(t, Digest(sha256.Sum256(data)), c.Sum())
		require.Equal(t, lineStart(data), c.Point().Line)
	})
}

func TestChain_Resume_WithinABOM(t *testing.T) {
	data := []byte(BOM + "half")
	for at := range len(BOM) {
		whole := NewChain()
		whole.Write(data[:at])
		c, err := Resume(whole.Point(), data[:at])
		require.NoError(t, err)
		c.Write(data[at:])
		require.Equal(t, int64(len(BOM)), c.Point().Line, at)
	}
}

func TestChain_Clone_GoesOnApart(t *testing.T) {
	c := NewChain()
	c.Write([]byte("one\nt"))
	p := c.Point()
	d := c.Clone()
	d.Write([]byte("wo\n"))
	require.Equal(t, p, c.Point())
	require.Equal(t, DigestOf([]byte("one\ntwo\n")), d.Sum())
	require.Equal(t, int64(8), d.Point().Line)
}

// lineStart is where the last line begins: after its NULs and byte order marks.
func lineStart(data []byte) int64 {
	line := data[bytes.LastIndexByte(data, '\n')+1:]
	for len(line) > 0 {
		rest := bytes.TrimPrefix(bytes.TrimLeft(line, "\x00"), []byte(BOM))
		if len(rest) == len(line) {
			break
		}
		line = rest
	}
	return int64(len(data) - len(line))
}

func TestChain_Resume_RefusesOtherBytes(t *testing.T) {
	c := NewChain()
	c.Write([]byte("first line\n"))
	_, err := Resume(c.Point(), []byte("other line\n"))
	require.ErrorContains(t, err, "have changed")
	_, err = Resume(c.Point(), []byte("short"))
	require.ErrorContains(t, err, "want 11 bytes")
}

func TestNames_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 1<<61).Draw(t, "start")
		r := Range{start, start + rapid.Int64Range(1, 1<<61).Draw(t, "len")}
		got, err := ParseRange(r.Name())
		require.NoError(t, err)
		require.Equal(t, r, got)
	})
}

func TestNames_ParseRefuses(t *testing.T) {
	for _, s := range []string{"", "0-1", "0000000000000001-0000000000000001",
		"0000000000000002-0000000000000001", "000000000000000A-000000000000000b",
		"0000000000000000-ffffffffffffffff", "0000000000000000-00000000000000010"} {
		_, err := ParseRange(s)
		require.Error(t, err, s)
	}
	_, err := ParseID("00")
	require.Error(t, err)
	_, err = ParseDigest("zz")
	require.Error(t, err)
	_, err = ParseSeal("00112233445566zz")
	require.Error(t, err)
}

// The expected IDs were computed by an independent implementation (Python's hashlib).
func TestNewID_Golden(t *testing.T) {
	require.Equal(t, "42bb1ab47635691e7917a9a0b921b102", NewID("", "app", 0, []byte("first\n")).String())
	require.Equal(t, "ea93a0ff8d6fc15cbd54d70ef80adab6", NewID("web-1", "app", 1, []byte("first\n")).String())
}

func TestHead(t *testing.T) {
	long := bytes.Repeat([]byte("x"), HeadMax+10)
	comments := bytes.Repeat([]byte("# comment\n"), HeadMax/10+1)
	for name, c := range map[string]struct {
		first    []byte
		finished bool
		want     []byte
		ok       bool
	}{
		"empty":                       {nil, true, nil, false},
		"plain":                       {[]byte("one\ntwo\n"), false, []byte("one\n"), true},
		"after a BOM":                 {[]byte(BOM + "one\r\n"), false, []byte("one\r\n"), true},
		"skips blank and comment":     {[]byte("\n\r\n# c\n1,2\n"), false, []byte("1,2\n"), true},
		"unended, growing":            {[]byte("one"), false, nil, false},
		"unended, finished":           {[]byte("one"), true, []byte("one"), true},
		"only blanks, growing":        {[]byte("\n\n"), false, []byte("\n\n"), false},
		"only blanks, finished":       {[]byte("\n\n"), true, []byte("\n\n"), true},
		"cut":                         {long, false, long[:HeadMax], true},
		"nothing in the first 64 KiB": {comments, false, comments[:HeadMax], true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Head(c.first, c.finished)
			require.Equal(t, c.ok, ok)
			if ok {
				require.Equal(t, string(c.want), string(got))
			}
		})
	}
}

func TestCheckName(t *testing.T) {
	for _, s := range []string{"a", "web-1", "A.b_c", "0"} {
		require.NoError(t, CheckName(s))
	}
	for _, s := range []string{"", "-", ".a", "a/b", "a b", string(bytes.Repeat([]byte("a"), 64))} {
		require.Error(t, CheckName(s), s)
	}
}
