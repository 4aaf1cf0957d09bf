// Command ingest turns log lines into sealed Parquet, exactly once.
//
// It parses flags and the config file, wires the packages below ingest/ and runs one command; it
// decides nothing about the guarantee. Each command has a file. Exit codes: 0 all done; 1 it
// failed or was interrupted, running it again is safe; 2 usage or config; 3 finished, with
// problems; 4 verify found a fault.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"logseal/ingest/usage"
)

// cli is the command line. Flags of all commands stand here, others with their command.
type cli struct {
	JSON  bool `help:"Print one JSON object on stdout, on failure too."`
	Quiet bool `help:"Print nothing but warnings, errors and what was asked for with --json."`

	Load   loadCmd   `cmd:"" help:"Load log files, then exit."`
	Tail   tailCmd   `cmd:"" help:"Follow log files that grow, until told to end."`
	Check  checkCmd  `cmd:"" help:"Check a config, or try a format on files; writes nothing."`
	Verify verifyCmd `cmd:"" help:"Prove that what is in the sink is complete and unharmed."`
	Status statusCmd `cmd:"" help:"Show sources, how far they are, and which file may go."`
	State  stateCmd  `cmd:"" help:"List the ledger, check it, or rebuild it."`
	Bench  benchCmd  `cmd:"" help:"Measure what a format costs, stage by stage."`

	Version versionCmd `cmd:"" help:"Print the version; --version does, too."`
}

const description = "Log lines in, sealed Parquet out, every byte accounted for exactly once."

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends the run at the next safe place; another one ends the process.
	context.AfterFunc(ctx, stop)

	var c cli
	a := newApp(stdout, stderr)
	parser, err := kong.New(&c, kong.Name("ingest"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic(fmt.Sprintf("ingest: command line: %v", err))
	}
	args = arrange(parser.Model.Node, args)
	command, err := parser.Parse(args)
	if err == nil {
		err = checkFlags(command.Path)
	}
	if err != nil {
		a.json = asksForJSON(args)
		return a.finish(ctx, parseError(parser.Model.Node, args, err))
	}
	a.setUp(c.JSON, c.Quiet)
	command.BindTo(ctx, (*context.Context)(nil))
	return a.finish(ctx, command.Run(a))
}

// help is text that begins on a line of its own in the source.
func help(text string) string { return strings.TrimPrefix(text, "\n") }

// asksForJSON finds --json among arguments that could not be parsed.
func asksForJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json")
}

// parseError makes an error of the command line one that says what to do.
func parseError(root *kong.Node, args []string, err error) error {
	command, node := "ingest", root
	for _, word := range args { // they are arranged: commands come first
		next := childOf(node, word)
		if next == nil {
			break
		}
		node = next
		command += " " + word
	}
	message := plainly(err.Error(), node, args)
	return usage.Errorf("%s; see `%s --help`", strings.TrimSuffix(message, "."), command)
}
