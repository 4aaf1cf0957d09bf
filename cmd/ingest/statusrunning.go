package main

import (
	"os"
	"time"

	"github.com/dustin/go-humanize"

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
	Problems        []problemJSON `json:"problems"`
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
		live.Path = firstOf(live.Path, r.Sources[i].Path)
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
		PID: os.Getpid(), Origin: s.origin.optional(), Ready: status.Ready, Paused: status.Paused,
		PausedSeconds: status.PausedSeconds, HeldBytes: status.HeldBytes,
		OpenFiles: status.OpenFiles, ConfigRefused: s.stale.Load(),
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
	whose := originNone
	if t.Origin != nil {
		whose = *t.Origin
	}
	a.say("tail   process %d, origin %s, %s, %s, %s in memory", t.PID, whose, is,
		count(int64(t.OpenFiles), "open file"), humanize.IBytes(uint64(max(0, t.HeldBytes))))
	if t.OldestUnshipped != nil {
		a.say("oldest unshipped: %s", t.OldestUnshipped.Format(time.RFC3339))
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
