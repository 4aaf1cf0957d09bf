package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"logseal/ingest/goldentest"
)

// messagesFile has the table of messages: files that each command finds in its folder, and in the
// last one, named messagesTable, the commands with what they print.
const (
	messagesFile  = "testdata/messages.txtar"
	messagesTable = "messages"
)

// message is one line of the table.
type message struct {
	name    string
	command string // for sh
	want    string // exit code and both outputs
}

// What the program says to a person is read from a table: a changed word shows in its difference.
func TestMessages_Golden(t *testing.T) {
	archive, err := txtar.ParseFile(messagesFile)
	require.NoError(t, err)
	last := len(archive.Files) - 1
	require.Equal(t, messagesTable, archive.Files[last].Name)
	table := readMessages(t, string(archive.Files[last].Data))
	require.NotEmpty(t, table)
	t.Run("all", func(t *testing.T) {
		for i := range table {
			m := &table[i]
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				have := m.run(t, archive.Files[:last])
				if *goldentest.Update {
					m.want = have
				}
				require.Equal(t, m.want, have, "$ %s", m.command)
			})
		}
	})
	if !*goldentest.Update {
		return
	}
	var text strings.Builder
	for _, m := range table {
		fmt.Fprintf(&text, "# %s\n$ %s\n%s\n", m.name, m.command, m.want)
	}
	archive.Files[last].Data = []byte(strings.TrimSuffix(text.String(), "\n"))
	require.NoError(t, os.WriteFile(messagesFile, txtar.Format(archive), 0o644))
}

// readMessages reads the table: of each message a line "# NAME", a line "$ COMMAND", and what it
// prints up to an empty line before the next name.
func readMessages(t *testing.T, text string) (table []message) {
	for _, part := range regexp.MustCompile(`(?m)^# `).Split(text, -1)[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		command, want, _ := strings.Cut(rest, "\n")
		command, ok := strings.CutPrefix(command, "$ ")
		require.True(t, ok, "no command of %q", name)
		table = append(table, message{name, command, strings.TrimRight(want, "\n") + "\n"})
	}
	return table
}

// run runs the command in a folder of its own.
func (m *message) run(t *testing.T, files []txtar.File) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, f.Data, 0o644))
	}
	cmd := exec.Command("sh", "-c", m.command)
	cmd.Dir = dir
	path := os.Getenv("PATH")
	if strings.Contains(m.command, "nobody ") {
		path = nobodyPath(t, dir) + ":" + path
	}
	cmd.Env = append(os.Environ(), "PATH="+path, "XDG_STATE_HOME="+filepath.Join(dir, "xdg"),
		"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=us-east-1")
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	text := strings.ReplaceAll(string(out), dir, "$WORK")
	return fmt.Sprintf("exit %d\n%s", cmd.ProcessState.ExitCode(), text)
}

// nobodyPath makes a folder for PATH with a command `nobody`, which runs another as a user who may not
// read everything, in a folder that is that user's.
func nobodyPath(t *testing.T, dir string) string {
	t.Helper()
	bin, err := os.MkdirTemp("", "nobody")
	require.NoError(t, err)
	t.Cleanup(func() {
		os.RemoveAll(bin)
		_ = exec.Command("chmod", "-R", "u+rwX", dir).Run() // so that it can be removed
	})
	script := "#!/bin/sh\nexec \"$@\"\n"
	if os.Geteuid() == 0 {
		if _, err := exec.LookPath("setpriv"); err != nil && os.Getenv("CI") != "true" {
			t.Skip("no setpriv, of util-linux")
		}
		program, err := exec.LookPath("ingest")
		require.NoError(t, err)
		body, err := os.ReadFile(program)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(bin, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(bin, "ingest"), body, 0o755))
		for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
			require.NoError(t, os.Chmod(at, 0o777))
		}
		script = "#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(bin, "nobody"), []byte(script), 0o755))
	return bin
}
