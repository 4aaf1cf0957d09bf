package s3

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
)

func TestCode(t *testing.T) {
	a := &answer{status: 403, code: "InvalidObjectState", err: errors.New("403")}
	require.Equal(t, "InvalidObjectState", Code(fmt.Errorf("read k: %w", &sink.RefusedError{Err: a})))
	require.Empty(t, Code(&sink.RefusedError{Err: &answer{status: 403, err: errors.New("403")}}))
	require.Empty(t, Code(errors.New("reset")))
	require.Empty(t, Code(nil))
}
