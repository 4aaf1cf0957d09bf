package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"logseal/ingest/parquet"
	"logseal/ingest/parse"
)

// scriptRows wants the rows of all objects below a folder, in the order of names, to be those of a
// file, one a line: rows DIR FILE. Strings stand as they are, timestamps as microseconds, and the
// columns _sid and _origin are left out.
func scriptRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rows DIR FILE")
	}
	var have strings.Builder
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			err = writeRows(&have, path)
		}
		return err
	}))
	if want := ts.ReadFile(args[1]); want != have.String() {
		ts.Fatalf("want the rows\n%s\nhave\n%s", want, have.String())
	}
}

func writeRows(out *strings.Builder, path string) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := parquet.Open(strings.NewReader(string(body)), int64(len(body)))
	if err != nil {
		return err
	}
	for g := range f.Groups() {
		columns, err := f.Group(g)
		if err != nil {
			return err
		}
		for i := range columns[0].Len() {
			out.WriteString(cellText(&columns[1], i))
			for c := range columns[3:] {
				out.WriteString(" | " + cellText(&columns[3+c], i))
			}
			out.WriteString("\n")
		}
	}
	return nil
}

func cellText(v *parse.Vector, i int) string {
	switch {
	case v.IsNull(i):
		return "null"
	case v.Type == parse.String || v.Type == parse.IP:
		return string(v.Value(i))
	case v.Type == parse.Int32 || v.Type == parse.Date:
		return fmt.Sprint(v.Int32s[i])
	case v.Type == parse.Float64:
		return fmt.Sprint(v.Float64s[i])
	case v.Type == parse.Bool:
		return fmt.Sprint(v.Bools[i])
	}
	return fmt.Sprint(v.Int64s[i])
}
