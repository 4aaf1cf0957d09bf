package tail

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// atPut does something once, before the first put of a key with an ending.
type atPut struct {
	sink.Store
	ending string
	once   *sync.Once
	do     func()
}

func (s atPut) Put(ctx context.Context, o sink.Object) error {
	if strings.HasSuffix(o.Key, s.ending) {
		s.once.Do(s.do)
	}
	return s.Store.Put(ctx, o)
}

// twoLost leaves a source of which two ranges were declared lost, in a tail that is under way, and gives
// its file's bytes.
func (l *losing) twoLost() (source.Key, []byte) {
	l.fs.Write("/logs/a", []byte("a1\n"))
	l.start()
	l.pass(6 * time.Minute)
	l.sealEach("a2\n", "a3\n")
	body := l.loseSpool(everyOne)
	l.start()
	l.pass(10 * time.Minute)
	require.Len(l.t, l.losses(), 2)
	keys, err := l.ledger.All()
	require.NoError(l.t, err)
	require.Len(l.t, keys, 1)
	return keys[0], body
}

// A range that is declared lost while others of its source are taken back is taken back, too.
func TestTail_TakesBackWhatIsLostMeanwhile(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		var key source.Key
		before := p.store
		p.store = func(s sink.Store) sink.Store {
			return atPut{before(s), "-found.json", new(sync.Once), func() {
				require.NoError(t, p.ledger.Update(key, func(s *offsets.Source) error {
					s.AddLost(source.Range{Start: 6, End: 9})
					return nil
				}))
			}}
		}
		var body []byte
		key, body = l.twoLost()
		require.NoError(t, p.ledger.Update(key, func(s *offsets.Source) error {
			s.Lost = s.Lost[:1]
			return nil
		}))
		p.fs.Write("/logs/b", body)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.verify().Lost)
	})
}

// What was found out of a loss is not noted of a source that was forgotten meanwhile.
func TestTail_TakesNothingBackOfAForgottenSource(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		key, _ := newLosing(p).twoLost()
		w, err := p.tail.SourceOf(key, 0)
		require.NoError(t, err)
		require.Len(t, w.Src.Lost, 2)
		err = w.Retrieval.TakeBackAll(t.Context(), func(*table.Loss) (bool, error) {
			return false, p.ledger.Delete(key)
		})
		require.ErrorIs(t, err, commit.ErrAgain)
		_, known, err := p.ledger.Get(key)
		require.NoError(t, err)
		require.False(t, known)
	})
}
