package s3

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

func listed(t *testing.T, s *Store, prefix string) (keys []string) {
	t.Helper()
	for info, err := range s.List(t.Context(), prefix) {
		require.NoError(t, err)
		require.NotZero(t, info.Modified)
		require.Zero(t, info.SHA256)
		keys = append(keys, info.Key)
	}
	return keys
}

func TestList_ManyPages(t *testing.T) {
	const n = 2500
	server := s3test.Start(t)
	if !server.IsFolder() {
		t.Skip("only a server that is a folder can be filled quickly")
	}
	bucket := server.Bucket(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(bucket+"/x"))
	var want []string
	for i := range n {
		want = append(want, sinktest.Key(i))
		path := filepath.Join(server.Folder(bucket), "x", want[i])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o644))
	}
	slices.Sort(want)
	require.Equal(t, want, listed(t, s, "data/"))
	require.Len(t, faults.Asked(), 3)
	faults.Asked()
	for info, err := range s.List(t.Context(), "data/") {
		require.NoError(t, err)
		require.Equal(t, want[0], info.Key)
		break
	}
	require.Len(t, faults.Asked(), 1, "pages are fetched as they are wanted")
}

func TestList_SomethingElseInTheBucket(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	s := open(t, server.URL(bucket+"/x"))
	for _, key := range []string{"x/other/a", "x/logseal.jsonx", "x/readme", "y/data/a", "data/a",
		"xdata/a", "x/.tmp/w/1", "x/data.old/a", "x/data/folder/", "x/data/not a key!"} {
		body := []byte(key)
		if key == "x/data/folder/" {
			body = nil
		}
		server.Plant(t, bucket, key, body)
	}
	require.NoError(t, s.Put(t.Context(), sinktest.Object("logseal.json", []byte("{}"))))
	require.NoError(t, s.Put(t.Context(), sinktest.Object(key, []byte("bytes"))))
	require.Equal(t, []string{key, "data/not a key!", "logseal.json"}, listed(t, s, ""))
	require.Equal(t, []string{key, "data/not a key!"}, listed(t, s, "d"))
	require.Equal(t, []string{"data/not a key!"}, listed(t, s, "data/n"))
	require.Empty(t, listed(t, s, "other/"))
	require.Empty(t, listed(t, s, "../y/data/"))
}

func TestList_CutInTheMiddle_IsMendedOrAnError(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	url := faults.URL(server.Bucket(t))
	s, hasty := open(t, url), hasty(t, url)
	var want []string
	for i := range 20 {
		want = append(want, sinktest.Key(i))
		require.NoError(t, s.Put(t.Context(), sinktest.Object(want[i], []byte("bytes"))))
	}
	slices.Sort(want)
	for _, at := range []int64{1, 100, 1000, 2000} {
		faults.Times(1, "GET", s3test.Fault{CutAt: at})
		require.Equal(t, want, listed(t, s, "data/"), at)
		faults.Set(func(*http.Request) *s3test.Fault { return &s3test.Fault{CutAt: at} })
		for _, err := range hasty.List(t.Context(), "data/") {
			require.ErrorAs(t, err, new(*sink.TransientError), at)
		}
	}
}

// lister is a store that gives lists of n objects, two to a page, as its edit has them.
type lister struct {
	n     int
	edit  func(page int, text string) string
	fail  func() bool
	asked int
	pages map[string]int // how often each was asked for, by its token
}

func (l *lister) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.asked++
	token := r.FormValue("continuation-token")
	l.pages[token]++
	if l.fail != nil && l.fail() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	from, _ := strconv.Atoi(token)
	text := "<ListBucketResult>"
	for i := from; i < min(l.n, from+2); i++ {
		text += fmt.Sprintf("<Contents><Key>data/%06d</Key><Size>1</Size><LastModified>"+
			"2024-01-01T00:00:00Z</LastModified></Contents>", i)
	}
	if from+2 < l.n {
		text += fmt.Sprintf("<IsTruncated>true</IsTruncated><NextContinuationToken>%d"+
			"</NextContinuationToken>", from+2)
	}
	text += "</ListBucketResult>"
	if l.edit != nil {
		text = l.edit(from/2, text)
	}
	io.WriteString(w, text)
}

// listFrom gives what lists from l.
func listFrom(t *testing.T, l *lister) (*Store, *Bucket) {
	t.Helper()
	l.pages = map[string]int{}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	o := Options{Bucket: "bucket-1", Endpoint: server.URL}
	b, err := NewBucket(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return openOptions(t, o), b
}

func TestList_CutShortWithoutAWord_IsRefused(t *testing.T) {
	token := regexp.MustCompile(`<NextContinuationToken>.*</NextContinuationToken>`)
	for name, with := range map[string]string{"none": "", "empty": "<NextContinuationToken/>",
		"the same again": "<NextContinuationToken>2</NextContinuationToken>"} {
		t.Run(name, func(t *testing.T) {
			l := &lister{n: 9, edit: func(page int, text string) string {
				if page == 1 {
					text = token.ReplaceAllString(text, with)
				}
				return text
			}}
			s, b := listFrom(t, l)
			seen, failed := 0, error(nil)
			for _, err := range s.List(t.Context(), "data/") {
				if failed = err; err == nil {
					seen++
				}
			}
			require.Equal(t, 2, seen)
			require.ErrorAs(t, failed, new(*sink.RefusedError))
			require.ErrorContains(t, failed, "list data/: the store cut a list short and does "+
				"not say how to continue it; use a store that")
			for _, err := range b.List(t.Context(), "data/") {
				failed = err
			}
			require.ErrorAs(t, failed, new(*sink.RefusedError))
			require.Equal(t, 4, l.asked)
		})
	}
}

// On a bad line a list asks for each page until it has it, and not for those before.
func TestList_OfManyPagesOnABadLine_RepeatsThoseThatFailed(t *testing.T) {
	const pages = 200
	random := rand.New(rand.NewPCG(1, 2))
	failed := 0
	l := &lister{n: 2 * pages, fail: func() bool {
		fails := random.Float64() < 0.05
		if fails {
			failed++
		}
		return fails
	}}
	s, _ := listFrom(t, l)
	require.Len(t, listed(t, s, "data/"), l.n)
	require.Positive(t, failed)
	require.Equal(t, pages+failed, l.asked)
	require.Len(t, l.pages, pages)
}

func TestList_OfAStoreThatIsDown_GivesUpAndSaysSo(t *testing.T) {
	l := &lister{n: 1, fail: func() bool { return true }}
	s, _ := listFrom(t, l)
	start := time.Now()
	for _, err := range s.List(t.Context(), "data/") {
		require.ErrorAs(t, err, new(*sink.TransientError))
		require.ErrorContains(t, err, "list data/: gave up after")
	}
	require.Greater(t, l.asked, 1)
	require.Less(t, time.Since(start), storePatienceMost+time.Second)
}
