package dryrun

import (
	"logseal/ingest/parse"
)

// Result is what a dry run has found in all files so far.
type Result struct {
	Files        int64                  `json:"files"`
	Bytes        int64                  `json:"bytes"` // decompressed
	Records      int64                  `json:"records"`
	Rows         int64                  `json:"rows"`
	Rejects      int64                  `json:"rejects"`
	Skipped      int64                  `json:"skipped"` // lines
	SkippedBytes int64                  `json:"skipped_bytes"`
	MatchRate    *float64               `json:"match_rate"` // rows to records; null without records
	Reasons      map[parse.Reason]int64 `json:"reasons"`
	FirstRejects []Reject               `json:"first_rejects"` // of each reason and field
	FirstRows    []Row                  `json:"first_rows"`
	ofEach       map[rejectKind]int64
}

// NewResult is the result before the first file.
func NewResult() Result {
	return Result{Reasons: map[parse.Reason]int64{}, FirstRejects: []Reject{}, FirstRows: []Row{},
		ofEach: map[rejectKind]int64{}}
}

// Rate gives the share of records that are rows, 1 without records, and keeps it as MatchRate.
func (r *Result) Rate() float64 {
	if r.Records == 0 {
		return 1
	}
	rate := float64(r.Rows) / float64(r.Records)
	r.MatchRate = &rate
	return rate
}

// Reject is a reject as `ingest check` shows it.
type Reject struct {
	Path   string       `json:"path"`
	Line   int64        `json:"line"`   // from 1 on
	Offset int64        `json:"offset"` // of the line in the decompressed file
	At     int          `json:"at"`     // the byte of the line where it fails
	Reason parse.Reason `json:"reason"`
	Field  string       `json:"field,omitempty"`
	Detail string       `json:"detail,omitempty"`
	Text   string       `json:"text"` // the line around the failing byte, made printable
	Caret  int          `json:"-"`    // the column of the failing byte in Text
}

// Why says in one line why the record is a reject.
func (x *Reject) Why() string {
	s := string(x.Reason)
	if x.Field != "" {
		s += " in " + x.Field
	}
	if x.Detail != "" {
		s += ": " + x.Detail
	}
	return s
}

// rejectKind is what rejects have in common that are most likely of one cause.
type rejectKind struct {
	reason parse.Reason
	field  string
}

const (
	// rejectsOfEach is how many rejects of a kind check shows: enough to see a pattern in them.
	rejectsOfEach = 3
	// firstRejectsMax bounds them all: keys that no column reads are kinds of their own.
	firstRejectsMax = 60
)
