package files_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// tester is what testing.TB and *rapid.T have in common here.
type tester interface {
	require.TestingT
	Helper()
}

// openBytes opens a file that holds data.
func openBytes(t tester, data []byte) (*files.File, *filestest.FS) {
	t.Helper()
	fsys := filestest.New()
	fsys.Write("app.log", data)
	f, err := files.Open(fsys, "app.log")
	require.NoError(t, err)
	return f, fsys
}

// newReader opens a Reader at the start.
func newReader(t tester, f *files.File, maxRecord int) *files.Reader {
	t.Helper()
	r, err := f.Reader(ctx, source.Origin(), maxRecord)
	require.NoError(t, err)
	return r
}

// closeAll closes f and checks that nothing stays open.
func closeAll(t tester, f *files.File, fsys *filestest.FS) {
	t.Helper()
	require.NoError(t, f.Close())
	require.Equal(t, 0, fsys.OpenHandles())
}

var _ tester = (testing.TB)(nil)
