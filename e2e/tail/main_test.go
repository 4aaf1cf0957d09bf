package tail_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the path of the program under test.
var program string

func TestMain(m *testing.M) { os.Exit(runMain(m)) }

// runMain builds the program once, as it is shipped.
func runMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "logseal-tail-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // some tests run it as somebody else
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "ingest")
	out, err := exec.Command("go", "build", "-o", program, "logseal/cmd/ingest").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build ingest: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
