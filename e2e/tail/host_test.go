package tail_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	nobody = 65534
	// stranger is a user that attacks what root does. It is not nobody, who is no one in particular.
	stranger = 60001
)

// newHost is a site where root runs the program, and the stranger has a folder of its own.
func newHost(t *testing.T) *site {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not run: only root can be another user")
	}
	t.Parallel()
	s := newSite(t)
	for dir := s.root; strings.HasPrefix(filepath.Base(dir), "Test") ||
		strings.HasPrefix(filepath.Base(filepath.Dir(dir)), "Test"); dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	require.NoError(t, os.Mkdir(s.path("theirs"), 0o755))
	s.give("theirs")
	return s
}

// give makes a file or folder the stranger's.
func (s *site) give(name string) {
	s.Helper()
	require.NoError(s, os.Lchown(s.path(name), stranger, stranger))
}

// attack runs a shell script as the stranger, and gives what it printed.
func (s *site) attack(script string) (string, error) {
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir = s.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// load loads what the config says, and gives the exit code and what was said.
func (s *site) load(args ...string) (code int, said string) {
	s.Helper()
	code, stdout, stderr := s.run(append([]string{"load", "-c", "ingest.yaml"}, args...)...)
	return code, stdout + stderr
}

// Root changes nothing in a folder that another user could make to mean another place.
func TestHost_RootRefusesAnothersFolders(t *testing.T) {
	for name, arrange := range map[string]func(s *site){
		"state": func(s *site) {
			require.NoError(s, os.Mkdir(s.path("state"), 0o755))
			s.give("state")
		},
		"sink": func(s *site) {
			require.NoError(s, os.Mkdir(s.path("lake"), 0o755))
			s.give("lake")
		},
		"a sink for everyone": func(s *site) {
			require.NoError(s, os.Mkdir(s.path("lake"), 0o755))
			require.NoError(s, os.Chmod(s.path("lake"), 0o777|fs.ModeSticky))
		},
		"a sink for a group": func(s *site) {
			require.NoError(s, os.Mkdir(s.path("lake"), 0o755))
			require.NoError(s, os.Chown(s.path("lake"), 0, stranger))
			require.NoError(s, os.Chmod(s.path("lake"), 0o775))
		},
		"a folder in it": func(s *site) {
			require.NoError(s, os.MkdirAll(s.path("lake/data"), 0o755))
			s.give("lake/data")
		},
		"a link in it": func(s *site) {
			require.NoError(s, os.Mkdir(s.path("lake"), 0o755))
			require.NoError(s, os.Symlink(s.path("theirs"), s.path("lake/manifests")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHost(t)
			s.append("logs/a.log", "one")
			arrange(s)
			code, said := s.load()
			require.Equal(t, 2, code, said)
			require.Contains(t, said, "--trust-owner")
			require.Empty(t, s.rows())
			code, said = s.load("--trust-owner")
			require.Zero(t, code, said)
			require.Equal(t, 1, s.verify().Rows)
		})
	}
}

// In a container, where it is process 1, it only warns.
func TestHost_ContainersRootIsWarned(t *testing.T) {
	s := newHost(t)
	s.append("logs/a.log", "one")
	require.NoError(t, os.Mkdir(s.path("lake"), 0o755))
	s.give("lake")
	cmd := exec.Command(s.program, "load", "-c", "ingest.yaml")
	cmd.Dir, cmd.Env = s.root, s.environ()
	cmd.SysProcAttr = processOne()
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil || cmd.SysProcAttr == nil {
		t.Skip("not run: the system gives no process namespace")
	}
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "another user could change what is done in this folder")
	s.exact()
}

// What was in a log that only some may read is nowhere for everyone to read, and nobody can keep the
// program from its ledger.
func TestHost_NobodyReadsWhatRootShips(t *testing.T) {
	s := newHost(t)
	s.append("logs/a.log", "a secret")
	require.NoError(t, os.Chmod(s.path("logs/a.log"), 0o640))
	code, said := s.load()
	require.Zero(t, code, said)
	out, err := s.attack("find lake state -type f -readable; grep -r secret lake state")
	require.Error(t, err)
	require.NotContains(t, out, ".parquet")
	require.NotContains(t, out, "secret")
	_, err = s.attack("exec 3<state/lock")
	require.Error(t, err)
	require.NoError(t, filepath.WalkDir(s.path("state"), func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, path)
		return nil
	}))
}

// A state that was open is closed by the next run, but for a folder that holds other things.
func TestHost_ClosesAnOpenState(t *testing.T) {
	s := newHost(t)
	s.append("logs/a.log", "one")
	require.NoError(t, os.Mkdir(s.path("state"), 0o755))
	code, said := s.load()
	require.Zero(t, code, said)
	mode := func() fs.FileMode {
		st, err := os.Stat(s.path("state"))
		require.NoError(t, err)
		return st.Mode().Perm()
	}
	require.EqualValues(t, 0o700, mode())
	require.NoError(t, os.Chmod(s.path("state"), 0o755))
	require.NoError(t, os.WriteFile(s.path("state/other"), nil, 0o644))
	code, said = s.load()
	require.Zero(t, code, said)
	require.EqualValues(t, 0o755, mode())
	_, err := s.attack("exec 3<state/lock")
	require.Error(t, err)
}

// secret makes a file that only root may read, and gives a line of it.
func (s *site) secret() string {
	s.Helper()
	const line = "root:x:the-secret"
	require.NoError(s, os.WriteFile(s.path("secret"), []byte(line+"\n"), 0o600))
	return line
}

// plant makes what a stranger plants in a folder of his that root follows: links to what is not his, each
// in another way, and to a file of his own.
func (s *site) plant() {
	s.Helper()
	require.NoError(s, os.Mkdir(s.path("logs/theirs"), 0o755))
	s.give("logs/theirs")
	out, err := s.attack(`cd logs/theirs && ln -s ../../secret a.log && ln -s "$PWD/../../secret" b.log &&
		ln -s ../.. up && ln -s / all && ln -s c2.log c.log && ln -s ../../secret c2.log &&
		mkfifo pipe.log && echo theirs > own && ln -s own own.log`)
	require.NoError(s, err, out)
	s.expect("theirs")
}

// requireNoSecret wants a line of the secret to be nowhere.
func (s *site) requireNoSecret(line string) {
	s.Helper()
	require.NotContains(s, s.rows(), line)
	require.NotContains(s, s.rejects(), line+"\n")
}

// What a stranger may not read he does not get by a link in a folder that root follows, and nothing else
// stands still for it.
func TestHost_LinksYieldNothing(t *testing.T) {
	s := newHost(t)
	line := s.secret()
	s.plant()
	s.append("logs/a.log", "before")
	s.start()
	s.settle()
	s.append("logs/a.log", "after")
	s.settle()
	s.look()
	said := s.said()
	for _, link := range []string{"a.log", "b.log", "c.log"} {
		path := s.path("logs/theirs/" + link)
		require.Equal(t, 1, strings.Count(said, `"path":"`+path+`"`), "%s is named once: %s", link, said)
	}
	require.Contains(t, said, "symlinks: follow")
	require.Contains(t, said, s.path("logs/theirs/all")+" is a link to a folder")
	s.requireNoSecret(line)
	s.finish()
	s.requireNoSecret(line)
}

// A load does not either, and says so with its exit code.
func TestHost_LinksYieldNothingToALoad(t *testing.T) {
	s := newHost(t)
	line := s.secret()
	s.plant()
	s.append("logs/a.log", "mine")
	code, said := s.load()
	require.Equal(t, 3, code, said)
	require.Contains(t, said, s.path("logs/theirs/a.log")+" is a symbolic link")
	s.requireNoSecret(line)
	s.exact()

	// Who is told to follows them, by the config or by naming one.
	code, said = s.load(s.path("logs/theirs/a.log"))
	require.Zero(t, code, said)
	require.Contains(t, s.rows(), line)
}

// A link that is switched all the time is never followed to what it must not lead to.
func TestHost_SwitchedLinksYieldNothing(t *testing.T) {
	s := newHost(t)
	line := s.secret()
	require.NoError(t, os.Mkdir(s.path("logs/theirs"), 0o755))
	s.give("logs/theirs")
	out, err := s.attack("echo theirs > logs/theirs/own")
	require.NoError(t, err, out)
	s.start()
	out, err = s.attack(`cd logs/theirs && for i in $(seq 300); do
		ln -s own t$i && mv -T t$i x.log && ln -s ../../secret u$i && mv -T u$i x.log; done; rm x.log`)
	require.NoError(t, err, out)
	s.append("logs/a.log", "after")
	s.look()
	s.requireNoSecret(line)
	s.stop()
	s.requireNoSecret(line)
}
