package s3

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
)

// teller is a store with one object whatever the key, which it tells of as it is told to.
type teller struct {
	body   []byte
	says   string // Content-Length of a HEAD; none if empty
	digest bool   // a HEAD gives the digest of body
	other  bool   // a HEAD is of another object
}

func (s *teller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"one"`)
	switch r.Method {
	case http.MethodHead:
		if s.other {
			w.Header().Set("ETag", `"two"`)
		}
		if s.says != "" {
			w.Header().Set("Content-Length", s.says)
		}
		if s.digest {
			sum := sha256.Sum256(s.body)
			w.Header().Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum[:]))
		}
	case http.MethodGet:
		w.(http.Flusher).Flush() // so it goes in chunks
		w.Write(s.body)
	case http.MethodPut:
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusPreconditionFailed)
	}
}

func (s *teller) store(t *testing.T) *Store {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return openOptions(t, Options{Bucket: "bucket-1", Endpoint: server.URL})
}

func read(t *testing.T, s *Store) (string, sink.Info, error) {
	t.Helper()
	r, info, err := s.Get(t.Context(), key)
	if err != nil {
		return "", info, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), info, err
}

func TestGet_InChunks_AsksForTheSize(t *testing.T) {
	for _, body := range []string{"bytes", ""} {
		s := (&teller{body: []byte(body), says: strconv.Itoa(len(body))}).store(t)
		have, info, err := read(t, s)
		require.NoError(t, err)
		require.Equal(t, body, have)
		require.EqualValues(t, len(body), info.Size)
	}
}

func TestGet_InChunksOfUnknownSize_IsNeverCut(t *testing.T) {
	const unknown = "the store does not say how long the object is; use a store that"
	s := (&teller{body: []byte("bytes")}).store(t)
	_, _, err := read(t, s)
	require.ErrorAs(t, err, new(*sink.RefusedError))
	require.ErrorContains(t, err, unknown)
	_, err = s.Stat(t.Context(), key)
	require.ErrorAs(t, err, new(*sink.RefusedError))
	require.ErrorContains(t, err, unknown)
	_, err = (&Bucket{s.client}).Stat(t.Context(), key)
	require.ErrorContains(t, err, unknown)

	_, _, err = read(t, (&teller{body: []byte("bytes"), says: "5", other: true}).store(t))
	require.ErrorAs(t, err, new(*ChangedError))

	_, _, err = read(t, (&teller{body: []byte("bytes"), says: "3"}).store(t))
	require.ErrorAs(t, err, new(*sink.DamagedError))
	require.ErrorContains(t, err, "the store gives 2 bytes more than the 3 that it says")
}

// An object whose size is in doubt is neither taken for ours nor for another's.
func TestPut_ComparesTheSizeAsWell(t *testing.T) {
	body := []byte("bytes")
	o := sinktest.Object(key, body)
	nothing := sinktest.Object(key, nil)
	for name, c := range map[string]struct {
		there teller
		put   sink.Object
		want  string // "" is success
	}{
		"the same, with a digest": {teller{body, "5", true, false}, o, ""},
		"the same, without":       {teller{body, "5", false, false}, o, ""},
		"same digest, other size": {teller{body, "4", true, false}, o,
			"the store says that the object has 4 bytes, and the SHA-256 of 5; see what changes"},
		"no size":              {teller{body, "", true, false}, o, "does not say how long"},
		"bytes behind a 0":     {teller{body, "0", false, false}, nothing, "more than the 0"},
		"nothing behind bytes": {teller{nil, "5", false, false}, nothing, "412"},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.there.store(t)
			s.opts.Patience = 1
			err := s.Put(t.Context(), c.put)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}
