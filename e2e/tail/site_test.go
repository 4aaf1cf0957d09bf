package tail_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// plain is a stream whose rows are whole lines.
const plain = "regex: '(?P<line>.*)'"

// settings are what tests change in a config.
type settings struct {
	sink    string // a folder of the site, or s3://...
	spool   string // max_bytes
	tail    string // of `tail`, in braces
	paths   string // YAML list of patterns, below the site
	exclude string // likewise
	startAt string
	format  string // lines of the stream
	batch   string // in braces
}

// quick is a config that makes the program do everything soon.
func quick() settings {
	return settings{sink: "lake", spool: "1GiB",
		tail:  "{poll_interval: 20ms, close_wait: 10s, copy_wait: 10s}",
		paths: "[logs/**/*.log*]", startAt: "beginning", format: plain,
		batch: "{max_bytes: 1MiB, max_age: 200ms}"}
}

// site is a machine: logs, config and state below one folder, a sink, and the program, which is
// running or not.
type site struct {
	testing.TB
	settings
	root    string
	program string   // its path
	env     []string // besides the usual
	lake    *lake
	user    *syscall.Credential // nil: who runs the test

	want  map[string]int // how often each line is to come out as a row
	raw   []string       // records that are to come out as rejects
	lost  []string       // reasons of the losses that are to be declared
	child *child         // nil while none runs
	looks int
}

// newSite is a site whose sink is a folder. change may change its settings.
func newSite(t testing.TB, change ...func(*settings)) *site {
	t.Helper()
	root := t.TempDir()
	s := &site{TB: t, settings: quick(), root: root, program: program, want: map[string]int{},
		lake: newLake(filepath.Join(root, "lake"))}
	for _, f := range change {
		f(&s.settings)
	}
	require.NoError(t, os.Mkdir(s.path("logs"), 0o755))
	s.configure()
	t.Cleanup(s.leave)
	return s
}

// path is where a name of the site is.
func (s *site) path(name string) string { return filepath.Join(s.root, name) }

// in makes a pattern of the config absolute.
func (s *site) in(patterns string) string {
	list := strings.Split(strings.Trim(patterns, "[]"), ",")
	for i, p := range list {
		list[i] = "'" + s.path(strings.TrimSpace(p)) + "'"
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// configure writes the config.
func (s *site) configure() {
	s.Helper()
	body := fmt.Sprintf("sink: '%s'\nstate: state\norigin: web-1\nspool: {max_bytes: %s}\n"+
		"tail: %s\nstreams:\n  - name: app\n    paths: %s\n    start_at: %s\n    batch: %s\n    %s\n",
		s.sink, s.spool, s.tail, s.in(s.paths), s.startAt, s.batch, s.format)
	if s.exclude != "" {
		body += "    exclude: " + s.in(s.exclude) + "\n"
	}
	require.NoError(s, os.WriteFile(s.path("ingest.yaml"), []byte(body), 0o644))
}

// environ keeps what the tester's own environment says from the program.
func (s *site) environ() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.root}, s.env...)
}

// run runs another command of the program to its end.
func (s *site) run(args ...string) (code int, stdout, stderr string) {
	s.Helper()
	var out, log strings.Builder
	cmd := exec.Command(s.program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.root, s.environ(), &out, &log
	if err := cmd.Run(); !errors.As(err, new(*exec.ExitError)) {
		require.NoError(s, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), log.String()
}

// safe asks whether a file may be deleted.
func (s *site) safe(name string) bool {
	s.Helper()
	code, stdout, stderr := s.run("status", "-c", "ingest.yaml", "--safe-to-delete", s.path(name))
	require.Contains(s, []int{0, 1}, code, "%s%s", stdout, stderr)
	return code == 0
}

// report is what `verify --json` prints.
type report struct {
	OK         bool     `json:"ok"`
	Rows       int      `json:"rows"`
	Rejects    int      `json:"rejects"`
	Missing    []string `json:"missing"`
	Gaps       []string `json:"gaps"`
	Overlaps   []string `json:"overlaps"`
	Differing  []string `json:"differing"`
	Superseded []string `json:"superseded"`
	Unfinished []string `json:"unfinished"`
	Pending    []string `json:"pending"`
	Lost       []string `json:"lost"`
	Error      string   `json:"error"`
}

// verify wants nothing to be wrong with the sink, and nothing to be on its way there.
func (s *site) verify() report {
	s.Helper()
	code, stdout, stderr := s.run("verify", "-c", "ingest.yaml", "--deep", "--json")
	var r report
	require.NoError(s, json.Unmarshal([]byte(stdout), &r), "%s%s", stdout, stderr)
	require.Equal(s, report{OK: true, Rows: r.Rows, Rejects: r.Rejects, Lost: r.Lost,
		Missing: []string{}, Gaps: []string{}, Overlaps: []string{}, Differing: []string{},
		Superseded: []string{}, Unfinished: []string{}, Pending: []string{}}, r, stderr)
	require.Zero(s, code, "%s%s", stdout, stderr)
	return r
}
