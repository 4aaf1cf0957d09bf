package ingest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a user makes needs no Go of just the version that go.mod names: an older one fetches it, unless
// GOTOOLCHAIN keeps it from that.
func TestMakefile_LetsGoFetchItsToolchain(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("no make")
	}
	bin := t.TempDir()
	for _, name := range []string{"go", "bin/ingest"} {
		path := filepath.Join(bin, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		script := "#!/bin/sh\necho \"GOTOOLCHAIN=$GOTOOLCHAIN\"\n"
		require.NoError(t, os.WriteFile(path, []byte(script), 0o755))
	}
	makefile, err := filepath.Abs("../Makefile")
	require.NoError(t, err)
	_, err = os.ReadFile(makefile) // so that the test cache knows of it
	require.NoError(t, err)
	for _, target := range []string{"build", "demo"} {
		cmd := exec.Command("make", "-f", makefile, target)
		cmd.Dir = bin // where bin/ingest is the one above
		cmd.Env = slices.DeleteFunc(os.Environ(),
			func(s string) bool { return strings.HasPrefix(s, "GOTOOLCHAIN=") })
		cmd.Env = append(cmd.Env, "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "GOTOOLCHAIN=\n", "%s", out)
		require.NotContains(t, string(out), "GOTOOLCHAIN=local", "%s", out)
	}
}
