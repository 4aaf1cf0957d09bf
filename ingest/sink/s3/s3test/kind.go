package s3test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// kind is a program that is an S3 server.
type kind struct {
	name, version string
	health        string // path that answers 200 when it is ready
	args          func(s *Server) []string
	owner         [2]string // the variables that hold the owner's access key and secret
	env           []string
	path          string // of the program
}

// kinds are the servers that tests can run on. Their versions are pinned in the Makefile.
var kinds = []kind{{
	name: "versitygw", version: "v1.8.0", health: "/health",
	owner: [2]string{"ROOT_ACCESS_KEY", "ROOT_SECRET_KEY"},
	args: func(s *Server) []string {
		// With an IAM folder it says of an unknown access key what S3 says.
		args := []string{"--port", s.Addr, "--keep-alive", "--quiet", "--health", "/health",
			"--iam-dir", filepath.Join(s.root, "own"), "--region", Region}
		if s.tls != nil {
			args = append(args, "--cert", s.tls.certFile, "--key", s.tls.keyFile)
		}
		return append(args, "posix", s.Data)
	},
}, {
	name: "minio", version: "v0.0.0-20260212201848-7aac2a2c5b7c", health: "/minio/health/cluster",
	owner: [2]string{"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"},
	env: []string{"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=on",
		"MINIO_SITE_REGION=" + Region},
	args: func(s *Server) []string {
		return []string{"server", "--quiet", "--address", s.Addr, "--certs-dir", s.certs(), s.Data}
	},
}}

// chosen is the kind that S3_SERVER names; a test without its program ends here.
func chosen(tb testing.TB) kind {
	tb.Helper()
	want := os.Getenv("S3_SERVER")
	for _, k := range kinds {
		if want != k.name && (want != "" || k.name != kinds[0].name) {
			continue
		}
		k.path = Tool(tb, k.name+"-"+k.version, "make tools")
		return k
	}
	require.FailNow(tb, "S3_SERVER names no kind of server that is known", want)
	return kind{}
}

// Tool is the path of a program in .tools/bin. Without it the test is skipped, or fails where
// CI=true is set; how says how to get it.
func Tool(tb testing.TB, name, how string) string {
	tb.Helper()
	path := filepath.Join(ModuleRoot(tb), ".tools", "bin", name)
	if _, err := os.Stat(path); err != nil {
		Missing(tb, name, how)
	}
	return path
}

// Missing skips the test for want of a tool, or fails it where CI=true is set.
func Missing(tb testing.TB, name, how string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%s is missing: run `%s`", name, how)
	}
	tb.Skipf("%s is missing: run `%s`", name, how)
}

// ModuleRoot is the folder of go.mod.
func ModuleRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	require.NoError(tb, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(tb, dir, filepath.Dir(dir), "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
}

func (k kind) command(s *Server) *exec.Cmd {
	cmd := exec.Command(k.path, k.args(s)...)
	cmd.Env = append(append(os.Environ(), k.env...), k.owner[0]+"="+s.owner.AccessKeyID,
		k.owner[1]+"="+s.owner.SecretAccessKey)
	cmd.Dir = s.root
	return cmd
}

// certs is the folder in which MinIO looks for its certificate, under names of its own.
func (s *Server) certs() string {
	folder := filepath.Join(s.root, "own")
	if s.tls != nil {
		os.Link(s.tls.certFile, filepath.Join(folder, "public.crt"))
		os.Link(s.tls.keyFile, filepath.Join(folder, "private.key"))
	}
	return folder
}
