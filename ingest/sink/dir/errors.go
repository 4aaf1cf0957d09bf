package dir

import (
	"fmt"

	"logseal/ingest/sink"
)

// UnusableError is returned by every Put and Delete that needs a durable name after an fsync of
// one failed: what is durable is unknown. Open the store again and put the object again. It does
// not unwrap to the cause: that the disk was full is no reason to try again with this store. It is
// sink.ErrUnusable.
type UnusableError struct {
	Path  string // what was fsynced
	Cause string
}

func (e *UnusableError) Error() string {
	return fmt.Sprintf("%v after a failed fsync of %s: %s", sink.ErrUnusable, e.Path, e.Cause)
}

// Is tells that the error is sink.ErrUnusable.
func (e *UnusableError) Is(target error) bool { return target == sink.ErrUnusable }
