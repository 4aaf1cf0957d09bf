package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"io"
	"strings"

	"github.com/stretchr/testify/require"

	"logseal/ingest/config"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// What nobody wanted is missed by nobody; what was lost is.
func TestSafety_OfBytesNeverSealed(t *testing.T) {
	for reason, want := range map[table.LossReason]safeJSON{
		table.NotWanted: {Safe: true, Reason: "all of it is in the sink or was never wanted"},
		table.Truncated: {Reason: "[0, 14) was declared lost"},
	} {
		t.Run(string(reason), func(t *testing.T) {
			x, path := newSafety(t, "one\ntwo\nthree\n")
			store, err := x.store()
			require.NoError(t, err)
			putLoss(t, store, path, reason)
			got, err := x.ask(context.Background(), path)
			require.NoError(t, err)
			want.Path, want.Size = path, 14
			require.Equal(t, &want, got)
		})
	}
}

// A file that the config leaves out need not be anywhere.
func TestSafety_OfAnExcludedFile(t *testing.T) {
	x, path := newSafety(t, "one\n")
	got, err := x.ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "nothing of it is in the table app/v1", got.Reason)

	x.cfg.Streams[0].Exclude = []string{"*.log"}
	got, err = x.ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "the sink has no source that it is", got.Reason)
}

// A table has a file under whichever origin, unless the one that it is wanted for has a part of it.
func TestSafety_OfAFileOfAnotherOrigin(t *testing.T) {
	x, path := newSafety(t, "one\ntwo\nthree\n")
	store, err := x.store()
	require.NoError(t, err)
	putLoss(t, store, path, table.NotWanted)
	x.cfg.Origin = source.NoOrigin
	got, err := x.ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "nothing of it is in the table app/v1", got.Reason)

	key := source.Key{Table: source.Table{Stream: "app", Version: 1}, Origin: "web-1", ID: source.ID{1}}
	chain := source.NewChain()
	chain.Write([]byte("any\n"))
	require.NoError(t, x.ledger.Update(key, func(s *offsets.Source) error {
		s.Sealed, s.Shipped = chain.Point(), chain.Offset() // any of that origin says where to look
		return nil
	}))
	got, err = x.ask(context.Background(), path)
	require.NoError(t, err)
	require.True(t, got.Safe, got.Reason)
}

// newSafety is a state and a sink without a word in them, of origin web-1, and a file that a stream
// of the config wants.
func newSafety(t *testing.T, text string) (*safety, string) {
	root := t.TempDir()
	path := filepath.Join(root, "app.log")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	ledger, err := offsets.Open(filepath.Join(root, "state"), offsets.Meta{Origin: "web-1"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	store, err := dir.New(filepath.Join(root, "lake"), ledger.Meta().WriterID, dir.DefaultMode)
	require.NoError(t, err)
	c, err := config.Parse("c", []byte("streams: [{name: app, format: app, paths: ["+root+"/*.log]}]"))
	require.NoError(t, err)
	return &safety{cfg: c, ledger: ledger, from: input.NewFS(t.Context(), nil, nil), timeout: time.Minute,
		store: func() (sink.Store, error) { return store, nil }}, path
}

// putLoss declares all of a file lost, or not wanted.
func putLoss(t *testing.T, store sink.Store, path string, reason table.LossReason) {
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	chain := source.NewChain()
	chain.Write(body)
	end := chain.Point()
	head, _, _ := strings.Cut(string(body), "\n")
	loss := &table.Loss{
		Format: table.Format, Stream: "app", Version: 1, Origin: "web-1", Kind: table.Lost, Reason: reason,
		SID: source.NewID("web-1", "app", 0, []byte(head+"\n")), End: &end.Offset,
		ChainIn: source.Origin().Chain, ChainOut: &end.Chain, ChainState: &end.State,
		Marks: chain.Marks(0, end.Offset),
	}
	require.NoError(t, loss.Validate())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	json := loss.JSON()
	require.NoError(t, store.Put(ctx, sink.Object{Key: loss.Key(), Size: int64(len(json)),
		SHA256: sha256.Sum256(json), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(json))), nil
		}}))
}

// What waits in the spool is answered by the ledger alone: the sink may be away just because of that.
func TestSafety_OfBytesThatWait(t *testing.T) {
	x, path := newSafety(t, "one\ntwo\nthree\n")
	stat, err := files.OS().Stat(path)
	require.NoError(t, err)
	chain := source.NewChain()
	chain.Write([]byte("one\ntwo\n"))
	key := source.Key{Table: source.Table{Stream: "app", Version: 1}, Origin: "web-1", ID: source.ID{1}}
	require.NoError(t, x.ledger.Update(key, func(s *offsets.Source) error {
		s.Path, s.File = path, offsets.FileState(stat)
		s.Sealed = chain.Point()
		s.Outbox = []offsets.Entry{{Range: source.Range{End: 8}, Spool: "b"}}
		return nil
	}))
	x.store = func() (sink.Store, error) { return nil, errors.New("the sink is away") }
	got, err := x.ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, &safeJSON{Path: path, Size: 14,
		Reason: "8 bytes of it are sealed and not in the sink yet"}, got)

	// Another file was at the path then.
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, os.WriteFile(path, []byte("four\n"), 0o666))
	_, err = x.ask(context.Background(), path)
	require.ErrorContains(t, err, "the sink is away")
}

// hangingStore answers no question.
type hangingStore struct{ sink.Store }

func (hangingStore) Get(ctx context.Context, _ string) (io.ReadCloser, sink.Info, error) {
	<-ctx.Done()
	return nil, sink.Info{}, ctx.Err()
}

// A sink that does not answer is waited for no longer than was said, and named with the file.
func TestSafety_OfASinkThatDoesNotAnswer(t *testing.T) {
	x, path := newSafety(t, "one\n")
	store, err := x.store()
	require.NoError(t, err)
	x.store = func() (sink.Store, error) { return hangingStore{store}, nil }
	x.timeout = time.Millisecond
	_, err = x.ask(context.Background(), path)
	require.ErrorContains(t, err, "ask whether "+path+" may be deleted: the sink "+store.Name()+
		" gave no answer within 1ms")
}
