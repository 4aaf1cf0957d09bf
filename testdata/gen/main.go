// Gen writes testdata/logs: small logs of our own making, the same bytes on every run.
//
//	go run ./testdata/gen [DIR]
//
// DIR is testdata/logs unless given.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// bom is the UTF-8 byte order mark.
const bom = "\xef\xbb\xbf"

func main() {
	dir := "testdata/logs"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	for name, data := range logs() {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			fail(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gen:", err)
	os.Exit(1)
}

// logs is every file by its name. Each log has a seed, and so a first line, of its own.
func logs() map[string][]byte {
	files := map[string][]byte{}
	for format, lines := range map[string]func(seed uint64, n int) [][]byte{
		"combined": combinedLines,
		"app":      appLines,
		"json":     jsonLines,
		"cri":      criLines,
		"docker":   dockerLines,
	} {
		plain := join(lines(1, 400), "\n")
		add := func(name string, data []byte) { files[format+"/"+name] = data }
		add(format+".log", plain)
		add("copy.log.gz", gz(plain)) // the same source, compressed
		add("members.log.gz", gz(pieces(join(lines(2, 120), "\n"))...))
		add("frames.log.zst", zst(pieces(join(lines(3, 120), "\n"))...))
		add("crlf.log", join(lines(4, 40), "\r\n"))
		add("bom.log", append([]byte(bom), join(lines(5, 40), "\n")...))
		add("open-end.log", bytes.TrimSuffix(join(lines(6, 40), "\n"), []byte("\n")))
		add("blank.log", join(spread(lines(7, 20)), "\n"))
		add("rejects.log", rejects(lines(8, 40)))
	}
	files["app/bad-fields.log"] = join(badApp(), "\n")
	files["combined/bad-fields.log"] = join(badCombined(), "\n")
	files["json/bad-fields.log"] = join(badJSON(), "\n")
	files["cri/bad-fields.log"] = join(badCRI(), "\n")
	return files
}

// join ends every line with end.
func join(lines [][]byte, end string) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		b.Write(l)
		b.WriteString(end)
	}
	return b.Bytes()
}

// spread puts blank lines before, between and after lines.
func spread(lines [][]byte) [][]byte {
	all := [][]byte{nil, nil}
	for i, l := range lines {
		all = append(all, l)
		if i%3 == 0 {
			all = append(all, nil)
		}
	}
	return append(all, nil)
}

// rejects puts among lines what is no line of any format.
func rejects(lines [][]byte) []byte {
	odd := [][]byte{
		[]byte("this is no log line"),
		[]byte("invalid \xff\xfe UTF-8"),
		[]byte("a NUL \x00 byte"),
		[]byte("\xed\xa0\x80 a surrogate"),
		[]byte("\r"),
		[]byte(" "),
		bytes.Repeat([]byte("long "), 400),
	}
	var all [][]byte
	for i, l := range lines {
		all = append(all, l)
		if i%5 == 4 && i/5 < len(odd) {
			all = append(all, odd[i/5])
		}
	}
	return join(all, "\n")
}

// pieces cuts data in three, in the midst of lines.
func pieces(data []byte) [][]byte {
	a, b := len(data)/3, 2*len(data)/3
	return [][]byte{data[:a], data[a:b], data[b:]}
}

// gz compresses each piece to a member of one gzip file.
func gz(pieces ...[]byte) []byte {
	var out bytes.Buffer
	for _, p := range pieces {
		w := gzip.NewWriter(&out)
		if _, err := w.Write(p); err != nil {
			fail(err)
		}
		if err := w.Close(); err != nil {
			fail(err)
		}
	}
	return out.Bytes()
}

// skippable is a zstd frame that holds no data, as some tools put between those that do.
const skippable = "\x50\x2a\x4d\x18\x04\x00\x00\x00skip"

// zst compresses each piece to a frame of one zstd file, with a skippable frame after the first.
func zst(pieces ...[]byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		fail(err)
	}
	var out []byte
	for i, p := range pieces {
		out = w.EncodeAll(p, out)
		if i == 0 {
			out = append(out, skippable...)
		}
	}
	return out
}
