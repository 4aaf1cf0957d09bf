package deletion

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"io"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/source"
	"logseal/ingest/table"
	"logseal/ingest/verify/deletion/deletiontest"
)

// What nobody wanted is missed by nobody; what was lost is.
func TestJudge_OfBytesNeverSealed(t *testing.T) {
	for reason, want := range map[table.LossReason]Answer{
		table.NotWanted: {Safe: true, Reason: "all of it is in the sink or was never wanted"},
		table.Truncated: {Reason: "[0, 14) was declared lost"},
	} {
		t.Run(string(reason), func(t *testing.T) {
			x, path := newJudge(t, "one\ntwo\nthree\n")
			store, err := x.Store()
			require.NoError(t, err)
			deletiontest.PutLoss(t, store, path, reason)
			got, err := x.Ask(context.Background(), path)
			require.NoError(t, err)
			want.Path, want.Size = path, 14
			require.Equal(t, &want, got)
		})
	}
}

// A table has a file under whichever origin, unless the one that it is wanted for has a part of it.
func TestJudge_OfAFileOfAnotherOrigin(t *testing.T) {
	x, path := newJudge(t, "one\ntwo\nthree\n")
	store, err := x.Store()
	require.NoError(t, err)
	deletiontest.PutLoss(t, store, path, table.NotWanted)
	x.Streams = wantedBy("")
	got, err := x.Ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "nothing of it is in the table app/v1", got.Reason)

	key := source.Key{Table: source.Table{Stream: "app", Version: 1}, Origin: "web-1", ID: source.ID{1}}
	chain := source.NewChain()
	chain.Write([]byte("any\n"))
	require.NoError(t, x.Ledger.Update(key, func(s *offsets.Source) error {
		s.Sealed, s.Shipped = chain.Point(), chain.Offset() // any of that origin says where to look
		return nil
	}))
	got, err = x.Ask(context.Background(), path)
	require.NoError(t, err)
	require.True(t, got.Safe, got.Reason)
}

// newJudge is a state and a sink without a word in them, of origin web-1, and a file that the stream app
// wants.
func newJudge(t *testing.T, text string) (*Judge, string) {
	root := t.TempDir()
	path := filepath.Join(root, "app.log")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	ledger, err := offsets.Open(filepath.Join(root, "state"), offsets.Meta{Origin: "web-1"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	store, err := dir.New(filepath.Join(root, "lake"), ledger.Meta().WriterID, dir.DefaultMode)
	require.NoError(t, err)
	return &Judge{Files: disk{files.OS()}, Ledger: ledger, Streams: wantedBy("web-1"), Timeout: time.Minute,
		Store: func() (sink.Store, error) { return store, nil }}, path
}

// disk is the files of the system, none of which is an archive.
type disk struct{ *files.Disk }

func (disk) Members(string) ([]string, error) { return nil, nil }

// wantedBy has the stream app want every file, under an origin.
func wantedBy(origin string) func(path, named string) ([]Place, error) {
	return func(string, string) ([]Place, error) {
		return []Place{{Table: source.Table{Stream: "app", Version: 1}, Origin: origin, Wanted: true}}, nil
	}
}

// What waits in the spool is answered by the ledger alone: the sink may be away just because of that.
func TestJudge_OfBytesThatWait(t *testing.T) {
	x, path := newJudge(t, "one\ntwo\nthree\n")
	stat, err := files.OS().Stat(path)
	require.NoError(t, err)
	chain := source.NewChain()
	chain.Write([]byte("one\ntwo\n"))
	key := source.Key{Table: source.Table{Stream: "app", Version: 1}, Origin: "web-1", ID: source.ID{1}}
	require.NoError(t, x.Ledger.Update(key, func(s *offsets.Source) error {
		s.Path, s.File = path, offsets.FileState(stat)
		s.Sealed = chain.Point()
		s.Outbox = []offsets.Entry{{Range: source.Range{End: 8}, Spool: "b"}}
		return nil
	}))
	x.Store = func() (sink.Store, error) { return nil, errors.New("the sink is away") }
	got, err := x.Ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, &Answer{Path: path, Size: 14,
		Reason: "8 bytes of it are sealed and not in the sink yet"}, got)

	// Another file was at the path then.
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, os.WriteFile(path, []byte("four\n"), 0o666))
	_, err = x.Ask(context.Background(), path)
	require.ErrorContains(t, err, "the sink is away")
}

// hangingStore answers no question.
type hangingStore struct{ sink.Store }

func (hangingStore) Get(ctx context.Context, _ string) (io.ReadCloser, sink.Info, error) {
	<-ctx.Done()
	return nil, sink.Info{}, ctx.Err()
}

// A sink that does not answer is waited for no longer than was said, and named with the file.
func TestJudge_OfASinkThatDoesNotAnswer(t *testing.T) {
	x, path := newJudge(t, "one\n")
	store, err := x.Store()
	require.NoError(t, err)
	x.Store = func() (sink.Store, error) { return hangingStore{store}, nil }
	x.Timeout = time.Millisecond
	_, err = x.Ask(context.Background(), path)
	require.ErrorContains(t, err, "ask whether "+path+" may be deleted: the sink "+store.Name()+
		" gave no answer within 1ms")
}
