// Package s3test gives tests a real S3 server of their own, and faults on the way to it: Server is
// a gateway over a folder that can be killed and started again, Wire breaks its connections, and
// Faults answers in its place.
//
// The server is a program that `make tools` builds into .tools/bin. Without it a test is skipped,
// or fails where CI=true is set.
package s3test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

const (
	// AccessKey and Secret are the credentials that every Server lets in until Rekey.
	AccessKey = "logsealtest"
	Secret    = "logsealtest-secret"
	// Region is what every Server takes itself to be in.
	Region = "us-east-1"

	startMost = 20 * time.Second
)

// Server is an S3 server with a folder of its own, on a loopback port of its own.
type Server struct {
	Addr   string // host:port
	Data   string // its folder: with the default kind of server, <bucket>/<key>
	CAFile string // of its certificate; empty: it speaks plain HTTP

	kind kind
	tls  *certificate
	root string

	mu      sync.Mutex // guards what follows
	process *exec.Cmd  // nil while it is dead
	died    <-chan struct{}
	owner   aws.Credentials
	buckets int
}

// Start starts a server that ends with the test. S3_SERVER chooses its kind: versitygw or minio.
func Start(tb testing.TB) *Server { return start(tb, nil) }

// StartTLS is Start of a server that speaks TLS, with a certificate that only CAFile vouches for.
func StartTLS(tb testing.TB) *Server {
	tb.Helper()
	return start(tb, newCertificate(tb))
}

func start(tb testing.TB, tls *certificate) *Server {
	tb.Helper()
	s := &Server{root: tb.TempDir(), tls: tls, kind: chosen(tb),
		owner: aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: Secret}}
	if tls != nil {
		s.CAFile = tls.certFile
	}
	s.Data = filepath.Join(s.root, "data")
	for _, folder := range []string{s.Data, filepath.Join(s.root, "own")} {
		require.NoError(tb, os.Mkdir(folder, 0o755))
	}
	tb.Cleanup(s.Kill)
	// The port is free when it is chosen, and may not be when the server comes to it.
	for range 5 {
		s.Addr = freeAddr(tb)
		if s.run() == nil {
			return s
		}
	}
	require.NoError(tb, s.run())
	return s
}

func freeAddr(tb testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().String()
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := s.kind.command(s)
	log, err := os.OpenFile(filepath.Join(s.root, "log"),
		os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	died := make(chan struct{})
	go func() {
		cmd.Wait()
		close(died)
	}()
	if err := s.await(died); err != nil {
		cmd.Process.Kill()
		<-died
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w; it said: %s", err, said)
	}
	s.process = cmd
	s.died = died
	return nil
}

// await waits until the server answers, or has died.
func (s *Server) await(died <-chan struct{}) error {
	client := &http.Client{Timeout: time.Second, Transport: s.transport()}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(startMost)
	for {
		select {
		case <-died:
			return fmt.Errorf("%s died", s.kind.name)
		case <-late:
			return fmt.Errorf("%s does not answer", s.kind.name)
		case <-tick.C:
		}
		r, err := client.Get(s.Endpoint() + s.kind.health)
		if err != nil {
			continue
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// Kill kills the server as a crash would, with SIGKILL, if it is alive.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Process.Kill()
		<-s.died
		s.process = nil
	}
}

// Restart starts a killed server again, over the same folder and on the same port.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Kill()
	require.NoError(tb, s.run())
}

// Rekey makes the server refuse its owner's access key from now on and take another.
func (s *Server) Rekey(tb testing.TB, accessKey, secret string) {
	tb.Helper()
	s.mu.Lock()
	s.owner = aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}
	s.mu.Unlock()
	s.Restart(tb)
}

// Endpoint is the base URL of the server.
func (s *Server) Endpoint() string {
	if s.tls != nil {
		return "https://" + s.Addr
	}
	return "http://" + s.Addr
}

// URL is what --out names the place in the server by: a bucket, and a prefix after a slash.
func (s *Server) URL(place string) string {
	url := urlOf(s.Endpoint(), place)
	if s.CAFile != "" {
		url += "&ca_file=" + s.CAFile
	}
	return url
}

func urlOf(endpoint, place string) string {
	return fmt.Sprintf("s3://%s?endpoint=%s&region=%s&path_style=true", place, endpoint, Region)
}

// Log is what the server has said.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.root, "log"))
	return string(b)
}

// IsFolder reports whether the server's objects are plain files below Folder, also those that others
// put there: it is so with the default kind.
func (s *Server) IsFolder() bool { return s.kind.name == kinds[0].name }
