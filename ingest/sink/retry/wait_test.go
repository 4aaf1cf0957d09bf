package retry

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWait_GrowsToACapAndIsRandom(t *testing.T) {
	const times = 200
	for attempt := 1; attempt <= 100; attempt++ {
		most := waitMost
		if attempt <= 7 {
			most = min(waitMost, waitFirst<<(attempt-1))
		}
		sum := time.Duration(0)
		for range times {
			wait := Wait(attempt, errBusy)
			require.Less(t, wait, most)
			require.GreaterOrEqual(t, wait, time.Duration(0))
			sum += wait
		}
		require.InDelta(t, float64(most)/2, float64(sum)/times, float64(most)/6, attempt)
	}
}

func TestWait_AsTheStoreAsks(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{7 * time.Second: 7 * time.Second,
		time.Millisecond: time.Millisecond, 24 * time.Hour: 5 * time.Minute} {
		require.Equal(t, want, Wait(1, transient(asked)))
		require.Equal(t, want, Wait(1000, errors.Join(errBusy, transient(asked))))
	}
}

func TestGrowing(t *testing.T) {
	const first, most = time.Second, 10 * time.Second
	next := Growing(first, most)
	around := float64(first)
	for range 30 {
		wait := float64(next())
		require.InDelta(t, around, wait, around/2+1)
		around = min(1.5*around, float64(most))
	}
}
