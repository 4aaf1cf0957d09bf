package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"logseal/ingest/table"
)

// The scripts run this test binary as the real program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ingest": main, "hold-ledger": holdLedger})
}

// TestScripts tells how the program behaves, one story a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "xdg"))
			return nil
		},
		Cmds:      scriptCommands,
		Condition: scriptCondition,
	})
}

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"code":  scriptCode,
	"await": scriptAwait,
	"tree":  scriptTree,
	"gen":   scriptGen,
	"pack":  scriptPack,
	"chop":  scriptChop,
	"put":   scriptPut,
	"rows":  scriptRows,
}

// scriptCode runs a program and wants an exit code: code 2 ingest load …
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [arg...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	have := "0"
	if exit, ok := err.(*exec.ExitError); ok {
		have = strings.TrimPrefix(exit.String(), "exit status ")
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if have != args[0] {
		ts.Fatalf("want exit code %s, have %s", args[0], have)
	}
}

// scriptTree wants two sinks to hold the same files with the same bytes, state apart. The notes on
// sources tell when and where they were made, so of them it compares the names.
func scriptTree(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: tree DIR DIR")
	}
	a, b := sinkTree(ts, args[0]), sinkTree(ts, args[1])
	diff := ""
	for name, body := range a {
		if other, ok := b[name]; !ok || other != body {
			diff = name
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			diff = name
		}
	}
	if neg != (diff != "") {
		ts.Fatalf("the trees %v differ at %q (of %d and %d files)", args, diff, len(a), len(b))
	}
}

func sinkTree(ts *testscript.TestScript, root string) map[string]string {
	files := map[string]string{}
	root = ts.MkAbs(root)
	ts.Check(filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".state" {
				return filepath.SkipDir
			}
			return nil
		}
		name := strings.TrimPrefix(path, root+"/")
		body, err := os.ReadFile(path)
		if strings.HasPrefix(name, table.SourceFolder) {
			body = nil
		}
		files[name] = string(body)
		return err
	}))
	if len(files) == 0 {
		ts.Fatalf("%s is empty", root)
	}
	return files
}
