// Package deletiontest puts into a sink what tests of deletions need.
package deletiontest

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// PutLoss declares all of a file lost, or not wanted.
func PutLoss(t *testing.T, store sink.Store, path string, reason table.LossReason) {
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
