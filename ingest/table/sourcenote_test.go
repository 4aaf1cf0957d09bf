package table

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/goldentest"
	"logseal/ingest/source"
)

func genSourceNote() *rapid.Generator[*SourceNote] {
	return rapid.Custom(func(t *rapid.T) *SourceNote {
		k := genSource().Draw(t, "source")
		n := &SourceNote{Format: Format, Stream: k.Table.Stream, Version: k.Table.Version,
			Origin: k.Origin, SID: k.ID, K: rapid.Uint64().Draw(t, "k"),
			Path: rapid.StringN(1, 50, -1).Draw(t, "path"), Host: rapid.String().Draw(t, "host"),
			Size:    rapid.Int64Range(0, math.MaxInt64).Draw(t, "size"),
			Program: rapid.StringN(1, 20, -1).Draw(t, "program"), Time: genTime().Draw(t, "time")}
		if rapid.Bool().Draw(t, "has mtime") {
			at := genTime().Draw(t, "mtime")
			n.MTime = &at
		}
		return n
	})
}

func TestSourceNote_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genSourceNote().Draw(t, "note")
		require.NoError(t, want.Validate())
		got, err := ParseSourceNote(want.JSON())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, string(want.JSON()), string(got.JSON()))
		require.NoError(t, got.ValidateFor(SourceKey(want.SourceKey(), genDigest().Draw(t, "head"))))
		require.Error(t, got.ValidateFor(ManifestKey(want.SourceKey(), 0)))
	})
}

func goldenSourceNote() *SourceNote {
	mtime := int64(1705287600123000)
	return &SourceNote{Format: 1, Stream: "app", Version: 2, Origin: "web-1",
		SID: source.NewID("web-1", "app", 3, []byte("x")), K: 3, Path: "/var/log/app.log",
		Host: "web-1.example.org", Size: 1234, MTime: &mtime, Program: "ingest 1.0.0",
		Time: mtime + 1}
}

func TestSourceNote_Golden(t *testing.T) {
	goldentest.Require(t, "source.json", goldenSourceNote().JSON())
}

func TestSourceNote_Validate_KnowsEachRule(t *testing.T) {
	for want, change := range map[string]func(n *SourceNote){
		"format 0":              func(n *SourceNote) { n.Format = 0 },
		"stream":                func(n *SourceNote) { n.Stream = "" },
		"version 0":             func(n *SourceNote) { n.Version = 0 },
		"origin":                func(n *SourceNote) { n.Origin = "-" },
		"path and program":      func(n *SourceNote) { n.Path = "" },
		"program: want both":    func(n *SourceNote) { n.Program = "" },
		"is not valid UTF-8":    func(n *SourceNote) { n.Path = "/var/log/\xff" },
		"size -1 is negative":   func(n *SourceNote) { n.Size = -1 },
		"mtime and time":        func(n *SourceNote) { *n.MTime = maxMicros + 1 },
		"time: want years 0 to": func(n *SourceNote) { n.Time = minMicros - 1 },
	} {
		n := goldenSourceNote()
		change(n)
		require.ErrorContains(t, n.Validate(), want)
	}
}

func TestParseSourceNote_Refuses(t *testing.T) {
	body := string(goldenSourceNote().JSON())
	for want, edit := range map[string][2]string{
		"format 2":              {`"format":1`, `"format":2`},
		`field "host": missing`: {`"host":`, `"hosts":`},
		"have an empty string":  {`"web-1.example.org"`, `""`},
		"six fraction digits":   {`.123000Z`, `.123Z`},
		"want a string":         {`"2024-01-15T03:00:00.123001Z"`, `null`},
		"want both":             {`"ingest 1.0.0"`, `""`},
	} {
		edited := strings.Replace(body, edit[0], edit[1], 1)
		require.NotEqual(t, body, edited)
		_, err := ParseSourceNote([]byte(edited))
		require.ErrorContains(t, err, want)
	}
	n := goldenSourceNote()
	other := n.SourceKey()
	other.Origin = ""
	require.ErrorContains(t, n.ValidateFor(SourceKey(other, source.Digest{})), "the body is of source")
	require.Error(t, n.ValidateFor("x"))
}

func FuzzParseSourceNote(f *testing.F) {
	f.Add(goldenSourceNote().JSON())
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := ParseSourceNote(body)
		if err != nil {
			return
		}
		again, err := ParseSourceNote(n.JSON())
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}
