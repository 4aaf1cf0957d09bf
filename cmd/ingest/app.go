package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"logseal/ingest/location"
	"logseal/ingest/terminal"
)

// app is what every command prints and logs to.
type app struct {
	stdout, stderr io.Writer
	json, quiet    bool
	log            *slog.Logger
	jsonLog        bool   // what goes to stderr is JSON lines
	result         result // printed at the end with --json
}

// result is the JSON object of a command. It embeds outcome.
type result interface{ end(message string) }

// outcome are the fields that every command's JSON object has. OK is whether the exit code is 0.
type outcome struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// end fills the outcome; the message is empty when all went well.
func (o *outcome) end(message string) { o.OK, o.Error = message == "", message }

func newApp(stdout, stderr io.Writer) *app {
	a := &app{stdout: stdout, stderr: stderr, result: &outcome{}}
	a.setUp(false, false)
	return a
}

func (a *app) setUp(json, quiet bool) {
	a.json, a.quiet = json, quiet
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelWarn
	}
	a.log = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}

// say prints what happened, for a person.
func (a *app) say(format string, args ...any) {
	if !a.json && !a.quiet {
		fmt.Fprintln(a.stdout, harmless(fmt.Sprintf(format, args...)))
	}
}

// show prints what was asked for; --quiet does not keep it back.
func (a *app) show(format string, args ...any) {
	if !a.json {
		fmt.Fprintln(a.stdout, harmless(fmt.Sprintf(format, args...)))
	}
}

// warn prints a problem.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.stderr, "ingest: warning: %s\n", harmless(fmt.Sprintf(format, args...)))
}

// complain says why a command failed.
func (a *app) complain(message string) {
	if a.jsonLog {
		a.log.Error(message)
		return
	}
	fmt.Fprintf(a.stderr, "ingest: %s\n", harmless(message))
}

// terminal reports whether a person watches stderr.
func (a *app) terminal() bool {
	f, ok := a.stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// finish reports how a command ended and gives the exit code.
func (a *app) finish(ctx context.Context, err error) int {
	code, message := 0, ""
	if err != nil {
		code, message = exitCode(err), err.Error()
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			code, message = exitFailed, "interrupted; run again to continue"
		}
		message = location.WithoutSecrets(message)
		a.complain(message)
	}
	if !a.json {
		return code
	}
	a.result.end(message)
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.result); err != nil {
		fmt.Fprintf(a.stderr, "ingest: print JSON: %v\n", err)
		return max(code, exitFailed)
	}
	return code
}

// harmless makes a text fit for a terminal: names of files, keys and log lines come from anybody.
func harmless(text string) string { return terminal.Harmless(location.WithoutSecrets(text)) }
