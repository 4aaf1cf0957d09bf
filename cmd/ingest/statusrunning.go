package main

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"logseal/ingest/config"
	"logseal/ingest/pipeline"
	"logseal/ingest/source"
)

// tailJSON is what `status` has of a running tail.
type tailJSON struct {
	PID             int           `json:"pid"`
	Origin          *string       `json:"origin"` // of new sources; null for none
	Ready           bool          `json:"ready"`
	Paused          string        `json:"paused"` // why reading is paused, empty when it is not
	PausedSeconds   float64       `json:"paused_seconds"`
	HeldBytes       int64         `json:"held_bytes"` // of memory, for what is not sealed
	OpenFiles       int           `json:"open_files"`
	OldestUnshipped *time.Time    `json:"oldest_unshipped"` // null for none
	ConfigRefused   bool          `json:"config_refused"`   // the last reload was refused
	Streams         []streamJSON  `json:"streams"`
	Problems        []problemJSON `json:"problems"`
}

// streamJSON is what a running tail has sealed of a stream since its start.
type streamJSON struct {
	Stream  string       `json:"stream"`
	Records int64        `json:"records"`
	Rows    int64        `json:"rows"`
	Rejects int64        `json:"rejects"`
	Reasons reasonCounts `json:"reasons"` // of the rejects
}

func describeStreams(totals map[string]pipeline.StreamTotals) []streamJSON {
	all := make([]streamJSON, 0, len(totals))
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		x := totals[name]
		s := streamJSON{Stream: name, Records: x.Records, Rows: x.Rows, Rejects: sum(x.Rejects),
			Reasons: reasonCounts{}}
		s.Reasons.add(x.Rejects)
		all = append(all, s)
	}
	return all
}

// fillRunning fills a result with what the ledger has and, of the sources that are followed, with
// what the tail knows.
func (r *statusResult) fillRunning(s *service) error {
	if err := r.fill(s.current.Load().at, s.ledger); err != nil {
		return err
	}
	status := s.status()
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

func (x *sourceJSON) key() source.Key {
	key := source.Key{Table: source.Table{Stream: x.Stream, Version: x.Version}, ID: x.SID}
	if x.Origin != nil {
		key.Origin = *x.Origin
	}
	return key
}

func describeLive(x pipeline.SourceStatus) sourceJSON {
	lag := max(0, lagBytes(x)-(x.Sealed-x.Shipped))
	behind := x.Behind.Seconds()
	out := sourceJSON{
		Stream: x.Stream, Version: x.Version, SID: x.SID, K: x.K, Path: x.Path, Sealed: x.Sealed,
		Shipped: x.Shipped, Lag: &lag, Outbox: x.Outbox, Read: &x.Read, BehindSeconds: &behind,
		Following: x.State,
	}
	if x.Origin != "" {
		out.Origin = &x.Origin
	}
	return out
}

func describeTail(s *service, status *pipeline.TailStatus) *tailJSON {
	t := &tailJSON{
		PID: os.Getpid(), Origin: s.origin.Optional(), Ready: status.Ready, Paused: status.Paused,
		PausedSeconds: status.PausedSeconds, HeldBytes: status.HeldBytes,
		OpenFiles: status.OpenFiles, ConfigRefused: s.stale.Load(),
		Streams:  describeStreams(status.Streams),
		Problems: append([]problemJSON{}, problemsJSON(status.Problems)...),
	}
	if at := status.OldestUnshipped; !at.IsZero() {
		at = at.UTC()
		t.OldestUnshipped = &at
	}
	return t
}

func (t *tailJSON) tell(a *app) {
	is := "starting"
	if t.Ready {
		is = "following"
	}
	whose := config.OriginNone
	if t.Origin != nil {
		whose = *t.Origin
	}
	a.say("tail   process %d, origin %s, %s, %s, %s in memory", t.PID, whose, is,
		count(int64(t.OpenFiles), "open file"), humanize.IBytes(uint64(max(0, t.HeldBytes))))
	if t.OldestUnshipped != nil {
		a.say("oldest unshipped: %s", t.OldestUnshipped.Format(time.RFC3339))
	}
	for _, s := range t.Streams {
		a.say("stream %s since the start: %s, %s%s", s.Stream, count(s.Rows, "row"),
			count(s.Rejects, "reject"), s.Reasons.inParentheses())
	}
	if t.Paused != "" {
		a.say("reading is paused: %s", t.Paused)
	}
	if t.ConfigRefused {
		a.say("the last reload of the config was refused: see the log")
	}
	for _, p := range t.Problems {
		a.say("problem: %v", pipeline.Problem{Kind: p.Kind, Path: p.Path, Message: p.Message})
	}
}
