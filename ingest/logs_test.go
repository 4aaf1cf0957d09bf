package ingest_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/goldentest"
	"logseal/ingest/table"
)

// run runs a program in the module's root.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %q: %s", name, args, out)
}

// tree lists the files below root with their digests, state apart, and the notes on sources, which
// tell when and where they were made.
func tree(t *testing.T, root string) string {
	t.Helper()
	var list strings.Builder
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == ".state" || path == filepath.Join(root, table.SourceFolder)) {
				return fs.SkipDir
			}
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(root, path)
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(body), filepath.ToSlash(key))
		return err
	}))
	return list.String()
}

func TestLogs_AreWhatGenMakes(t *testing.T) {
	dir := t.TempDir()
	run(t, "go", "run", "./testdata/gen", dir)
	require.Equal(t, tree(t, dir), tree(t, "../testdata/logs"), "run `make logs`")
}

// A load of testdata/logs gives these keys and bytes, on every machine and with every release
// until the encoder's version or a format changes.
func TestGolden_SealedLogs(t *testing.T) {
	program := filepath.Join(t.TempDir(), "ingest")
	run(t, "go", "build", "-o", program, "./cmd/ingest")
	goldenLogs(t, program)
}

// goldenLogs loads testdata/logs by a command that is the program.
func goldenLogs(t *testing.T, command ...string) {
	t.Helper()
	ingest := func(t *testing.T, args ...string) {
		t.Helper()
		run(t, command[0], append(slices.Clone(command[1:]), args...)...)
	}
	for name, how := range map[string][][]string{
		"sealed.txt": {{"--format", "app", "testdata/logs/app/*"},
			{"--format", "combined", "testdata/logs/combined/*"}},
		"json.txt": {{"-c", "testdata/json.yaml"}},
		"pods.txt": {{"-c", "testdata/pods.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			for _, args := range how {
				ingest(t, append([]string{"load", "--quiet", "--out", out}, args...)...)
			}
			ingest(t, "verify", "--quiet", "--deep", "--out", out)
			goldentest.Require(t, filepath.Join("../../testdata/golden", name), []byte(tree(t, out)))
		})
	}
}
