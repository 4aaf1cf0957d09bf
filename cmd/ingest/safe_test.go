package main

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"io"
	"strings"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/source"
)

// What nobody wanted is missed by nobody; what was lost is.
func TestSafety_OfBytesNeverSealed(t *testing.T) {
	for reason, want := range map[seal.LossReason]safeJSON{
		seal.NotWanted: {Safe: true, Reason: "all of it is in the sink or was never wanted"},
		seal.Truncated: {Reason: "[0, 14) was declared lost"},
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

// newSafety is a state and a sink without a word in them, of origin web-1, and a file that a stream
// of the config wants.
func newSafety(t *testing.T, text string) (*safety, string) {
	root := t.TempDir()
	path := filepath.Join(root, "app.log")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	ledger, err := offsets.Open(filepath.Join(root, "state"), offsets.Meta{Origin: "web-1"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	store, err := dir.New(filepath.Join(root, "lake"), ledger.Meta().WriterID)
	require.NoError(t, err)
	c, err := parseConfig("c", []byte("streams: [{name: app, format: app, paths: ["+root+"/*.log]}]"))
	require.NoError(t, err)
	return &safety{cfg: c, ledger: ledger, from: &logs{FS: files.OS()},
		store: func() (sink.Store, error) { return store, nil }}, path
}

// putLoss declares all of a file lost, or not wanted.
func putLoss(t *testing.T, store sink.Store, path string, reason seal.LossReason) {
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	chain := source.NewChain()
	chain.Write(body)
	end := chain.Point()
	head, _, _ := strings.Cut(string(body), "\n")
	loss := &seal.Loss{
		Format: seal.Format, Stream: "app", Version: 1, Origin: "web-1", Kind: seal.Lost, Reason: reason,
		SID: source.NewID("web-1", "app", 0, []byte(head+"\n")), End: &end.Offset,
		ChainIn: source.Origin().Chain, ChainOut: &end.Chain, ChainState: &end.State,
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
