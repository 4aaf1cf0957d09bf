package config

import (
	"fmt"
	"os"
	"slices"

	"logseal/ingest/offsets"
	"logseal/ingest/pipeline"
	"logseal/ingest/source"
	"logseal/ingest/usage"
)

// Origin is what was said of who produced the logs: a name, or source.NoOrigin for none, both as they
// stand in keys. Empty when nothing was said.
type Origin string

// OriginNone is the word for no origin.
const OriginNone = "none"

func parseOrigin(s string) (Origin, error) {
	if s == OriginNone {
		return source.NoOrigin, nil
	}
	return Origin(s), source.CheckName(s)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Origin) UnmarshalText(b []byte) (err error) {
	*o, err = parseOrigin(string(b))
	return err
}

// Or is o, or where nothing was said what otherwise is.
func (o Origin) Or(otherwise Origin) Origin {
	if o == "" {
		return otherwise
	}
	return o
}

// Key is the origin of sources, empty for none or when nothing was said.
func (o Origin) Key() string {
	if o == source.NoOrigin {
		return ""
	}
	return string(o)
}

// String is the word for it.
func (o Origin) String() string {
	if o == source.NoOrigin {
		return OriginNone
	}
	return string(o)
}

// Optional is the origin as JSON has it: null for none.
func (o Origin) Optional() *string {
	if key := o.Key(); key != "" {
		return &key
	}
	return nil
}

// NotedOrigin is what a ledger keeps.
func NotedOrigin(l *offsets.Ledger) Origin { return Origin(l.Meta().Origin) }

// Note lets a ledger keep what was said. What it keeps already stays: a load may write under another
// origin than the tail that the ledger is for.
func (o Origin) Note(l *offsets.Ledger) error {
	if o == "" || NotedOrigin(l) != "" {
		return nil
	}
	return l.NoteOrigin(string(o))
}

// Of gives streams whose files without an origin_path are of it.
func (o Origin) Of(streams []pipeline.Stream) []pipeline.Stream {
	streams = slices.Clone(streams)
	for i := range streams {
		streams[i].Origin = o.Key()
	}
	return streams
}

// HostOrigin is the origin of a tail that is told none.
func HostOrigin() (Origin, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("ask for the host's name: %w", err)
	}
	if err := source.CheckName(host); err != nil {
		return "", usage.Errorf("the host's name is no origin: %w; set `origin:` in the config", err)
	}
	return Origin(host), nil
}
