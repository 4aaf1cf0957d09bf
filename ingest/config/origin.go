package config

import (
	"fmt"
	"os"
	"slices"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/usage"
)

// Origin is what a user said about who produced the logs: a name, or source.NoOrigin for none, both as keys
// have them. It is empty if the user said nothing.
type Origin string

// OriginNone is the word in a config or a flag for no origin.
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

// Or gives o, or otherwise if o is empty.
func (o Origin) Or(otherwise Origin) Origin {
	if o == "" {
		return otherwise
	}
	return o
}

// Key is the origin as sources have it: empty for none.
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

// NotedOrigin is the origin that a ledger keeps, empty if it keeps none.
func NotedOrigin(l *offsets.Ledger) Origin { return Origin(l.Meta().Origin) }

// Note has a ledger keep the origin, unless the ledger keeps one already: a load may write under another
// origin than the tail that the ledger is for.
func (o Origin) Note(l *offsets.Ledger) error {
	if o == "" || NotedOrigin(l) != "" {
		return nil
	}
	return l.NoteOrigin(string(o))
}

// Of gives the streams with this origin for all files that no origin_path finds an origin for.
func (o Origin) Of(streams []commit.Stream) []commit.Stream {
	streams = slices.Clone(streams)
	for i := range streams {
		streams[i].Origin = o.Key()
	}
	return streams
}

// HostOrigin is the origin of a tail whose user said nothing: the name of the host.
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
