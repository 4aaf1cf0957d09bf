// Package ingest_test holds the packages below to their map: who imports whom, and why not.
package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "logseal/"

// mayImport says which of our packages each may import, outside tests. Imports point one way: from
// effects to formats to names. A package that is not here has no place yet.
var mayImport = map[string][]string{
	"ingest/source":  nil, // names that everything else is written in terms of
	"ingest/parse":   nil, // a parser can be used and fuzzed without the rest
	"ingest/sink":    nil, // a store knows keys and bytes, not what they mean
	"ingest/durable": nil, // mkdir, fsync and rename, whatever they are for

	"ingest/terminal": nil, // knows texts, not what they are about
	"ingest/usage":    nil, // an error's kind, which any package may give

	"ingest/quarantine": {"ingest/parse", "ingest/source"},
	"ingest/batch":      {"ingest/parse", "ingest/quarantine", "ingest/source"},
	"ingest/parquet":    {"ingest/parse", "ingest/source"}, // bytes only, whatever they mean
	"ingest/table":      {"ingest/batch", "ingest/parse", "ingest/source"},
	"ingest/seal": {"ingest/batch", "ingest/parquet", "ingest/parse", "ingest/quarantine",
		"ingest/source", "ingest/table"},

	"ingest/identity": {"ingest/source"}, // it opens no file and asks no sink

	"ingest/files":               {"ingest/source"},
	"ingest/files/filestest":     {"ingest/files", "ingest/source"},
	"ingest/follow":              {"ingest/files", "ingest/source"}, // what it gives reads like a finished file
	"ingest/archive":             {"ingest/files"},
	"ingest/offsets":             {"ingest/durable", "ingest/source"},
	"ingest/offsets/offsetstest": {"ingest/offsets", "ingest/source"},
	"ingest/spool":               {"ingest/durable", "ingest/sink", "ingest/source"},
	"ingest/sink/dir":            {"ingest/durable", "ingest/sink"},
	"ingest/sink/retry":          {"ingest/sink"},                      // repeats calls of any store
	"ingest/sink/s3":             {"ingest/sink", "ingest/sink/retry"}, // its readers wait as all do
	"ingest/sink/s3/s3test":      nil,                                  // talks to servers as any program does, not by our own client
	"ingest/sink/sinktest":       {"ingest/sink"},

	"ingest/commit": append([]string{"ingest/identity", "ingest/sink/retry"}, stages...),
	"ingest/load":   append([]string{"ingest/commit", "ingest/identity"}, stages...), // not of tail
	"ingest/tail": append([]string{"ingest/commit", "ingest/follow", "ingest/identity",
		"ingest/sink/retry"}, stages...), // not of load
	"ingest/verify": stages,

	// One file is held against the sink here; verify holds the sink against itself.
	"ingest/verify/deletion": {"ingest/archive", "ingest/files", "ingest/identity", "ingest/offsets",
		"ingest/sink", "ingest/source", "ingest/table", "ingest/usage"},
	"ingest/verify/deletion/deletiontest": {"ingest/sink", "ingest/source", "ingest/table"},

	// A location opens its sink, repeats its calls, and knows the files of a state folder by name.
	"ingest/location": {"ingest/offsets", "ingest/sink", "ingest/sink/dir", "ingest/sink/retry",
		"ingest/sink/s3", "ingest/usage"},
	// Finding logs needs no config, so that a command line or a test can name them, too.
	"ingest/input": {"ingest/archive", "ingest/files", "ingest/location", "ingest/sink",
		"ingest/sink/s3", "ingest/usage"},
	// A config gives streams that can run, and knows the origin that a ledger keeps.
	"ingest/config": {"ingest/batch", "ingest/input", "ingest/location", "ingest/offsets",
		"ingest/commit", "ingest/parse", "ingest/sink/dir", "ingest/source", "ingest/table",
		"ingest/usage"},
	// A dry run has neither ledger nor sink.
	"ingest/dryrun": {"ingest/batch", "ingest/files", "ingest/parse", "ingest/source",
		"ingest/terminal"},
	// A service has a tail and what the tail needs; it prints nothing.
	"ingest/service": {"ingest/config", "ingest/files", "ingest/follow", "ingest/tail", "ingest/input", "ingest/location",
		"ingest/commit", "ingest/offsets", "ingest/parse", "ingest/sink", "ingest/sink/retry", "ingest/source",
		"ingest/spool", "ingest/table", "ingest/usage", "ingest/verify/deletion"},
	"ingest/service/servicetest": nil, // hears what any service tells

	"ingest/goldentest":         nil, // compares bytes with files
	"ingest/parquet/duckdbtest": nil, // asks a reader that is none of ours
	"ingest/seal/sealtest": {"ingest/parquet", "ingest/parse", "ingest/seal", "ingest/source",
		"ingest/table"},
	"ingest/widetest": nil, // says how far to search

	"e2e/crash":        nil, // has tests only
	"e2e/crash/tracer": nil, // knows programs, not this one
	"e2e/tail":         nil, // has tests only
	"bench":            {"*"},
	// Commands wire and print. They open no manifest and no Parquet file, so they need none of the
	// packages that know those.
	"cmd/ingest": {"bench", "ingest/archive", "ingest/config", "ingest/dryrun", "ingest/files",
		"ingest/commit", "ingest/input", "ingest/load", "ingest/location", "ingest/offsets", "ingest/parse",
		"ingest/service", "ingest/sink", "ingest/sink/retry", "ingest/source", "ingest/spool", "ingest/terminal",
		"ingest/usage", "ingest/verify", "ingest/verify/deletion", "ingest/tail"},
}

// stages are what the packages that put them together are made of; those know stores by their
// interface and not each other.
var stages = []string{"ingest/batch", "ingest/files", "ingest/offsets", "ingest/parquet", "ingest/parse",
	"ingest/quarantine", "ingest/seal", "ingest/sink", "ingest/source", "ingest/spool", "ingest/table"}

// soleImporters says which heavy modules have one importer, so that replacing or upgrading them
// is a change of one package. A package that makes bytes or a server for tests may need its module, too.
// What drives many requests at once needs errgroup. bench may import anything.
var soleImporters = map[string]string{
	"github.com/alecthomas/kong":      "cmd/ingest",
	"github.com/goccy/go-yaml":        "ingest/config",
	"github.com/prometheus":           "ingest/service",
	"github.com/fsnotify/fsnotify":    "ingest/follow",
	"github.com/klauspost/compress":   "ingest/files ingest/files/filestest",
	"github.com/bmatcuk/doublestar":   "ingest/files",
	"github.com/apache/arrow":         "ingest/parquet",
	"go.etcd.io/bbolt":                "ingest/offsets",
	"github.com/aws/aws-sdk-go-v2":    "ingest/sink/s3 ingest/sink/s3/s3test",
	"github.com/aws/smithy-go":        "ingest/sink/s3 ingest/sink/s3/s3test",
	"github.com/Shopify/toxiproxy/v2": "ingest/sink/s3/s3test",
	"github.com/rs/zerolog":           "ingest/sink/s3/s3test",
	"golang.org/x/sync/errgroup":      "ingest/commit ingest/load ingest/tail ingest/verify",
	"github.com/cenkalti/backoff":     "ingest/sink/retry",
	"golang.org/x/net":                "ingest/service",
	"github.com/schollz/progressbar":  "cmd/ingest",
	"github.com/dustin/go-humanize":   "cmd/ingest",
	"github.com/rogpeppe/go-internal": "",
	"go.uber.org/goleak":              "",
	"pgregory.net/rapid":              "",
}

// pure packages give the same bytes for the same bytes, on every machine and at any time.
var pure = []string{"ingest/source", "ingest/parse", "ingest/quarantine", "ingest/batch",
	"ingest/parquet", "ingest/table", "ingest/seal"}

// impure is what a pure package must not import, itself or anything below it.
var impure = map[string]string{
	"os":       "the machine must not decide a byte",
	"net":      "the network must not decide a byte",
	"context":  "it waits for nothing that could be cancelled",
	"log/slog": "it returns what it has to say",
	"syscall":  "the machine must not decide a byte",
	"plugin":   "the machine must not decide a byte",

	"math/rand":        "chance must not decide a byte",
	"crypto/rand":      "chance must not decide a byte",
	"golang.org/x/sys": "the machine must not decide a byte",
}

// clock is what of package time a pure package must not mention: what looks at a clock, and the
// machine's own zone.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker",
	"NewTimer", "Local"}

// goPackage is what `go list -json` says of one.
type goPackage struct {
	Dir        string
	ImportPath string
	GoFiles    []string
	Imports    []string
}

// name is the package's path within the module.
func (p goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// packages lists those of the module that have files outside tests.
func packages(t *testing.T) []goPackage {
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,GoFiles,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var all []goPackage
	for d := json.NewDecoder(out); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
	require.NoError(t, cmd.Wait())
	require.Greater(t, len(all), 10, "the packages were not listed")
	return all
}

// under says whether path is what or below it, as import paths count.
func under(path, what string) bool { return path == what || strings.HasPrefix(path, what+"/") }

// faults is every rule that p breaks, with the reason.
func faults(p goPackage) (found []string) {
	allowed, known := mayImport[p.name()]
	if !known {
		found = append(found, p.name()+" has no place in the map of imports: give it one")
	}
	for _, path := range p.Imports {
		if ours, ok := strings.CutPrefix(path, module); ok {
			if known && !slices.Contains(allowed, "*") && !slices.Contains(allowed, ours) {
				found = append(found, fmt.Sprintf("%s imports %s: imports point one way, it may "+
					"import %q", p.name(), ours, allowed))
			}
			continue
		}
		found = append(found, foreignFaults(p.name(), path)...)
	}
	return found
}

func foreignFaults(name, path string) (found []string) {
	for heavy, sole := range soleImporters {
		if !under(path, heavy) || slices.Contains(strings.Fields(sole), name) || name == "bench" {
			continue
		}
		if sole == "" {
			sole = "no package outside its tests"
		}
		found = append(found, fmt.Sprintf("%s imports %s: only %s does, so that replacing it is a "+
			"change of one package", name, path, sole))
	}
	if !slices.Contains(pure, name) || path == "net/netip" {
		return found
	}
	for bad, why := range impure {
		if under(path, bad) {
			found = append(found, fmt.Sprintf("%s imports %s: it is pure, %s", name, path, why))
		}
	}
	return found
}

func TestImports_PointOneWay(t *testing.T) {
	all := packages(t)
	var names []string
	for _, p := range all {
		names = append(names, p.name())
		for _, fault := range faults(p) {
			t.Error(fault)
		}
	}
	for _, name := range pure {
		require.Contains(t, names, name, "a pure package is gone")
	}
}

// The map itself must be a one-way street.
func TestImports_MapHasNoCircle(t *testing.T) {
	depth := map[string]int{}
	var visit func(name string) int
	visit = func(name string) int {
		d, seen := depth[name]
		require.False(t, seen && d < 0, "%s may import itself, by way of others", name)
		if !seen {
			depth[name] = -1
			for _, below := range mayImport[name] {
				if below != "*" {
					d = max(d, visit(below)+1)
				}
			}
			depth[name] = d
		}
		return d
	}
	for _, name := range slices.Sorted(maps.Keys(mayImport)) {
		visit(name)
	}
}

func TestImports_FaultsAreFound(t *testing.T) {
	for name, c := range map[string]struct{ importer, path string }{
		"upwards":          {"batch", "logseal/ingest/seal"},
		"sideways":         {"verify", "logseal/ingest/commit"},
		"a store":          {"commit", "logseal/ingest/sink/dir"},
		"a heavy module":   {"verify", "go.etcd.io/bbolt"},
		"below it":         {"verify", "github.com/apache/arrow/go/v17/parquet"},
		"a test's module":  {"verify", "pgregory.net/rapid"},
		"the machine":      {"seal", "os"},
		"another process":  {"seal", "os/exec"},
		"the network":      {"parse", "net"},
		"a context":        {"batch", "context"},
		"a log":            {"source", "log/slog"},
		"an unknown place": {"util", ""},
	} {
		p := goPackage{ImportPath: "logseal/ingest/" + c.importer}
		if c.path != "" {
			p.Imports = []string{c.path}
		}
		t.Run(name, func(t *testing.T) { require.Len(t, faults(p), 1) })
	}
	for _, path := range []string{"logseal/ingest/table", "logseal/ingest/parquet"} {
		p := goPackage{ImportPath: "logseal/cmd/ingest", Imports: []string{path}}
		require.Len(t, faults(p), 1, "a command reads no manifest")
	}
	require.Empty(t, faults(goPackage{ImportPath: "logseal/ingest/parse",
		Imports: []string{"net/netip", "time"}}))
	require.Empty(t, faults(goPackage{ImportPath: "logseal/bench",
		Imports: []string{"go.etcd.io/bbolt", "logseal/ingest/commit"}}))
}

func TestPurePackages_LookAtNoClock(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(pure, p.name()) {
			continue
		}
		for _, name := range p.GoFiles {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, 0)
			require.NoError(t, err)
			for _, use := range clockUses(set, file) {
				t.Errorf("%s: %s is pure, a clock must not decide a byte", use, p.name())
			}
		}
	}
}

func TestPurePackages_ClockIsFound(t *testing.T) {
	for _, src := range []string{
		`import "time"; var x = time.Now()`,
		`import "time"; var x = time.Now`,
		`import clock "time"; var x = clock.Since(y)`,
		`import . "time"; var x = Now()`,
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "x.go", "package x; "+src, 0)
		require.NoError(t, err)
		require.Len(t, clockUses(set, file), 1, src)
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", `package x; import "time"; var x = time.UTC`, 0)
	require.NoError(t, err)
	require.Empty(t, clockUses(set, file))
}

// clockUses is where file mentions a clock, under whatever name it imports time.
func clockUses(set *token.FileSet, file *ast.File) (uses []string) {
	local := ""
	for _, i := range file.Imports {
		if path, _ := strconv.Unquote(i.Path.Value); path != "time" {
			continue
		}
		local = "time"
		if i.Name != nil {
			local = i.Name.Name
		}
		if local == "." {
			uses = append(uses, fmt.Sprintf("%s: import . hides what is used", set.Position(i.Pos())))
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == local && slices.Contains(clock, s.Sel.Name) {
			uses = append(uses, fmt.Sprintf("%s: time.%s", set.Position(s.Pos()), s.Sel.Name))
		}
		return true
	})
	return uses
}
