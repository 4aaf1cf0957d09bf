package service

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/tail"
)

// TailStatus is the part of a Status that only a running tail knows.
type TailStatus struct {
	PID             int            `json:"pid"`
	Origin          *string        `json:"origin"` // of new sources; null for none
	Ready           bool           `json:"ready"`
	Paused          string         `json:"paused"` // why reading is paused, empty when it is not
	PausedSeconds   float64        `json:"paused_seconds"`
	HeldBytes       int64          `json:"held_bytes"` // of memory, for what is not sealed
	OpenFiles       int            `json:"open_files"`
	OldestUnshipped *time.Time     `json:"oldest_unshipped"` // null for none
	ConfigRefused   bool           `json:"config_refused"`   // the last reload was refused
	Streams         []StreamStatus `json:"streams"`
	Problems        []Problem      `json:"problems"`
}

// StreamStatus counts what a running tail has sealed of a stream since its start.
type StreamStatus struct {
	Stream  string                 `json:"stream"`
	Records int64                  `json:"records"`
	Rows    int64                  `json:"rows"`
	Rejects int64                  `json:"rejects"`
	Reasons map[parse.Reason]int64 `json:"reasons"` // of the rejects
}

func describeStreams(totals map[string]tail.StreamTotals) []StreamStatus {
	all := make([]StreamStatus, 0, len(totals))
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		x := totals[name]
		s := StreamStatus{Stream: name, Records: x.Records, Rows: x.Rows, Reasons: map[parse.Reason]int64{}}
		for reason, n := range x.Rejects {
			if n != 0 {
				s.Rejects += n
				s.Reasons[reason] = n
			}
		}
		all = append(all, s)
	}
	return all
}

// fillRunning fills a result with what the ledger has and, of the sources that are followed, with
// what the tail knows.
func (r *Status) fillRunning(s *Service) error {
	if err := r.Fill(s.current.Load().Location, s.ledger); err != nil {
		return err
	}
	status := s.Status()
	known := map[source.Key]int{}
	for i, x := range r.Sources {
		known[x.key()] = i
	}
	for _, x := range status.Sources {
		live := describeLive(x)
		i, ok := known[live.key()]
		if !ok || x.State == "copy" || x.State == "undecided" {
			r.Sources = append(r.Sources, live)
			continue
		}
		live.Path = cmp.Or(live.Path, r.Sources[i].Path)
		r.Sources[i] = live
	}
	r.Tail = describeTail(s, &status)
	return nil
}

func (x *Source) key() source.Key {
	key := source.Key{Table: source.Table{Stream: x.Stream, Version: x.Version}, ID: x.SID}
	if x.Origin != nil {
		key.Origin = *x.Origin
	}
	return key
}

func describeLive(x tail.SourceStatus) Source {
	lag := max(0, lagBytes(x)-(x.Sealed-x.Shipped))
	behind := x.Behind.Seconds()
	out := Source{
		Stream: x.Stream, Version: x.Version, SID: x.SID, K: x.K, Path: x.Path, Sealed: x.Sealed,
		Shipped: x.Shipped, Lag: &lag, Outbox: x.Outbox, Read: &x.Read, BehindSeconds: &behind,
		Following: x.State,
	}
	if x.Origin != "" {
		out.Origin = &x.Origin
	}
	return out
}

func describeTail(s *Service, status *tail.Status) *TailStatus {
	t := &TailStatus{
		PID: os.Getpid(), Origin: s.origin.Optional(), Ready: status.Ready, Paused: status.Paused,
		PausedSeconds: status.PausedSeconds, HeldBytes: status.HeldBytes,
		OpenFiles: status.OpenFiles, ConfigRefused: s.reloads.stale.Load(),
		Streams:  describeStreams(status.Streams),
		Problems: append([]Problem{}, Problems(status.Problems)...),
	}
	if at := status.OldestUnshipped; !at.IsZero() {
		at = at.UTC()
		t.OldestUnshipped = &at
	}
	return t
}

// Problem is a problem as JSON objects have it.
type Problem struct {
	Kind    commit.Kind `json:"kind"`
	Path    string      `json:"path,omitempty"`
	Message string      `json:"message"`
}

// Problems gives problems as JSON has them.
func Problems(problems []commit.Problem) (out []Problem) {
	for _, x := range problems {
		out = append(out, Problem(x))
	}
	return out
}
