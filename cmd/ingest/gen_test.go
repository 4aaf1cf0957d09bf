package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptGen writes lines of the app format, from one number up to another, as a host would write
// them over some days: gen FILE FROM TO. Every 10th line is a reject, every 25th is blank.
func scriptGen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: gen FILE FROM TO")
	}
	from, err := strconv.Atoi(args[1])
	ts.Check(err)
	to, err := strconv.Atoi(args[2])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	_, err = f.WriteString(genLines(from, to))
	ts.Check(err)
	ts.Check(f.Close())
}

func genLines(from, to int) string {
	var b strings.Builder
	at := time.Date(2024, 1, 15, 22, 0, 0, 0, time.UTC)
	for i := from; i < to; i++ {
		switch {
		case i%25 == 24:
			b.WriteString("\n")
		case i%10 == 9:
			fmt.Fprintf(&b, "line %d is no log line\n", i)
		default:
			fmt.Fprintf(&b, "%s INFO app.worker-%d: request %d took %d ms\n",
				at.Add(time.Duration(i)*10*time.Second).Format("2006-01-02T15:04:05.000Z07:00"),
				i%7, i, i*7919%1000)
		}
	}
	return b.String()
}
