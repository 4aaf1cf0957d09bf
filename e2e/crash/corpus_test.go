package crash_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// smallBatch is the size of the small corpus's batches.
const smallBatch = "2KiB"

// configureSmall writes a config that cuts small files into several batches of several objects.
func (s *site) configureSmall(paths, batch string) {
	s.write("ingest.yaml", fmt.Appendf([]byte(s.where), `
streams:
  - name: app
    format: app
    paths: ['%s']
    batch: {max_bytes: %s}
    max_record_bytes: 1KiB
    rejects: {on_exceed: quarantine}
`, paths, batch))
}

// writeSmall writes a few small files: two days, rejects, blank lines, CRLF, a BOM, a record that
// is too long, a last line without its end; one compressed in two parts, one that begins as
// another one does, and one that is a copy.
func (s *site) writeSmall() {
	s.configureSmall("logs/*", smallBatch)
	plain := append([]byte("\xef\xbb\xbf"), appLines(1, 3500)...)
	plain = append(plain, appLine(99)+" and then it stops"...)
	s.write("logs/plain.log", plain)
	head := plain[:bytes.IndexByte(plain, '\n')+1]
	twin := append(bytes.Clone(head), appLines(2, 2600)...)
	s.write("logs/twin.log", twin)
	old := append(appLines(3, 1800), "long "+strings.Repeat("x", 2500)+"\n"...)
	old = append(old, appLines(4, 700)...)
	s.write("logs/old.log.gz", append(gzipped(s, old[:1000]), gzipped(s, old[1000:])...))
	s.write("logs/older.log", old)
}

// loadSmall loads the small corpus.
var loadSmall = []string{"load", "-c", "ingest.yaml"}

// proveSmall wants verify to find nothing, down to its files.
func (s *site) proveSmall() {
	s.Helper()
	s.must(0, "verify", "-c", "ingest.yaml", "--deep", "--source", "logs/*")
}

// soundInBetween wants the sink to be sound after a kill as it is: what manifests name is there,
// and nothing else is at fault. A batch that is only half there is unfinished, which is no fault.
func (s *site) soundInBetween() {
	s.Helper()
	if _, err := os.Stat(filepath.Join(s.lake, "logseal.json")); err != nil {
		s.must(1, "verify", "-c", "ingest.yaml", "--deep") // no table here
		return
	}
	e := s.run("verify", "-c", "ingest.yaml", "--deep")
	if e.code == exitUnsettled {
		require.Contains(s, e.stderr, "ingest: unfinished:")
		require.NotContains(s, e.stderr, "twins")
		return
	}
	require.Zero(s, e.code, "%s%s", e.stdout, e.stderr)
}

// exitUnsettled is the exit code of a verify that finds no fault and something that wants a look.
const exitUnsettled = 3

func gzipped(t testing.TB, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// appLine is a line of the app format, without its end. Line after line it goes to and fro
// between two days.
func appLine(i int) string {
	at := time.Date(2024, 1, 15, 23, 50, 0, 0, time.UTC).Add(time.Duration(i*7%20) * time.Minute)
	return fmt.Sprintf("%s INFO billing.api: charge %d accepted",
		at.Format("2006-01-02T15:04:05.000Z07:00"), i)
}

// appLines are lines of about size bytes: among them rejects, blank ones, and some with CRLF.
func appLines(seed, size int) []byte {
	var b []byte
	for i := seed * 1000; len(b) < size; i++ {
		switch i % 13 {
		case 5:
			b = fmt.Appendf(b, "no record %d\n", i)
		case 9:
			b = append(b, '\n')
		case 11:
			b = append(b, appLine(i)+"\r\n"...)
		default:
			b = append(b, appLine(i)+"\n"...)
		}
	}
	return b
}

// large is a log with what a loader of it should find.
type large struct {
	path string
	size int64
	// offsets of its records
	rows, rejects []int64
}

// writeLarge writes a log of at least size bytes, the same each time: three days one after the
// other, with stragglers; one line in a hundred is a reject and another one is blank. Most bytes of
// the heavy one are in long rejects, which are no UTF-8 and so take no time to parse: what is killed
// is to be large, but the parser is not what it is killed for.
func writeLarge(t testing.TB, path string, size int64) *large {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	r := rand.New(rand.NewPCG(1, 2))
	x := &large{path: path}
	var b []byte
	start := time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)
	for x.size < size {
		at := x.size
		b = b[:0]
		switch roll := r.IntN(100); {
		case roll == 0 && fillerBytes > 0:
			b = append(append(b, 0xff), bytes.Repeat([]byte("garbage "), fillerBytes/8)...)
			b = append(b, '\n')
			x.rejects = append(x.rejects, at)
		case roll == 0:
			b = fmt.Appendf(b, "Traceback (most recent call last): %x\n", r.Uint64())
			x.rejects = append(x.rejects, at)
		case roll == 1:
			b = append(b, '\n')
		default:
			offset := float64(at) / float64(size) * 3 * 86400
			when := start.Add(time.Duration(offset) * time.Second)
			if roll == 2 {
				when = start.Add(time.Duration(r.IntN(3*86400)) * time.Second)
			}
			b = when.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
			b = fmt.Appendf(b, " INFO billing.worker-%d: charge %08x of account %d accepted in %d ms\n",
				r.IntN(9), r.Uint32(), r.IntN(50_000), r.IntN(2000))
			x.rows = append(x.rows, at)
		}
		n, err := f.Write(b)
		require.NoError(t, err)
		x.size += int64(n)
	}
	return x
}

// noiseBytes is how long a reject of noise is; the rows after it keep rejects below their limit.
const noiseBytes, noiseRows = 16 << 10, 20

// writeNoisy writes a log that takes as much room in the sink, as most of it is rejects of random
// bytes.
func writeNoisy(t testing.TB, path string, size int64) *large {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	x := &large{path: path}
	random := rand.NewChaCha8([32]byte{5})
	for i := 0; x.size < size; i++ {
		b := make([]byte, noiseBytes)
		random.Read(b)
		b[0] = 0xff // no UTF-8
		b = append(bytes.ReplaceAll(b, []byte("\n"), []byte(" ")), '\n')
		x.rejects = append(x.rejects, x.size)
		for row := range noiseRows {
			x.rows = append(x.rows, x.size+int64(len(b)))
			b = append(b, appLine(i*noiseRows+row)+"\n"...)
		}
		n, err := f.Write(b)
		require.NoError(t, err)
		x.size += int64(n)
	}
	return x
}
