package parse

import (
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

func BenchmarkParse(b *testing.B) {
	const lines = 4000
	for name, data := range map[string][]byte{
		"combined": generateCombined(lines), "app": generateApp(lines),
	} {
		b.Run(name, func(b *testing.B) {
			p := newPreset(b, name)
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
