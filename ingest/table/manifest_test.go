package table

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/batch"
	"logseal/ingest/goldentest"
	"logseal/ingest/source"
)

func TestManifest_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genManifest().Draw(t, "manifest")
		require.NoError(t, want.Validate())
		body := want.JSON()
		require.True(t, json.Valid(body))
		got, err := ParseManifest(body)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, string(body), string(got.JSON()))

		require.NoError(t, got.ValidateFor(want.Key()))
		require.NoError(t, got.ValidateFor(FoundKey(want.SourceKey(), want.Start)))
		require.Error(t, got.ValidateFor(NoteKey(want.SourceKey(), want.Start)))
		require.Error(t, got.ValidateFor(ManifestKey(want.SourceKey(), want.End)))
	})
}

// What parses is canonical: no edit of a byte is read as if it were not there. The name of a field
// that may be left out can be edited into one that nobody knows, which is ignored.
func TestManifest_AnyEditIsSeenOrCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := genManifest().Draw(t, "manifest").JSON()
		at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
		with := rapid.SliceOfN(rapid.SampledFrom([]byte(` "0a\{[,:`+"\n")), 0, 2).Draw(t, "with")
		drop := rapid.IntRange(0, 1).Draw(t, "drop")
		edited := slices.Concat(body[:at], with, body[at+drop:])
		same := func(what string) bool {
			return bytes.Count(edited, []byte(what)) == bytes.Count(body, []byte(what))
		}
		if m, err := ParseManifest(edited); err == nil && same(":") && same(`"rest":`) {
			require.Equal(t, string(edited), string(m.JSON()))
		}
	})
}

func TestManifest_UnknownFieldsAreIgnored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genManifest().Draw(t, "manifest")
		body := string(want.JSON())
		places := fieldPlaces(body)
		at := rapid.SampledFrom(places).Draw(t, "at")
		value := rapid.SampledFrom([]string{`null`, `"x"`, `1.50`, `{"epoch":1}`, `[[]]`}).
			Draw(t, "value")
		got, err := ParseManifest([]byte(body[:at] + `"new":` + value + `,` + body[at:]))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// fieldPlaces finds where fields begin. No string of a manifest holds a brace or `,"`.
func fieldPlaces(body string) (at []int) {
	for i := 1; i < len(body); i++ {
		if body[i] == '"' && (body[i-1] == '{' || body[i-1] == ',') {
			at = append(at, i)
		}
	}
	return at
}

func TestManifest_KnownFieldsMustStand(t *testing.T) {
	body := string(goldenManifest().JSON())
	s := scanObject([]byte(body))
	require.NoError(t, s.err)
	require.Len(t, s.fields, 26)
	for i, f := range s.fields {
		field := `"` + f.name + `":` + string(f.raw)
		without := strings.Replace(body, field+",", "", 1)
		if i == len(s.fields)-1 {
			without = strings.Replace(body, ","+field, "", 1)
		}
		twice := strings.Replace(body, field, field+","+field, 1)
		moved := strings.Replace(without, "{", "{"+field+",", 1)
		if i == 0 {
			moved = strings.Replace(without, "}\n", ","+field+"}\n", 1)
		}
		for _, b := range []string{without, twice, moved} {
			require.NotEqual(t, body, b)
			_, err := ParseManifest([]byte(b))
			require.Error(t, err, "%s in %s", f.name, b)
		}
	}
}

// goldenManifest has every field set; its counts are made up.
func goldenManifest() *Manifest {
	c := source.NewChain()
	c.Write(bytes.Repeat([]byte("x"), 64))
	in := c.Point()
	c.Write(bytes.Repeat([]byte("y\n"), 40))
	out := c.Point()
	lo, hi := int64(1705287600123000), int64(1705374000000001)
	m := &Manifest{Format: 1, Stream: "app", Version: 2, Origin: "web-1",
		SID: source.NewID("web-1", "app", 3, []byte("x")), K: 3,
		Epoch: source.DigestOf([]byte("epoch")), Start: in.Offset, End: out.Offset, OpenEnd: true,
		ChainIn: in.Chain, ChainOut: out.Chain, ChainState: out.State, Carry: &Carry{Line: 0},
		Records: 37, Rows: 35, Rejects: 2, Skipped: 3, RowBytes: 70, RejectBytes: 4,
		SkippedBytes: 6, MinTime: &lo, MaxTime: &hi}
	m.Seal = source.NewSeal(m.ChainOut, m.Epoch)
	object := func(key string, size, rows int64) {
		m.Objects = append(m.Objects, Object{Key: key, Bytes: size, Rows: rows,
			SHA256: source.DigestOf([]byte(key))})
	}
	for day, rows := range []int64{25, 10} {
		p := batch.Partition{Date: int32(19737 + day), Hour: 3}
		object(DataKey(m.Table(), p, m.SID, m.Range(), m.Seal), 1234, rows)
	}
	object(QuarantineKey(m.Table(), m.SID, m.Range(), m.Seal), 567, 2)
	return m
}

// firstManifest is a batch at the start of a source with nothing in it but a BOM.
func firstManifest() *Manifest {
	c := source.NewChain()
	c.Write([]byte(source.BOM))
	out := c.Point()
	m := &Manifest{Format: 1, Stream: "app", Version: 1, SID: source.NewID("", "app", 0, nil),
		Epoch: source.DigestOf([]byte("epoch")), End: 3, ChainIn: source.Origin().Chain,
		ChainOut: out.Chain, ChainState: out.State, SkippedBytes: 3}
	m.Seal = source.NewSeal(m.ChainOut, m.Epoch)
	return m
}

// markedManifest is a batch of blank lines with marks in it.
func markedManifest() *Manifest {
	c := source.NewChain()
	c.Write(bytes.Repeat([]byte("\n"), 64))
	in := c.Point()
	c.Write(bytes.Repeat([]byte("\n"), 1000))
	out := c.Point()
	m := &Manifest{Format: 1, Stream: "app", Version: 1, SID: source.NewID("", "app", 0, nil),
		Epoch: source.DigestOf([]byte("epoch")), Start: in.Offset, End: out.Offset,
		ChainIn: in.Chain, ChainOut: out.Chain, ChainState: out.State,
		Marks: c.Marks(in.Offset, out.Offset), Skipped: 1000, SkippedBytes: 1000}
	m.Seal = source.NewSeal(m.ChainOut, m.Epoch)
	return m
}

func TestManifest_Golden(t *testing.T) {
	for name, m := range map[string]*Manifest{
		"manifest.json": goldenManifest(), "manifest-first.json": firstManifest(),
		"manifest-marks.json": markedManifest(),
	} {
		require.NoError(t, m.Validate())
		goldentest.Require(t, name, m.JSON())
		got, err := ParseManifest(m.JSON())
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
}

func swapTimes(m *Manifest) { m.MinTime, m.MaxTime = m.MaxTime, m.MinTime }

func TestManifest_Validate_KnowsEachRule(t *testing.T) {
	for want, change := range map[string]func(m *Manifest){
		"format 2":                     func(m *Manifest) { m.Format = 2 },
		"stream":                       func(m *Manifest) { m.Stream = "" },
		"version 0":                    func(m *Manifest) { m.Version = 0 },
		"origin":                       func(m *Manifest) { m.Origin = "-" },
		"start -1 is negative":         func(m *Manifest) { m.Start = -1 },
		"end 64 is not after":          func(m *Manifest) { m.End = m.Start },
		"chain_out and epoch give":     func(m *Manifest) { m.Epoch[0]++ },
		"chain_in at 0":                func(m *Manifest) { m.Start = 0 },
		"chain_state does not give":    func(m *Manifest) { m.End = 128 },
		"chain_state before 64":        func(m *Manifest) { m.Start, m.End = 10, 20 },
		"carry: line 64 is not before": func(m *Manifest) { m.Carry.Line = 64 },
		"carry: line -1 is not before": func(m *Manifest) { m.Carry.Line = -1 },
		"carry: rest of 64 is not from": func(m *Manifest) {
			m.Carry.Rest[1] = source.Rest{Kind: source.TooLong, Of: 64}
		},
		"rest of 144 is not from": func(m *Manifest) {
			m.Rest[0] = source.Rest{Kind: source.Continued, Of: 144}
		},
		"rows 35 and rejects 2 are not": func(m *Manifest) { m.Records++ },
		"are not the 80 bytes":          func(m *Manifest) { m.RowBytes++ },
		"rows 71: want 0 to 70":         func(m *Manifest) { m.Rows = 71 },
		"rejects -1":                    func(m *Manifest) { m.Rejects = -1 },
		"skipped 7":                     func(m *Manifest) { m.Skipped = 7 },
		"reject_bytes 81":               func(m *Manifest) { m.RejectBytes = 81 },
		"bytes of rows or rejects, but": func(m *Manifest) { m.Records, m.Rejects = 35, 0 },
		"want both or none":             func(m *Manifest) { m.MinTime = nil },
		"min_time is after":             swapTimes,
		"years 0 to 9999":               func(m *Manifest) { *m.MaxTime = 1 << 60 },
		"is not after the one before":   func(m *Manifest) { m.Objects[1] = m.Objects[0] },
		"is of another batch":           func(m *Manifest) { m.SID[0]++ },
		"objects: key \"x\"":            func(m *Manifest) { m.Objects[0].Key = "x" },
		"is neither data nor":           func(m *Manifest) { m.Objects[2].Key = RootKey },
		"0 rows in 1234 bytes":          func(m *Manifest) { m.Objects[0].Rows = 0 },
		"25 rows in 0 bytes":            func(m *Manifest) { m.Objects[0].Bytes = 0 },
		"data objects hold 36 rows":     func(m *Manifest) { m.Objects[0].Rows++ },
		"data objects hold 10 rows":     func(m *Manifest) { m.Objects = m.Objects[1:] },
		"the first partition is dt=":    func(m *Manifest) { *m.MinTime -= 3600e6 },
		"the last partition is dt=":     func(m *Manifest) { *m.MaxTime += 3600e6 },
		"want dated partitions":         func(m *Manifest) { m.MinTime, m.MaxTime = nil, nil },
		"quarantine's object holds 0":   func(m *Manifest) { m.Objects = m.Objects[:2] },
	} {
		m := goldenManifest()
		change(m)
		require.ErrorContains(t, m.Validate(), want)
	}
	for want, change := range map[string]func(m *Manifest){
		"marks: the one at 256 is missing": func(m *Manifest) { m.Marks = nil },
		"marks: the one at 1024 is miss":   func(m *Manifest) { m.Marks = m.Marks[:1] },
		"marks: 1024 is not the next":      func(m *Manifest) { m.Marks = m.Marks[1:] },
		"marks: 255 is not the next":       func(m *Manifest) { m.Marks[0].Offset-- },
		"marks: 4096 is not the next": func(m *Manifest) {
			m.Marks = append(m.Marks, source.Mark{Offset: 4096})
		},
		"after 64": func(m *Manifest) {
			m.Marks = append([]source.Mark{{Offset: 64, Chain: m.ChainIn}}, m.Marks...)
		},
	} {
		m := markedManifest()
		change(m)
		require.ErrorContains(t, m.Validate(), want)
	}
	first := firstManifest()
	first.Start, first.ChainIn[0] = 0, 1
	require.ErrorContains(t, first.Validate(), "chain_in at 0")
}

func TestParseManifest_Refuses(t *testing.T) {
	body := string(goldenManifest().JSON())
	for want, edit := range map[string][2]string{
		"format 2":                 {`"format":1`, `"format":2`},
		"not canonical":            {`"format":1`, `"format": 1`},
		"want an integer":          {`"start":64`, `"start":64.0`},
		"want a natural number":    {`"k":3`, `"k":-3`},
		"one spelling":             {`"format"`, `"\u0066ormat"`},
		"escapes":                  {`"app"`, `"\u0061pp"`},
		"want a string":            {`"app"`, `null`},
		"have an empty string":     {`"web-1"`, `""`},
		"want true or false":       {`"open_end":true`, `"open_end":1`},
		"lower-case":               {`"sid":"`, `"sid":"A`},
		"want RFC 3339":            {`.123000Z`, `.123000+00:00`},
		"six fraction digits":      {`.123000Z`, `.123Z`},
		"want an array":            {`"objects":[`, `"objects":3,"x":[`},
		"want an array, have null": {`"marks":[]`, `"marks":null`},
		`field "chain": missing`:   {`"marks":[]`, `"marks":[{"offset":256}]`},
		`marks: 256 is not`: {`"marks":[]`,
			`"marks":[{"offset":256,"chain":"` + source.Digest{}.String() + `"}]`},
		"not in its place":         {`"k":3,`, ``},
		"stands twice":             {`"k":3,`, `"k":3,"k":3,`},
		"not a JSON object":        {`"carry":{"line":0}`, `"carry":[]`},
		`field "line": missing`:    {`"carry":{"line":0}`, `"carry":{}`},
		"not JSON":                 {`{"format"`, `{{"format"`},
		"is not before start":      {`"line":0`, `"line":99`},
		"want an integer of 64 bi": {`"rows":35`, `"rows":99999999999999999999`},
	} {
		edited := strings.Replace(body, edit[0], edit[1], 1)
		require.NotEqual(t, body, edited)
		if want == "lower-case" {
			edited = strings.Replace(body, `"sid":"`+goldenManifest().SID.String(),
				`"sid":"`+strings.ToUpper(goldenManifest().SID.String()), 1)
		}
		_, err := ParseManifest([]byte(edited))
		require.ErrorContains(t, err, want)
	}
	for _, b := range []string{"", "\n", "{}", "null\n", "[]\n", body + "\n", body[:len(body)-1],
		body + body, "\xff" + body} {
		_, err := ParseManifest([]byte(b))
		require.Error(t, err, b)
	}
	var unknown *FormatError
	_, err := ParseManifest([]byte(strings.Replace(body, `"format":1`, `"format":2`, 1)))
	require.ErrorAs(t, err, &unknown)
}

func FuzzParseManifest(f *testing.F) {
	f.Add(goldenManifest().JSON())
	f.Add(firstManifest().JSON())
	f.Add(markedManifest().JSON())
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseManifest(body)
		if err != nil {
			return
		}
		again, err := ParseManifest(m.JSON())
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
