package retry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
)

// flaky fails calls with the errors of a list, one after the other, and then does them.
type flaky struct {
	sink.Store
	faults []error
	puts   []sink.Object
	gets   int
}

func (f *flaky) fault() error {
	if len(f.faults) == 0 {
		return nil
	}
	err := f.faults[0]
	f.faults = f.faults[1:]
	return err
}

func (f *flaky) Put(ctx context.Context, o sink.Object) error {
	f.puts = append(f.puts, o)
	if err := f.fault(); err != nil {
		return err
	}
	return f.Store.Put(ctx, o)
}

func (f *flaky) Stat(ctx context.Context, key string) (sink.Info, error) {
	if err := f.fault(); err != nil {
		return sink.Info{}, err
	}
	return f.Store.Stat(ctx, key)
}

// Get gives a body that breaks off in its middle with each fault.
func (f *flaky) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	f.gets++
	r, info, err := f.Store.Get(ctx, key)
	if err != nil {
		return nil, info, err
	}
	if fault := f.fault(); fault != nil {
		r = io.NopCloser(io.MultiReader(io.LimitReader(r, info.Size/2), iotest.ErrReader(fault)))
	}
	return r, info, nil
}

func (f *flaky) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	return func(yield func(sink.Info, error) bool) {
		for info, err := range f.Store.List(ctx, prefix) {
			if !yield(info, err) {
				return
			}
			if err := f.fault(); err != nil {
				yield(sink.Info{}, err)
				return
			}
		}
	}
}

var errBusy = errors.New("busy")

func transient(after time.Duration) error {
	return &sink.TransientError{Err: errBusy, After: after}
}

func TestStore_Put_TransientThenDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t), faults: []error{transient(0), transient(0)}}
		r := &Store{Store: f}
		require.NoError(t, r.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("x"))))
		require.Len(t, f.puts, 3)
		require.False(t, f.puts[0].Maybe)
		require.True(t, f.puts[1].Maybe, "the first attempt may have been done")
		require.Equal(t, int64(2), r.Retries())
	})
}

func TestStore_Put_RefusedIsNotRepeated(t *testing.T) {
	want := &sink.RefusedError{Err: errors.New("no"), Fix: "ask"}
	f := &flaky{Store: sinktest.NewMemory(t), faults: []error{want}}
	r := &Store{Store: f}
	err := r.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("x")))
	require.Equal(t, want, err)
	require.Len(t, f.puts, 1)
}

func TestStore_Stat_WaitsAsTheStoreAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t), faults: []error{transient(7 * time.Second)}}
		start := time.Now()
		_, err := (&Store{Store: f}).Stat(t.Context(), sinktest.Key(1))
		require.ErrorIs(t, err, sink.ErrNotFound)
		require.Equal(t, 7*time.Second, time.Since(start))
	})
}

func TestStore_Stat_OutageOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t)}
		for range 5000 {
			f.faults = append(f.faults, transient(0))
		}
		start := time.Now()
		_, err := (&Store{Store: f}).Stat(t.Context(), sinktest.Key(1))
		require.ErrorIs(t, err, sink.ErrNotFound)
		mean := time.Since(start) / 5000
		require.Greater(t, mean, waitMost/3, "waits must grow up to the cap")
		require.Less(t, mean, waitMost*2/3, "waits must be random below the cap")
	})
}

func TestStore_Stat_LimitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t)}
		for range 5000 {
			f.faults = append(f.faults, transient(0))
		}
		start := time.Now()
		_, err := (&Store{Store: f, Limit: time.Minute}).Stat(t.Context(), sinktest.Key(1))
		require.ErrorIs(t, err, errBusy)
		require.LessOrEqual(t, time.Since(start), time.Minute)
	})
}

// Of an address at which nothing ever answered a person is told soon, once; of a store that has
// answered, be it with an error, never.
func TestStore_TellsThatNothingEverAnswered(t *testing.T) {
	refused := &sink.TransientError{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	for name, c := range map[string]struct {
		first error
		want  int
	}{
		"nothing answers": {refused, 1},
		"it is busy":      {&sink.TransientError{Err: errors.New("503 SlowDown")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				store := &flaky{Store: sinktest.NewMemory(t), faults: []error{c.first}}
				for range 30 {
					store.faults = append(store.faults, refused)
				}
				r := &Store{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))}
				for range 2 {
					_, err := r.Stat(t.Context(), sinktest.Key(1))
					require.ErrorIs(t, err, sink.ErrNotFound)
					store.faults = append(store.faults, refused, refused, refused)
				}
				require.Equal(t, c.want, strings.Count(log.String(), "nothing has ever answered"), log.String())
			})
		})
	}
}

func TestStore_Stat_CancelledWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f := &flaky{Store: sinktest.NewMemory(t), faults: []error{transient(time.Hour)}}
		_, err := (&Store{Store: f}).Stat(ctx, sinktest.Key(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestStore_Get_BodyBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t)}
		want := bytes.Repeat([]byte("0123456789"), 1000)
		require.NoError(t, f.Store.Put(t.Context(), sinktest.Object(sinktest.Key(1), want)))
		f.faults = []error{transient(0), transient(0)}
		body, _, err := (&Store{Store: f}).Get(t.Context(), sinktest.Key(1))
		require.NoError(t, err)
		have, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		require.Equal(t, string(want), string(have))
		require.Equal(t, 3, f.gets)
	})
}

func TestStore_List_EachOnceAfterFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t)}
		var want, have []string
		for i := range 5 {
			want = append(want, sinktest.Key(i))
			require.NoError(t, f.Store.Put(t.Context(), sinktest.Object(want[i], []byte("x"))))
		}
		f.faults = []error{nil, transient(0), nil, nil, nil, transient(0)}
		for info, err := range (&Store{Store: f}).List(t.Context(), "") {
			require.NoError(t, err)
			have = append(have, info.Key)
		}
		require.Equal(t, want, have)
	})
}

func TestStore_List_LimitCountsFromTheLastGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t)}
		for i := range 3 {
			require.NoError(t, f.Store.Put(t.Context(), sinktest.Object(sinktest.Key(i), []byte("x"))))
		}
		f.faults = []error{nil, transient(0), nil, nil, transient(0)}
		n := 0
		for _, err := range (&Store{Store: f, Limit: time.Minute}).List(t.Context(), "") {
			require.NoError(t, err)
			n++
			time.Sleep(time.Hour)
		}
		require.Equal(t, 3, n)
	})
}

func TestStore_List_StopsWhenItsUserDoes(t *testing.T) {
	f := &flaky{Store: sinktest.NewMemory(t)}
	for i := range 3 {
		require.NoError(t, f.Store.Put(t.Context(), sinktest.Object(sinktest.Key(i), []byte("x"))))
	}
	for range (&Store{Store: f}).List(t.Context(), "") {
		break
	}
}

func TestStore_IsAStore(t *testing.T) {
	sinktest.Run(t, func(t testing.TB) sink.Store { return &Store{Store: sinktest.NewMemory(t)} })
}

// randomly gives readers that can be read at any offset, and that break for good after each fault.
type randomly struct{ *flaky }

type atReader struct {
	*bytes.Reader
	f    *flaky
	dead bool
}

func (r *atReader) fault() error {
	if r.dead {
		return errors.New("read of a closed reader")
	}
	if err := r.f.fault(); err != nil {
		r.dead = true
		return err
	}
	return nil
}

func (r *atReader) Read(p []byte) (int, error) {
	if err := r.fault(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p[:min(len(p), 100)])
}

func (r *atReader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.fault(); err != nil {
		return 0, err
	}
	return r.Reader.ReadAt(p, off)
}

func (r *atReader) Close() error {
	r.dead = true
	return nil
}

func (s randomly) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	r, info, err := s.flaky.Store.Get(ctx, key)
	if err != nil {
		return nil, info, err
	}
	body, err := io.ReadAll(r)
	return &atReader{Reader: bytes.NewReader(body), f: s.flaky}, info, err
}

func TestStore_Get_ReadAtGoesOnAfterTheBodyBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t)}
		want := bytes.Repeat([]byte("0123456789"), 1000)
		require.NoError(t, f.Store.Put(t.Context(), sinktest.Object(sinktest.Key(1), want)))
		body, _, err := (&Store{Store: randomly{f}}).Get(t.Context(), sinktest.Key(1))
		require.NoError(t, err)
		f.faults = []error{nil, nil, transient(0), nil, transient(0)}
		have, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, string(want), string(have))
		f.faults = []error{transient(0)}
		p := make([]byte, 10)
		_, err = body.(io.ReaderAt).ReadAt(p, 500)
		require.NoError(t, err)
		require.Equal(t, "0123456789", string(p))
		require.NoError(t, body.Close())
	})
}

func TestStore_Get_ObjectThatShrankIsDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sinktest.NewMemory(t)
		f := &flaky{Store: m}
		require.NoError(t, m.Put(t.Context(), sinktest.Object(sinktest.Key(1), make([]byte, 1000))))
		f.faults = []error{transient(0)}
		body, _, err := (&Store{Store: f}).Get(t.Context(), sinktest.Key(1))
		require.NoError(t, err)
		m.Plant(sinktest.Key(1), make([]byte, 100))
		_, err = io.ReadAll(body)
		require.ErrorAs(t, err, new(*sink.DamagedError))
	})
}
