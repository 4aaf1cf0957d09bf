package s3

import (
	"testing"

	"go.uber.org/goleak"

	"logseal/ingest/sink/s3/s3test"
)

func TestMain(m *testing.M) {
	s3test.Setup()
	var ignored []goleak.Option
	for _, name := range s3test.Leaky() {
		ignored = append(ignored, goleak.IgnoreAnyFunction(name))
	}
	goleak.VerifyTestMain(m, ignored...)
}
