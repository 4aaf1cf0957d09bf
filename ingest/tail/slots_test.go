package tail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// failingSome does not put what comes from files with a part in their paths.
type failingSome struct {
	sink.Store
	part string
	err  error
	on   *atomic.Bool
}

func (s failingSome) Put(ctx context.Context, o sink.Object) error {
	if s.on.Load() && strings.Contains(o.Meta["logseal-path"], s.part) {
		return s.err
	}
	return s.Store.Put(ctx, o)
}

// More sources than there are slots, which the sink refuses or cannot put now, hold up nobody else; and
// they ship once it can.
func TestTail_SourcesThatWaitHoldUpNobody(t *testing.T) {
	for name, err := range map[string]error{
		"refused":     &sink.RefusedError{Err: errors.New("403"), Fix: "mend it"},
		"backing off": &sink.TransientError{Err: errors.New("503")},
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				var on atomic.Bool
				on.Store(true)
				p.cfg.Follow[0].MaxAge = 10 * time.Second
				p.store = func(s sink.Store) sink.Store {
					return &retry.Store{Store: failingSome{s, "bad", err, &on}}
				}
				for i := range commit.ShippedAtOnce + 1 {
					p.fs.Write(fmt.Sprintf("/logs/bad%d", i), fmt.Appendf(nil, "b%d\n", i))
				}
				p.start()
				p.pass(time.Minute)
				p.fs.Write("/logs/good", []byte("g1\n"))
				p.pass(5 * time.Minute)
				require.Equal(t, []string{"g1"}, p.lines())
				require.Equal(t, name == "refused", len(p.tail.Status().Problems) == 1)
				on.Store(false)
				p.pass(5 * time.Minute)
				require.Len(t, p.lines(), commit.ShippedAtOnce+2)
				require.Empty(t, p.tail.Status().Problems)
			})
		})
	}
}
