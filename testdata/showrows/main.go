// Showrows prints the first rows of every Parquet object in a folder sink, to see them without
// another tool.
//
//	go run ./testdata/showrows DIR [ROWS]
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"logseal/ingest/parquet"
	"logseal/ingest/parse"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "showrows:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want the folder of a sink")
	}
	rows := 3
	if len(args) > 1 {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("read number of rows: %w", err)
		}
		rows = n
	}
	return filepath.WalkDir(args[0], func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			err = show(out, args[0], path, rows)
		}
		return err
	})
}

// show prints the first rows of one object.
func show(out io.Writer, root, path string, rows int) error {
	data, err := os.Open(path)
	if err != nil {
		return err
	}
	defer data.Close()
	info, err := data.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.Open(data, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s: %d rows\n", name, file.Rows())
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	columns := file.Columns()
	for _, c := range columns {
		fmt.Fprintf(table, "%s\t", c.Name)
	}
	fmt.Fprintln(table)
	for g := 0; g < file.Groups() && rows > 0; g++ {
		values, err := file.Group(g)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for i := 0; i < values[0].Len() && rows > 0; i, rows = i+1, rows-1 {
			for c := range values {
				fmt.Fprintf(table, "%s\t", cell(&values[c], columns[c], i))
			}
			fmt.Fprintln(table)
		}
	}
	return table.Flush()
}

// cell prints one value; long ones are cut, since this is for a glance.
func cell(v *parse.Vector, c parquet.FileColumn, i int) string {
	const most = 24
	if v.IsNull(i) {
		return "null"
	}
	switch v.Type {
	case parse.String, parse.IP:
		text := string(v.Value(i))
		if quoted := strconv.Quote(text); c.Binary || quoted != `"`+text+`"` {
			text = quoted
		}
		if r := []rune(text); len(r) > most {
			text = string(r[:most-1]) + "…"
		}
		return text
	case parse.Timestamp:
		return time.UnixMicro(v.Int64s[i]).UTC().Format("2006-01-02T15:04:05.000000Z")
	case parse.Date:
		return time.Unix(int64(v.Int32s[i])*86400, 0).UTC().Format(time.DateOnly)
	case parse.Int32:
		return strconv.Itoa(int(v.Int32s[i]))
	case parse.Float64:
		return strconv.FormatFloat(v.Float64s[i], 'g', -1, 64)
	case parse.Bool:
		return strconv.FormatBool(v.Bools[i])
	default:
		return strconv.FormatInt(v.Int64s[i], 10)
	}
}
