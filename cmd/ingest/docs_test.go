package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parquet/duckdbtest"
	"logseal/ingest/sink/s3/s3test"
)

// Blocks of the documentation are held true by a mark on the line before their fence:
//
//	<!-- run -->         sh: it exits 0
//	<!-- run: s3 -->     the same, with an S3 server that has an empty bucket lake, and in a bucket
//	                     archive the object 2024/app.log.gz
//	<!-- prints -->      text: what the last run printed on stdout
//	<!-- file: NAME -->  a file, for the blocks after it
//	<!-- duckdb -->      sql: DuckDB gives at least one row
//
// The blocks of a document are run in their order in a folder of its own, which has what a clone of
// the repository has: testdata/logs and, as after `make build`, bin/ingest.
func TestDocs(t *testing.T) {
	more, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	ran := map[string]int{}
	for _, path := range append(more, "../../README.md") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c := newClone(t)
			for _, b := range readBlocks(t, path) {
				ran[b.mark]++
				t.Run(fmt.Sprintf("line %d %s", b.line, b.mark), func(t *testing.T) { c.hold(t, b) })
			}
		})
	}
	for _, mark := range []string{"run", "prints", "file", "duckdb"} {
		require.Positive(t, ran[mark], "no block is marked %q", mark)
	}
}

// block is a marked block of a document.
type block struct {
	line      int // of its fence
	mark, arg string
	lang      string
	text      string
}

// readBlocks gives the marked blocks of a document.
func readBlocks(t *testing.T, path string) []block {
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(string(body), "\n")
	var all []block
	for i, line := range lines {
		mark, ok := strings.CutPrefix(line, "<!-- ")
		if !ok {
			continue
		}
		mark, ok = strings.CutSuffix(mark, " -->")
		lang, fenced := strings.CutPrefix(lines[i+1], "```")
		require.True(t, ok && fenced, "%s:%d: want a mark and then a fence", path, i+1)
		n := slices.Index(lines[i+2:], "```")
		require.Positive(t, n, "%s:%d: the block does not end", path, i+2)
		b := block{line: i + 2, lang: lang, text: strings.Join(lines[i+2:i+2+n], "\n") + "\n"}
		b.mark, b.arg, _ = strings.Cut(mark, ": ")
		all = append(all, b)
	}
	return all
}

// clone is the folder that a document's blocks are run in.
type clone struct {
	dir     string
	server  *s3test.Server // nil until a block wants one
	printed string         // on stdout by the last run
}

// home is what the documents call the folder.
const home = "/home/me/logseal"

func newClone(t *testing.T) *clone {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(filepath.Join(dir, "testdata/logs"), os.DirFS("../../testdata/logs")))
	program, err := exec.LookPath("ingest")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o777))
	require.NoError(t, os.Symlink(program, filepath.Join(dir, "bin/ingest")))
	return &clone{dir: dir}
}

func (c *clone) hold(t *testing.T, b block) {
	switch b.mark + " " + b.lang {
	case "run sh":
		cmd := exec.Command("sh", "-eu", "-c", b.text)
		cmd.Dir = c.dir
		cmd.Env = c.environ(t, b.arg)
		var problems strings.Builder
		cmd.Stderr = &problems
		out, err := cmd.Output()
		require.NoError(t, err, "%s", problems.String())
		require.Empty(t, problems.String())
		c.printed = strings.ReplaceAll(string(out), c.dir, home)
	case "prints text":
		require.Equal(t, b.text, c.printed)
	case "file json":
		require.True(t, json.Valid([]byte(b.text)))
		require.NoError(t, os.WriteFile(filepath.Join(c.dir, b.arg), []byte(b.text), 0o666))
	case "file yaml", "file text":
		require.NoError(t, os.WriteFile(filepath.Join(c.dir, b.arg), []byte(b.text), 0o666))
	case "duckdb sql":
		require.NotEmpty(t, duckdbtest.Query(t, c.dir, b.text)[0])
	default:
		t.Fatalf("unknown mark: <!-- %s --> before ```%s", b.mark, b.lang)
	}
}

// environ is the environment of a block that is run.
func (c *clone) environ(t *testing.T, with string) []string {
	env := append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(c.dir, "state"))
	if with == "" {
		return env
	}
	require.Equal(t, "s3", with)
	if c.server == nil {
		c.server = s3test.Start(t)
		for _, bucket := range []string{"lake", "archive"} {
			require.NoError(t, os.Mkdir(c.server.Folder(bucket), 0o777))
		}
		log, err := os.ReadFile("../../testdata/logs/app/copy.log.gz")
		require.NoError(t, err)
		c.server.Plant(t, "archive", "2024/app.log.gz", log)
	}
	return append(append(env, s3test.Environ()...), "AWS_ENDPOINT_URL_S3="+c.server.Endpoint())
}

// What the documents name is there: files and headings that they link to, flags, make's targets.
func TestDocs_Names(t *testing.T) {
	const root = "../.."
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	help := allHelp(t)
	more, err := filepath.Glob(root + "/docs/*.md")
	require.NoError(t, err)
	for _, path := range append(more, root+"/README.md", root+"/CHANGELOG.md") {
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\]\(([^):]*)\)`).FindAllStringSubmatch(string(body), -1) {
			requireLink(t, path, m[1])
		}
		for _, flag := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(string(body), -1) {
			require.Contains(t, help, flag, "%s: no command has the flag", path)
		}
		for _, m := range regexp.MustCompile("(?m)[`^]make ([a-z0-9-]+)").FindAllStringSubmatch(
			string(body), -1) {
			require.Contains(t, string(makefile), "\n"+m[1]+":", "%s: make %s", path, m[1])
		}
	}
}

// allHelp is what the commands say of themselves.
func allHelp(t *testing.T) string {
	var all strings.Builder
	for _, command := range []string{"", "load", "tail", "check", "verify", "status", "state ls",
		"state check", "state rebuild", "bench"} {
		out, err := exec.Command("ingest", append(strings.Fields(command), "--help")...).Output()
		require.NoError(t, err)
		all.Write(out)
	}
	return all.String()
}

// requireLink wants the target of a relative link in the document at path.
func requireLink(t *testing.T, path, link string) {
	file, anchor, _ := strings.Cut(link, "#")
	target := path
	if file != "" {
		target = filepath.Join(filepath.Dir(path), file)
	}
	body, err := os.ReadFile(target)
	require.NoError(t, err, "%s: link to %s", path, link)
	if anchor == "" {
		return
	}
	var anchors []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(body), -1) {
		plain := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(plain, " ", "-"))
	}
	require.Contains(t, anchors, anchor, "%s: link to %s", path, link)
}
