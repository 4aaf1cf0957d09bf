package s3

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
)

// resolve makes s find the server at addr by each name that known tells of, and no other host.
func resolve(s *Store, addr string, known func(host string) bool) {
	tr := s.http.Transport.(*http.Transport)
	dial := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(to)
		if known(host) {
			return dial(ctx, network, addr)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Name: host,
			Server: "127.0.0.53:53", Err: "no such host", IsNotFound: true}}
	}
}

func TestStore_UnknownHost_SaysWhatToSet(t *testing.T) {
	const right = "see that endpoint= and region= are right"
	for place, want := range map[string]string{
		"s3://lake?region=eu-wset-1": "ask lake.s3.eu-wset-1.amazonaws.com: dial tcp: lookup " +
			"lake.s3.eu-wset-1.amazonaws.com on 127.0.0.53:53: no such host; add " +
			"path_style=true, or " + right,
		"s3://lake?endpoint=http://minio:9000": "ask lake.minio:9000: dial tcp: lookup " +
			"lake.minio on 127.0.0.53:53: no such host; add path_style=true, or " + right,
		"s3://lake?endpoint=http://minio:9000&path_style=true": "ask minio:9000: dial tcp: " +
			"lookup minio on 127.0.0.53:53: no such host; " + right,
	} {
		s := hasty(t, place)
		resolve(s, "", func(string) bool { return false })
		for call, f := range calls {
			err := f(t.Context(), s)
			require.ErrorAs(t, err, new(*sink.RefusedError), call)
			require.ErrorContains(t, err, want, call)
		}
	}
}

func TestStore_UnknownProxy_SaysSo(t *testing.T) {
	s := hasty(t, "s3://lake?endpoint=https://minio:9000&path_style=true")
	tr := s.http.Transport.(*http.Transport)
	tr.Proxy = func(r *http.Request) (*url.URL, error) { return url.Parse("http://proxy:3128") }
	resolve(s, "", func(string) bool { return false })
	for call, f := range calls {
		err := f(t.Context(), s)
		require.ErrorAs(t, err, new(*sink.RefusedError), call)
		require.ErrorContains(t, err, "; see that HTTPS_PROXY and HTTP_PROXY are right", call)
	}
}

// A name that was known is known again: DNS fails at times, too.
func TestStore_HostUnknownAfterAnAnswer_IsTransient(t *testing.T) {
	server := s3test.Start(t)
	s := hasty(t, "s3://"+server.Bucket(t)+"?endpoint=http://minio:9000&path_style=true")
	up := true
	resolve(s, server.Addr, func(host string) bool { return up && host == "minio" })
	require.NoError(t, calls["put"](t.Context(), s))
	up = false
	s.Close()
	for call, f := range calls {
		require.ErrorAs(t, f(t.Context(), s), new(*sink.TransientError), call)
	}
}

// What DNS cannot say now is not yet what is wrong.
func TestStore_DNSDown_IsTransient(t *testing.T) {
	s := hasty(t, "s3://lake?endpoint=http://minio:9000&path_style=true")
	s.http.Transport.(*http.Transport).DialContext = func(
		_ context.Context, network, to string,
	) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Name: "minio",
			Err: "server misbehaving", IsTemporary: true}}
	}
	for call, f := range calls {
		require.ErrorAs(t, f(t.Context(), s), new(*sink.TransientError), call)
	}
}
