package s3

import (
	"testing"

	"go.uber.org/goleak"

	"logseal/ingest/sink/s3/s3test"
)

func TestMain(m *testing.M) {
	s3test.Setup()
	goleak.VerifyTestMain(m)
}
