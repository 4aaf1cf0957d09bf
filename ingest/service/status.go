package service

import (
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/verify/deletion"
)

// Status is the answer of `ingest status`: how far each source is, and what the spool holds.
type Status struct {
	Sink    string           `json:"sink"`
	State   string           `json:"state"`
	Sources []Source         `json:"sources"`
	Spool   SpoolStatus      `json:"spool"`
	Tail    *TailStatus      `json:"tail,omitempty"` // while one runs
	Safe    *deletion.Answer `json:"safe_to_delete,omitempty"`
}

// NewStatus is the empty status of a location.
func NewStatus(at *location.Location) Status {
	return Status{Sink: at.Sink, State: at.State, Sources: []Source{}}
}

// Source is how far a source is.
type Source struct {
	Stream  string    `json:"stream"`
	Version int       `json:"version"`
	Origin  *string   `json:"origin"`
	SID     source.ID `json:"sid"`
	K       uint64    `json:"k"`
	Path    string    `json:"path"`
	Sealed  int64     `json:"sealed"`
	Shipped int64     `json:"shipped"`
	Lag     *int64    `json:"lag"`    // bytes of the file not sealed; null when the file does not tell
	Outbox  int       `json:"outbox"` // batches sealed but not shipped

	// What only a running tail knows.
	Read          *int64   `json:"read,omitempty"`
	BehindSeconds *float64 `json:"behind_seconds,omitempty"` // age of the oldest byte not shipped
	Following     string   `json:"following,omitempty"`      // how: live, copy, undecided, …
}

// SpoolStatus is what lies in the spool.
type SpoolStatus struct {
	Batches int   `json:"batches"`
	Bytes   int64 `json:"bytes"`
}

// Fill adds what ledger and spool of a location hold.
func (r *Status) Fill(at *location.Location, ledger *offsets.Ledger) error {
	keys, err := ledger.All()
	if err != nil {
		return err
	}
	for _, key := range keys {
		src, ok, err := ledger.Get(key)
		if err != nil {
			return err
		}
		if ok {
			r.Sources = append(r.Sources, DescribeSource(key, src))
		}
	}
	entries, err := spool.List(at.Spool())
	if err != nil {
		return err
	}
	for _, e := range entries {
		r.Spool.Batches++
		r.Spool.Bytes += e.Size
	}
	return nil
}

// DescribeSource says how far a source is by the ledger alone.
func DescribeSource(key source.Key, src *offsets.Source) Source {
	out := Source{
		Stream: key.Table.Stream, Version: key.Table.Version, SID: key.ID, K: src.K, Path: src.Path,
		Sealed: src.Sealed.Offset, Shipped: src.Shipped, Lag: lagOf(src), Outbox: len(src.Outbox),
	}
	if key.Origin != "" {
		out.Origin = &key.Origin
	}
	return out
}

// lagOf is how many bytes of a source's file are not sealed. A compressed file does not tell, nor
// does one that is gone or another now; an object is not asked.
func lagOf(src *offsets.Source) *int64 {
	if input.IsObject(src.Path) {
		return nil
	}
	f, err := files.Open(files.OS(), src.Path)
	if err != nil {
		return nil
	}
	defer f.Close()
	st := f.Stat()
	lag := st.Size - src.Sealed.Offset
	if f.Compressed() || st.Dev != src.File.Dev || st.Inode != src.File.Inode || lag < 0 {
		return nil
	}
	return &lag
}
