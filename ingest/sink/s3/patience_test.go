package s3

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
)

func TestPatience_Waits_GrowToACapAndAreRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		c := &client{opts: Options{OnRetry: func(_ string, _ int, wait time.Duration, _ error) {
			waits = append(waits, wait)
		}}}
		busy := &sink.TransientError{Err: errors.New("busy")}
		for range 200 {
			p := newPatience(c, "read x", 1000*time.Hour)
			for range 20 {
				require.NoError(t, p.wait(t.Context(), busy))
			}
		}
		for attempt := range 20 {
			most, sum := min(20*time.Second, 200*time.Millisecond<<attempt), time.Duration(0)
			for i := attempt; i < len(waits); i += 20 {
				require.Less(t, waits[i], most)
				sum += waits[i]
			}
			require.InDelta(t, float64(most)/2, float64(sum)/200, float64(most)/8, attempt)
		}
	})
}

func TestPatience_StoreAsksForAWait(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{7 * time.Second: 7 * time.Second,
		time.Millisecond: time.Millisecond, 24 * time.Hour: 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			p := newPatience(&client{}, "read x", PatienceDefault)
			start := time.Now()
			require.NoError(t, p.wait(t.Context(), &sink.TransientError{After: asked,
				Err: errors.New("busy")}))
			require.Equal(t, want, time.Since(start))
		})
	}
}

func TestPatience_Ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := newPatience(&client{}, "read x", time.Minute), time.Now()
		busy := &sink.TransientError{Err: errors.New("busy")}
		err := error(nil)
		for err == nil {
			err = p.wait(t.Context(), busy)
		}
		require.ErrorIs(t, err, busy)
		require.ErrorContains(t, err, "gave up after")
		require.LessOrEqual(t, time.Since(start), time.Minute)
	})
}
