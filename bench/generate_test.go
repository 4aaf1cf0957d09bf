package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

// generator makes log lines, the same ones each time. Values are distributed as in real logs,
// because dictionaries and compression live on it: a few hosts, paths, agents and modules make
// most of the lines, sizes are log-normal, the times between lines are exponential, and one line in
// a thousand is none.
type generator struct {
	random *rand.Rand
	at     time.Time
	b      []byte
}

func newGenerator(seed uint64) *generator {
	return &generator{random: rand.New(rand.NewPCG(seed, 20240115)),
		at: time.Date(2024, 1, 15, 6, 0, 0, 0, time.UTC)}
}

// garbageEvery is how many lines there are to one that no format takes.
const garbageEvery = 1000

// generate makes at least size bytes of whole lines.
func (g *generator) generate(size int, line func()) []byte {
	g.b = make([]byte, 0, size+4096)
	for len(g.b) < size {
		g.at = g.at.Add(time.Duration(g.random.ExpFloat64() * float64(40*time.Millisecond)))
		if g.random.IntN(garbageEvery) == 0 {
			g.b = fmt.Appendf(g.b, "    at frame %d of a stack trace\n", g.random.IntN(64))
			continue
		}
		line()
		g.b = append(g.b, '\n')
	}
	return g.b
}

// generateCombined makes lines of a combined access log.
func generateCombined(size int) []byte {
	g := newGenerator(1)
	hosts, paths, agents := g.hosts(20000), g.paths(8000), g.agents(600)
	pickHost, pickPath, pickAgent := g.rank(1.1, hosts), g.rank(1.2, paths), g.rank(1.4, agents)
	pickReferer := g.rank(1.3, paths)
	statuses := weighted("200 200 200 200 200 200 200 200 200 200 200 200 200 200 304 304 301 404 " +
		"404 500")
	methods := weighted("GET GET GET GET GET GET GET GET GET GET GET GET POST POST HEAD")
	return g.generate(size, func() {
		status := g.pick(statuses)
		g.text(pickHost(), " - ")
		if g.random.IntN(30) == 0 {
			g.text("user", strconv.Itoa(g.random.IntN(300)))
		} else {
			g.text("-")
		}
		g.text(" [", g.at.Format("02/Jan/2006:15:04:05 -0700"), `] "`, g.pick(methods), " ", pickPath())
		if g.random.IntN(8) == 0 {
			g.text("?page=", strconv.Itoa(g.random.IntN(40)), "&session=")
			g.b = fmt.Appendf(g.b, "%016x", g.random.Uint64())
		}
		g.text(` HTTP/1.1" `, status, " ")
		if status == "304" {
			g.text("-")
		} else {
			g.b = strconv.AppendInt(g.b, g.size(), 10)
		}
		if g.random.IntN(5) < 2 {
			g.text(` "-" "`)
		} else {
			g.text(` "https://www.example.org`, pickReferer(), `" "`)
		}
		g.text(pickAgent(), `"`)
	})
}

// generateApp makes lines of an application log.
func generateApp(size int) []byte {
	g := newGenerator(2)
	var modules []string
	for range 90 {
		modules = append(modules, g.word()+"."+g.word())
	}
	pickModule := g.rank(1.2, modules)
	severities := weighted("INFO INFO INFO INFO INFO INFO INFO INFO INFO INFO INFO INFO INFO INFO " +
		"DEBUG DEBUG DEBUG DEBUG WARN WARN ERROR")
	messages := []func(){
		func() { g.text("served in ", strconv.FormatInt(g.size(), 10), " us") },
		func() { g.b = fmt.Appendf(g.b, "request %016x accepted", g.random.Uint64()) },
		func() { g.b = fmt.Appendf(g.b, "%s %d saved", g.word(), g.random.IntN(1e6)) },
		func() { g.b = fmt.Appendf(g.b, "retry %d of 5: %s is slow", g.random.IntN(5), g.word()) },
		func() { g.text("healthy") },
		func() {
			for range 6 + g.random.IntN(14) {
				g.text(g.word(), " ")
			}
			g.text("réessayé")
		},
	}
	return g.generate(size, func() {
		g.text(g.at.Format("2006-01-02T15:04:05.000Z07:00"), " ", g.pick(severities), " ", pickModule(),
			": ")
		messages[g.random.IntN(len(messages))]()
	})
}

func (g *generator) text(texts ...string) {
	for _, s := range texts {
		g.b = append(g.b, s...)
	}
}

// size is a log-normal number of bytes, or microseconds: some hundred to some million.
func (g *generator) size() int64 { return int64(math.Exp(g.random.NormFloat64()*1.5 + 8)) }

func (g *generator) pick(texts []string) string { return texts[g.random.IntN(len(texts))] }

// rank gives a function that picks texts by Zipf's law, the first most often.
func (g *generator) rank(s float64, texts []string) func() string {
	zipf := rand.NewZipf(g.random, s, 4, uint64(len(texts)-1))
	return func() string { return texts[zipf.Uint64()] }
}

func (g *generator) hosts(n int) (all []string) {
	for i := range n {
		r := g.random.Uint32()
		if i%40 == 0 {
			all = append(all, fmt.Sprintf("2001:db8:%x::%x", r>>16, r&0xffff))
			continue
		}
		all = append(all, fmt.Sprintf("%d.%d.%d.%d", 1+r>>24%223, r>>16&255, r>>8&255, r&255))
	}
	return all
}

func (g *generator) paths(n int) []string {
	all := []string{"/"}
	for len(all) < n {
		p := ""
		for range 1 + g.random.IntN(3) {
			p += "/" + g.word()
		}
		switch g.random.IntN(3) {
		case 0:
			p += "/" + strconv.Itoa(g.random.IntN(100000))
		case 1:
			p += g.pick([]string{".html", ".css", ".js", ".png", ".woff2"})
		}
		all = append(all, p)
	}
	return all
}

func (g *generator) agents(n int) (all []string) {
	systems := []string{"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7",
		"X11; Linux x86_64", "Linux; Android 14; Mobile"}
	for range n {
		switch g.random.IntN(6) {
		case 0:
			all = append(all, fmt.Sprintf("curl/8.%d.%d", g.random.IntN(12), g.random.IntN(3)))
		case 1:
			all = append(all, fmt.Sprintf("Mozilla/5.0 (compatible; crawler/%d.0; +https://example.net)",
				g.random.IntN(20)))
		default:
			all = append(all, fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) "+
				"Chrome/%d.0.%d.%d Safari/537.36", g.pick(systems), 100+g.random.IntN(30),
				4000+g.random.IntN(2500), g.random.IntN(200)))
		}
	}
	return all
}

var syllables = weighted("ba den fi gor hal ki lum mo ner pa qui ros sta tel u vor wan xi yel zu")

// word makes a word of two or three syllables.
func (g *generator) word() string {
	w := g.pick(syllables) + g.pick(syllables)
	if g.random.IntN(2) == 0 {
		w += g.pick(syllables)
	}
	return w
}

// weighted gives the words of a text; one that stands there more often is picked more often.
func weighted(text string) []string { return strings.Fields(text) }

// Results of other states of the code compare only when the inputs are the same bytes.
func TestGenerate_IsTheSameEachTime(t *testing.T) {
	combined, app := generateCombined(1<<20), generateApp(1<<20)
	require.Equal(t, "f726093924ec438410fd9062017773ffe7e8118277e0939733ab1cb061ae0822",
		source.DigestOf(combined).String())
	require.Equal(t, "6af6fb6373213d5f0614b6a06e1bb52eb03cd8159a07b7cd8ab27079f7f4f6b9",
		source.DigestOf(app).String())
}
