package batch

import (
	"bytes"
	"fmt"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// Summary is what became of a range. Row, reject and skipped bytes are exactly the range.
type Summary struct {
	Records int64 // Rows + Rejects
	Rows    int64
	Rejects int64
	Skipped int64 // lines

	RowBytes     int64
	RejectBytes  int64
	SkippedBytes int64 // those of a BOM and of padding too, which are no lines

	// MinTime and MaxTime are the least and greatest event time of the rows in microseconds since
	// 1970 UTC, nil when no row has one.
	MinTime *int64
	MaxTime *int64

	Reasons map[parse.Reason]int64 // of the rejects
	First   *Sample                // of the rejects, nil for none
}

// Sample is what a person is shown of a reject.
type Sample struct {
	Offset int64
	Reason parse.Reason
	Text   string // its first bytes, without its line end
}

// sampleMax is how many bytes of a reject a Sample has: enough to tell a format by.
const sampleMax = 120

func sampleOf(x parse.Reject) *Sample {
	text := bytes.TrimRight(x.Raw, "\r\n")
	return &Sample{Offset: x.Offset, Reason: x.Reason, Text: string(text[:min(len(text), sampleMax)])}
}

// addTime widens the times to hold t.
func (s *Summary) addTime(t int64) {
	if s.MinTime == nil {
		first, last := t, t
		s.MinTime, s.MaxTime = &first, &last
		return
	}
	*s.MinTime = min(*s.MinTime, t)
	*s.MaxTime = max(*s.MaxTime, t)
}

// ImbalanceError is returned when the parts of a range are not the range: bytes are missing, twice
// or outside. It is never the input's fault; the batch must not be sealed.
type ImbalanceError struct {
	What  string       // what was counted
	Range source.Range // where
	Want  int64
	Have  int64
}

func (e *ImbalanceError) Error() string {
	return fmt.Sprintf("balance of bytes %s: %s: want %d, have %d", e.Range, e.What, e.Want, e.Have)
}
