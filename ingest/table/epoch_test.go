package table

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/batch"
	"logseal/ingest/goldentest"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

func goldenEpoch() *Epoch {
	e := NewEpoch(source.Table{Stream: "app", Version: 2}, parse.Definition{
		Pattern: `(?P<ts>\S+) (?P<level>[A-Z]+) "(?P<text>[^"<>&]*)"( (?P<took>\d+))?`,
		Columns: []parse.Column{
			{Name: "ts", Type: parse.Timestamp, Layout: "2006-01-02 15:04:05",
				Zone: "Europe/Zurich", EventTime: true},
			{Name: "level", Type: parse.String, Enum: []string{"INFO", "WARN"}},
			{Name: "text", Type: parse.String, MinLength: 1, MaxLength: 80, Pattern: `.*\S`},
			{Name: "took", Type: parse.Int32, Optional: true, NullValues: []string{"0", "00"},
				Min: "1", Max: "99"},
		},
		Window: parse.Window{From: 0, To: 4102444800000000},
	})
	e.Partition, e.MaxRecordBytes, e.Compression = batch.Hour, 1000, "none"
	return e
}

func plainEpoch() *Epoch {
	return NewEpoch(source.Table{Stream: "lines", Version: 1}, parse.Definition{
		Pattern: `(?P<line>.*)`, Columns: []parse.Column{{Name: "line", Type: parse.String}}})
}

// jsonEpoch is of lines that are JSON and keep what they have besides.
func jsonEpoch() *Epoch {
	return NewEpoch(source.Table{Stream: "web", Version: 1}, parse.Definition{
		Kind: parse.JSON,
		Columns: []parse.Column{
			{Name: "ts", Type: parse.Timestamp, Layout: parse.LayoutEpochS, EventTime: true},
			{Name: "status", Type: parse.Int32, Key: `request.status`, Optional: true},
			{Name: "level", Key: `log\.level`, Enum: []string{"info", "warn"}},
		},
	})
}

// podEpoch is of what pods write, JSON inside of CRI.
func podEpoch() *Epoch {
	return NewEpoch(source.Table{Stream: "pods", Version: 1}, parse.Framed(parse.CRI,
		parse.Definition{Kind: parse.JSON, UnknownKeys: parse.DropUnknown,
			Columns: []parse.Column{{Name: "status", Type: parse.Int32, Optional: true}}},
		map[string]string{"time": "taken"}))
}

// dockerEpoch is of what Docker writes, with nothing said of what is inside.
func dockerEpoch() *Epoch {
	return NewEpoch(source.Table{Stream: "docker", Version: 1},
		parse.Framed(parse.DockerJSON, parse.Definition{}, nil))
}

// strictEpoch is of lines that are JSON and have nothing besides.
func strictEpoch() *Epoch {
	e := jsonEpoch()
	e.Parser.UnknownKeys = parse.RejectUnknown
	e.Parser.Columns = e.Parser.Columns[:3]
	return e
}

func TestEpoch_Golden(t *testing.T) {
	for name, e := range map[string]*Epoch{
		"epoch.json": goldenEpoch(), "epoch-plain.json": plainEpoch(),
		"epoch-lines-json.json": jsonEpoch(), "epoch-lines-json-strict.json": strictEpoch(),
		"epoch-cri.json": podEpoch(), "epoch-docker-json.json": dockerEpoch(),
	} {
		require.NoError(t, e.Validate())
		goldentest.Require(t, name, e.JSON())
		got, err := ParseEpoch(e.JSON())
		require.NoError(t, err)
		require.Equal(t, e, got)
		require.Equal(t, source.DigestOf(e.JSON()), got.ID())
		require.Equal(t, "epochs/"+e.Table().String()+"/"+e.ID().String()+".json", got.Key())
	}
}

// The scanner is tested beside Validate, which does not let a pattern of random text pass.
func TestEpoch_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genEpoch().Draw(t, "epoch")
		body := e.JSON()
		s := scanDocument(body)
		got := scanEpoch(s)
		require.NoError(t, s.err, string(body))
		require.Equal(t, string(body), string(got.JSON()))
		want := *e
		want.Parser = e.Parser.Canonical()
		require.Equal(t, want, *got)
	})
}

func TestParseEpoch_Refuses(t *testing.T) {
	body := string(goldenEpoch().JSON())
	for want, edit := range map[string][2]string{
		"format 7":                {`"format":1`, `"format":7`},
		"at its default":          {`"version":2`, `"version":1`},
		"`encoder` or":            {`"encoder":1`, `"encoder":0`},
		"partition \"week\"":      {`"partition":"hour"`, `"partition":"week"`},
		"field \"partition\": at": {`"partition":"hour"`, `"partition":"day"`},
		"field \"max_record_byte": {`"max_record_bytes":1000`, `"max_record_bytes":1048576`},
		"type \"text\"":           {`"type":"int32"`, `"type":"text"`},
		"field \"optional\": at":  {`"optional":true`, `"optional":false`},
		"field \"null_values\":":  {`"null_values":["0","00"]`, `"null_values":[]`},
		"want RFC 3339 in UTC":    {`1970-01-01T00:00:00.000000Z`, `1970-01-01T00:00:00Z`},
		"field \"compression\":":  {`"compression":"none"`, `"compression":"zstd"`},
		"field \"pattern\": miss": {`,"pattern":"(?P`, `,"Pattern":"(?P`},
	} {
		edited := strings.Replace(body, edit[0], edit[1], 1)
		require.NotEqual(t, body, edited)
		_, err := ParseEpoch([]byte(edited))
		if want == "`encoder` or" {
			want = "encoder 0"
		}
		require.ErrorContains(t, err, want)
	}
}

func TestParseEpoch_RefusesOfJSON(t *testing.T) {
	for _, c := range []struct{ want, old, new string }{
		{`kind "regexp"`, `"kind":"json"`, `"kind":"regexp"`},
		{`field "kind": at its default`, `"kind":"json"`, `"kind":"regex"`},
		{`field "pattern": missing`, `"kind":"json",`, ``},
		{`want keep, drop or reject`, `"unknown_keys":"reject"`, `"unknown_keys":"no"`},
		{`field "unknown_keys": at its default`, `"unknown_keys":"reject"`, `"unknown_keys":"keep"`},
		{"want _extra as the last", `"unknown_keys":"reject",`, ``},
		{`the column's name: want it left out`, `"key":"request.status"`, `"key":"status"`},
		{`field "key": at its default`, `"key":"request.status"`, `"key":""`},
		{"a name in it is empty", `"key":"request.status"`, `"key":"request."`},
	} {
		body := string(strictEpoch().JSON())
		edited := strings.Replace(body, c.old, c.new, 1)
		require.NotEqual(t, body, edited)
		_, err := ParseEpoch([]byte(edited))
		require.ErrorContains(t, err, c.want)
	}
}

func TestParseEpoch_UnknownFieldShowsInTheDigest(t *testing.T) {
	body := strings.Replace(string(plainEpoch().JSON()), `"columns"`, `"new":1,"columns"`, 1)
	e, err := ParseEpoch([]byte(body))
	require.NoError(t, err)
	require.Equal(t, plainEpoch(), e)
	require.NotEqual(t, source.DigestOf([]byte(body)), e.ID())
}

func TestEpoch_Validate_RefusesBytesThatAreNoText(t *testing.T) {
	e := plainEpoch()
	e.Compression = "\xff"
	require.ErrorContains(t, e.Validate(), "UTF-8")
}

func TestCompatible(t *testing.T) {
	addColumn := func(e *Epoch, c parse.Column) {
		e.Parser.Columns = append(e.Parser.Columns[:1:1],
			append([]parse.Column{c}, e.Parser.Columns[1:]...)...)
		e.Parser.Pattern += `( (?P<new>\d+))?`
	}
	optional := parse.Column{Name: "new", Type: parse.Int64, Optional: true}
	for name, change := range map[string]func(e *Epoch){
		"nothing":         func(e *Epoch) {},
		"encoder":         func(e *Epoch) { e.Encoder++ },
		"compression":     func(e *Epoch) { e.Compression = "snappy" },
		"optional column": func(e *Epoch) { addColumn(e, optional) },
	} {
		t.Run(name, func(t *testing.T) {
			e := goldenEpoch()
			change(e)
			require.NoError(t, Compatible(goldenEpoch(), e))
		})
	}
	for want, change := range map[string]func(e *Epoch){
		"`partition`":        func(e *Epoch) { e.Partition = batch.Day },
		"`time_window`":      func(e *Epoch) { e.Parser.Window = parse.Window{} },
		"`max_record_bytes`": func(e *Epoch) { e.MaxRecordBytes++ },
		"the pattern":        func(e *Epoch) { e.Parser.Pattern += "x" },
		"the table":          func(e *Epoch) { e.Stream = "other" },
		`column "took"`:      func(e *Epoch) { e.Parser.Columns[3].Max = "100" },
		`"text", which is gone`: func(e *Epoch) {
			e.Parser.Columns = append(e.Parser.Columns[:2:2], e.Parser.Columns[3])
			e.Parser.Columns[2].Optional = true
		},
		`"new", which is new and not`: func(e *Epoch) { addColumn(e, parse.Column{Name: "new"}) },
		`"new", which is new and n`: func(e *Epoch) {
			addColumn(e, parse.Column{Name: "new", Optional: true, EventTime: true})
		},
		"set `version: 3`": func(e *Epoch) { e.Parser.Columns[0].Zone = "" },
	} {
		e := goldenEpoch()
		change(e)
		require.ErrorContains(t, Compatible(goldenEpoch(), e), want)
	}
}

func TestCompatible_OfJSON(t *testing.T) {
	old := jsonEpoch()
	added := jsonEpoch()
	added.Parser.Columns = append(added.Parser.Columns[:3:3],
		parse.Column{Name: "user", Key: "request.user", Optional: true}, added.Parser.Columns[3])
	require.NoError(t, added.Validate())
	require.NoError(t, Compatible(old, added))
	require.ErrorContains(t, Compatible(added, old), `column "user", which is gone`)
	for want, change := range map[string]func(e *Epoch){
		"`unknown_keys` differs":  func(e *Epoch) { *e = *strictEpoch() },
		`column "status" differs`: func(e *Epoch) { e.Parser.Columns[1].Key = "" },
		`column "level" differs`:  func(e *Epoch) { e.Parser.Columns[2].Key = "log.level" },
		"`format` differs": func(e *Epoch) {
			e.Parser = parse.Definition{Pattern: "x", Columns: e.Parser.Columns}
		},
	} {
		e := jsonEpoch()
		change(e)
		require.ErrorContains(t, Compatible(old, e), want)
	}
	pods := podEpoch()
	pods.Parser.Frame = parse.NoFrame
	require.ErrorContains(t, Compatible(podEpoch(), pods), "`format` differs")
	pods = podEpoch()
	pods.Parser.Columns[0].Name = "time"
	require.ErrorContains(t, Compatible(podEpoch(), pods), `column "time", which is new`)
	same := jsonEpoch()
	same.Parser.Columns[0].Key = "ts"
	require.NoError(t, Compatible(old, same))
}

func FuzzParseEpoch(f *testing.F) {
	f.Add(jsonEpoch().JSON())
	f.Add(strictEpoch().JSON())
	f.Add(podEpoch().JSON())
	f.Add(dockerEpoch().JSON())
	f.Add(goldenEpoch().JSON())
	f.Add(plainEpoch().JSON())
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := ParseEpoch(body)
		if err != nil {
			return
		}
		again, err := ParseEpoch(e.JSON())
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}
