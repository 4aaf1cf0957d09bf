package main

import (
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
)

// scriptCondition tells what scripts may need: [root] and [namespaces].
func scriptCondition(cond string) (bool, error) {
	switch cond {
	case "namespaces":
		return exec.Command("unshare", "-Urm", "true").Run() == nil, nil
	case "root":
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// scriptPack compresses files into one, a member or frame each: pack gz|bz2|zst OUT IN...
func scriptPack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: pack gz|bz2|zst|zip OUT IN...")
	}
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	if args[0] == "zip" {
		packZip(ts, out, args[2:])
		return
	}
	for _, in := range args[2:] {
		if args[0] == "bz2" {
			_, err := out.Write(filestest.Bzip2([]byte(ts.ReadFile(in))))
			ts.Check(err)
			continue
		}
		var w io.WriteCloser = gzip.NewWriter(out)
		if args[0] == "zst" {
			w, err = zstd.NewWriter(out)
			ts.Check(err)
		}
		_, err = io.Copy(w, strings.NewReader(ts.ReadFile(in)))
		ts.Check(err)
		ts.Check(w.Close())
	}
	ts.Check(out.Close())
}

// packZip makes a zip archive, as zip does: what is compressed already is stored.
func packZip(ts *testscript.TestScript, out *os.File, names []string) {
	z := zip.NewWriter(out)
	for _, name := range names {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if strings.HasSuffix(name, ".gz") {
			header.Method = zip.Store
		}
		w, err := z.CreateHeader(header)
		ts.Check(err)
		_, err = io.WriteString(w, ts.ReadFile(name))
		ts.Check(err)
	}
	ts.Check(z.Close())
	ts.Check(out.Close())
}

// scriptChop cuts the last N bytes of a file off: chop FILE N.
func scriptChop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: chop FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(len(ts.ReadFile(args[0]))-n)))
}

// scriptPut appends text with escapes to a file: put FILE 'a\r\n\0'.
func scriptPut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: put FILE TEXT")
	}
	text := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\0`, "\x00", `\BOM`, "\xef\xbb\xbf",
		`\xff`, "\xff").Replace(args[1])
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	_, err = f.WriteString(text)
	ts.Check(err)
	ts.Check(f.Close())
}

// awaitMost is how long a script waits for what must come.
const awaitMost = 30 * time.Second

// scriptAwait runs a program again and again until what it prints matches: await RE program …
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await RE program [arg...]")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(awaitMost); time.Now().Before(end); <-tick.C {
		err = ts.Exec(args[1], args[2:]...)
		if re.MatchString(ts.ReadFile("stdout") + ts.ReadFile("stderr")) {
			return
		}
	}
	ts.Fatalf("%q did not come (last: %v)", args[0], err)
}

// holdLedger is a program that is another process with the ledger open: hold-ledger DIR FIFO. It
// says so by closing the FIFO, and holds it until it is interrupted.
func holdLedger() {
	done := make(chan os.Signal, 1)
	signal.Notify(done, os.Interrupt, syscall.SIGTERM)
	l, err := offsets.Open(os.Args[1], offsets.Meta{})
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(os.Args[2], nil, 0); err != nil {
		panic(err)
	}
	<-done
	if err := l.Close(); err != nil {
		panic(err)
	}
}
