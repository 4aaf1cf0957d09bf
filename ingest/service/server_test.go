package service

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// scrape gives what is served at /metrics.
func scrape(t *testing.T, s *Service) string {
	_, body := get(t, s, "/metrics")
	return body
}

func get(t *testing.T, s *Service, path string) (int, string) {
	w := httptest.NewRecorder()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	require.NoError(t, err)
	s.metricsHandler(newRegistry(s, newPutSeconds())).ServeHTTP(w, request)
	return w.Code, w.Body.String()
}

func TestService_HealthAndReadiness(t *testing.T) {
	r := startService(t, t.TempDir())
	code, body := get(t, r.Service, "/healthz")
	require.Equal(t, 200, code, body)
	code, body = get(t, r.Service, "/readyz")
	require.Equal(t, 503, code)
	require.Contains(t, body, "the first look at all files is not done")
	r.fake.mu.Lock()
	r.fake.is.Ready = true
	r.fake.mu.Unlock()
	code, body = get(t, r.Service, "/readyz")
	require.Equal(t, 200, code)
	require.Equal(t, "ok\n", body)
	require.Contains(t, scrape(t, r.Service), "\nlogseal_ready 1\n")
}
