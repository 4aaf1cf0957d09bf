package parse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// generateCombined makes n lines of a combined access log, the same for each n.
func generateCombined(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)
	var b []byte
	for range n {
		at = at.Add(time.Duration(random.IntN(3000)) * time.Millisecond)
		size := "-"
		if random.IntN(10) > 0 {
			size = fmt.Sprint(random.IntN(100000))
		}
		b = fmt.Appendf(b, "192.0.2.%d - - [%s] \"GET /items/%d?page=%d HTTP/1.1\" %d %s \"-\" "+
			"\"Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0\"\n",
			random.IntN(256), at.Format("02/Jan/2006:15:04:05 -0700"), random.IntN(5000),
			random.IntN(20), 200+random.IntN(5), size, random.IntN(99), random.IntN(99))
	}
	return b
}

// generateApp makes n lines of an application log, the same for each n.
func generateApp(n int) []byte {
	random := rand.New(rand.NewPCG(3, 4))
	at := time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)
	var b []byte
	for range n {
		at = at.Add(time.Duration(random.IntN(3000)) * time.Millisecond)
		b = fmt.Appendf(b, "%s %s billing.worker%d: charge %d accepted after %d ms\n",
			at.Format("2006-01-02T15:04:05.000Z07:00"), []string{"INFO", "WARN", "DEBUG"}[random.IntN(3)],
			random.IntN(8), random.Int32(), random.IntN(900))
	}
	return b
}

// generateJSON makes n lines as a service writes them, the same for each n. Columns of jsonColumns
// read most of it.
func generateJSON(n int) []byte {
	random := rand.New(rand.NewPCG(5, 6))
	at := time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)
	var b []byte
	for range n {
		at = at.Add(time.Duration(random.IntN(3000)) * time.Millisecond)
		b = fmt.Appendf(b, `{"level":%q,"time":%q,"logger":"http.access","msg":"handled \"%d\"",`+
			`"request":{"method":"GET","path":"/items/%d?page=%d","proto":"HTTP/1.1","remote_ip":`+
			`"192.0.2.%d"},"status":%d,"took":%.6f,"user":null,"trace_id":"%016x","tags":["a","b"]}`+"\n",
			[]string{"info", "warn", "debug"}[random.IntN(3)],
			at.Format("2006-01-02T15:04:05.000Z07:00"), random.IntN(9), random.IntN(5000),
			random.IntN(20), random.IntN(256), 200+random.IntN(5), random.Float64(), random.Uint64())
	}
	return b
}

func jsonColumns() Definition {
	return Definition{Kind: JSON, Columns: []Column{
		{Name: "time", Type: Timestamp, EventTime: true},
		{Name: "level", Enum: []string{"debug", "info", "warn", "error"}},
		{Name: "logger"}, {Name: "msg"},
		{Name: "method", Key: "request.method"}, {Name: "path", Key: "request.path"},
		{Name: "remote_ip", Type: IP, Key: "request.remote_ip"},
		{Name: "status", Type: Int32}, {Name: "took", Type: Float64},
		{Name: "user", Optional: true},
	}}
}

// spansPattern is one that is a list of spans, for the lines of generateApp.
const spansPattern = `(?P<ts>\S+) (?P<severity>[A-Z]+) (?P<module>[^:]+): (?P<message>.*)`

// BenchmarkMatch finds the groups of one pattern as a list of spans and by package regexp.
func BenchmarkMatch(b *testing.B) {
	line := bytes.TrimSuffix(generateApp(1), []byte("\n"))
	p, err := FromPattern(spansPattern)
	if err != nil {
		b.Fatal(err)
	}
	parser := newParser(b, p)
	b.Run("spans", func(b *testing.B) {
		var groups []int
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			if !parser.spans.match(line, &groups) {
				b.Fatal("no match")
			}
		}
	})
	b.Run("regexp", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			if parser.re.FindSubmatchIndex(line) == nil {
				b.Fatal("no match")
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const lines = 4000
	for name, data := range map[string][]byte{
		"combined": generateCombined(lines), "app": generateApp(lines), "json": generateJSON(lines),
	} {
		b.Run(name, func(b *testing.B) {
			def, ok := Preset(name)
			if !ok {
				def = jsonColumns()
			}
			p := newParser(b, def)
			var t Table
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(0, data, &t)
			}
			if t.Rows() != lines {
				b.Fatalf("want %d rows, got %d", lines, t.Rows())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/record")
		})
	}
}

// BenchmarkUnmarshal is what encoding/json needs for the lines of BenchmarkParse/json, without
// columns, exact numbers or names that stand twice: what we are compared with.
func BenchmarkUnmarshal(b *testing.B) {
	const lines = 4000
	data := generateJSON(lines)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for line := range bytes.Lines(data) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/record")
}
