package spool

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func testRoom(t testing.TB, limit int64) *Spool {
	s, err := Open(t.TempDir(), limit)
	require.NoError(t, err)
	return s
}

func TestSpool_Reserve_OneBatchAlwaysPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a wait would be a deadlock
		s := testRoom(t, 10)
		release, err := s.Reserve(t.Context(), 1000)
		require.NoError(t, err)
		release()
		release()
		require.Zero(t, s.room.reserved, "a second release must count for nothing")
		release, err = s.Reserve(t.Context(), 1000)
		require.NoError(t, err)
		release()
	})
}

func TestSpool_Reserve_WaitsForRoomInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testRoom(t, 100)
		release, err := s.Reserve(t.Context(), 60)
		require.NoError(t, err)
		s.room.add("x", 30)
		var passed [2]bool
		for i, n := range []int64{50, 10} { // the second would fit, but must not pass the first
			go func() {
				_, err := s.Reserve(t.Context(), n)
				require.NoError(t, err)
				passed[i] = true
			}()
			synctest.Wait()
		}
		require.Equal(t, [2]bool{false, false}, passed)
		s.room.add("y", 15)
		release() // 45 + 50 fit, 10 more do not
		synctest.Wait()
		require.Equal(t, [2]bool{true, false}, passed)
		s.room.remove("x")
		synctest.Wait()
		require.Equal(t, [2]bool{true, true}, passed)
	})
}

func TestSpool_Reserve_GivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testRoom(t, 100)
		release, err := s.Reserve(t.Context(), 90)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		passed := false
		go func() {
			synctest.Wait()
			_, err := s.Reserve(t.Context(), 5)
			require.NoError(t, err)
			passed = true
		}()
		_, err = s.Reserve(ctx, 50)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.True(t, passed, "the one behind it fits now")
		require.EqualValues(t, 95, s.room.reserved)
		release()
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		_, err = s.Reserve(ctx, 1)
		require.ErrorIs(t, err, context.Canceled, "an ended context reserves nothing")
		require.EqualValues(t, 5, s.room.reserved)
	})
}

func TestSpool_Hold_MakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testRoom(t, 100)
		s.room.add("x", 100)
		passed := false
		go func() {
			_, err := s.Reserve(t.Context(), 100)
			require.NoError(t, err)
			passed = true
		}()
		synctest.Wait()
		require.False(t, passed)
		s.Hold("x")
		s.Hold("x")
		s.Hold("unknown")
		synctest.Wait()
		require.True(t, passed)
		require.EqualValues(t, 100, s.Size(), "it is there all the same")
		s.room.remove("x")
		require.Zero(t, s.Size())
		require.Zero(t, s.room.counted)
	})
}

// Whatever the sizes and the limit, workers that reserve, commit, and ship never all wait, and the
// limit holds but for one batch alone. (synctest fails the test when all goroutines are blocked.)
func TestSpool_Reserve_NeverDeadlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.Int64Range(1, 100).Draw(rt, "limit")
		sizes := rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(0, 150), 1, 5), 1, 4).Draw(rt, "sizes")
		most := max(limit, slices.Max(slices.Concat(sizes...)))
		synctest.Test(t, func(t *testing.T) {
			s := &Spool{room: newRoom(limit)}
			var all sync.WaitGroup
			var held atomic.Int64 // at most what the room counts
			for w, sizes := range sizes {
				all.Go(func() {
					for i, n := range sizes {
						release, err := s.Reserve(t.Context(), n)
						require.NoError(t, err)
						require.LessOrEqual(t, held.Add(n), most)
						time.Sleep(time.Duration(n) * time.Second) // fake: sealing
						name := testName(10*w + i)
						s.room.add(name, n)
						release()
						all.Go(func() {
							time.Sleep(time.Duration(7*w+i) * time.Second) // fake: shipping
							held.Add(-n)
							s.room.remove(name)
						})
					}
				})
			}
			all.Wait()
			require.Zero(t, s.room.counted+s.room.reserved)
		})
	})
}
