package ingest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/goldentest"
)

// other is a build of the program that is to make the same bytes as the one for this machine.
type other struct {
	name, arch, tags string
	emulator         string // runs it; empty: this machine does
}

// others are builds whose code differs where bytes are made: what compresses, hashes and packs
// levels has assembly of its own on each architecture, and a way to do without.
var others = []other{
	{name: "no-assembly", tags: "noasm,purego,nounsafe"},
	{name: "arm64", arch: "arm64", emulator: "qemu-aarch64"},
}

// TestGolden_OtherBuilds_MakeTheSameBytes holds objects that other builds make against those that
// this machine's build makes.
func TestGolden_OtherBuilds_MakeTheSameBytes(t *testing.T) {
	if *goldentest.Update {
		t.Skip("not run: the build for this machine writes what the others are held against")
	}
	for _, o := range others {
		t.Run(o.name, func(t *testing.T) {
			if o.arch == runtime.GOARCH {
				t.Skip("not run: it is what this machine runs anyway")
			}
			t.Setenv("CGO_ENABLED", "0") // nobody has to have the other machine's C library
			var prefix []string
			if o.arch != "" {
				t.Setenv("GOARCH", o.arch)
			}
			if o.emulator != "" {
				prefix = []string{emulator(t, o.emulator)}
			}
			args := []string{"test", "-count=1", "-tags", o.tags, "-run", "Golden"}
			if prefix != nil {
				args = append(args, "-exec", prefix[0])
			}
			run(t, "go", append(args, "./ingest/seal", "./ingest/quarantine")...)
			program := filepath.Join(t.TempDir(), "ingest")
			run(t, "go", "build", "-tags", o.tags, "-o", program, "./cmd/ingest")
			goldenLogs(t, append(prefix, program)...)
		})
	}
}

// emulator is the path of a program that runs those for another machine. Without it the test is
// skipped, or fails where CI=true is set.
func emulator(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("%s is missing: install qemu-user", name)
	}
	require.NoError(t, err, "install qemu-user")
	return path
}
