package tail_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"logseal/ingest/sink/s3/s3test"
)

// countedSite is a cloudSite whose bucket takes its time to answer, and tells what it was asked.
type countedSite struct {
	*cloudSite
	faults *s3test.Faults

	mu    sync.Mutex     // guards what follows
	asked map[string]int // by method and root, as "PUT data"
}

// newCountedSite is one where the program has not been.
func newCountedSite(t testing.TB, answer time.Duration, change ...func(*settings)) *countedSite {
	t.Helper()
	s := newEmptyCloud(t, change...)
	c := &countedSite{cloudSite: s, faults: s.server.Faults(t), asked: map[string]int{}}
	c.faults.Set(func(r *http.Request) *s3test.Fault {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked[c.kind(r)]++
		return &s3test.Fault{After: answer}
	})
	s.sink = c.faults.URL(s.bucket + "/logs")
	s.configure()
	return c
}

// kind says what a request is for.
func (c *countedSite) kind(r *http.Request) string {
	place, method := strings.TrimPrefix(r.URL.Path, "/"+c.bucket), r.Method
	if q := r.URL.Query(); q.Has("list-type") {
		place, method = "/"+q.Get("prefix"), "LIST"
	}
	root, _, _ := strings.Cut(strings.TrimPrefix(place, "/logs/"), "/")
	return method + " " + root
}

// count is how often the bucket was asked for this.
func (c *countedSite) count(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[kind]
}

// hurry ends the counting, and lets the bucket answer at once. It gives how often it was asked, and
// for what.
func (c *countedSite) hurry() (all int, each string) {
	c.faults.Set(func(*http.Request) *s3test.Fault { return nil })
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(c.asked)) {
		all += c.asked[kind]
		list = append(list, fmt.Sprintf("%s %d", kind, c.asked[kind]))
	}
	return all, strings.Join(list, ", ")
}
