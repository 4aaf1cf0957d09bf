package tail

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// lateReplies answers late what concerns one place: the put there, and the n-th who finds something
// there.
type lateReplies struct {
	sink.Store
	place string
	n     int64
	found *atomic.Int64
}

func (s lateReplies) Put(ctx context.Context, o sink.Object) error {
	err := s.Store.Put(ctx, o)
	if strings.HasSuffix(o.Key, s.place) {
		time.Sleep(90 * time.Second)
	}
	return err
}

func (s lateReplies) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	body, info, err := s.Store.Get(ctx, key)
	if err == nil && strings.HasSuffix(key, s.place) && s.found.Add(1) == s.n {
		time.Sleep(10 * time.Minute)
	}
	return body, info, err
}

// A batch that is gone from spool and disk is declared lost while its uploader asks for its place: it
// finds the loss there, and by then the batch is no longer in the outbox. This once ended the process.
func TestTail_LossIsDeclaredWhileItsPlaceIsAskedFor(t *testing.T) {
	for n := range int64(3) {
		t.Run(fmt.Sprint("question ", n+1, " is answered late"), func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				var down atomic.Bool
				var found atomic.Int64
				p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: downStore{s, &down, nil}} }
				p.fs.Write("/logs/a", []byte("a1\n"))
				p.start()
				p.pass(6 * time.Minute)
				down.Store(true)
				p.fs.Append("/logs/a", []byte("a2\na3\n"))
				p.pass(6 * time.Minute) // sealed, not shipped
				body := p.fs.Bytes("/logs/a")
				p.kill()
				require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool")))
				p.fs.Remove("/logs/a")

				p.store = func(s sink.Store) sink.Store {
					return lateReplies{s, "/0000000000000003.json", n + 1, &found}
				}
				p.start()
				p.pass(30 * time.Minute)
				p.wantLines("a1")
				require.Equal(t, []string{"lost deleted"}, p.losses())
				p.fs.Write("/logs/a.1", append(body, "a4\n"...))
				p.pass(20 * time.Minute)
				p.wantLines("a1", "a2", "a3", "a4")
			})
		})
	}
}
