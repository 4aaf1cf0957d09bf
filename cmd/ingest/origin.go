package main

import (
	"fmt"
	"os"
	"slices"

	"logseal/ingest/offsets"
	"logseal/ingest/pipeline"
	"logseal/ingest/source"
	"logseal/ingest/usage"
)

// origin is what was said of who produced the logs: a name, or source.NoOrigin for none, both as they
// stand in keys. Empty when nothing was said.
type origin string

// originNone is the word for no origin.
const originNone = "none"

func parseOrigin(s string) (origin, error) {
	if s == originNone {
		return source.NoOrigin, nil
	}
	return origin(s), source.CheckName(s)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *origin) UnmarshalText(b []byte) (err error) {
	*o, err = parseOrigin(string(b))
	return err
}

// or is o, or where nothing was said what otherwise is.
func (o origin) or(otherwise origin) origin {
	if o == "" {
		return otherwise
	}
	return o
}

// key is the origin of sources, empty for none or when nothing was said.
func (o origin) key() string {
	if o == source.NoOrigin {
		return ""
	}
	return string(o)
}

// String is the word for it.
func (o origin) String() string {
	if o == source.NoOrigin {
		return originNone
	}
	return string(o)
}

// optional is the origin as JSON has it: null for none.
func (o origin) optional() *string {
	if key := o.key(); key != "" {
		return &key
	}
	return nil
}

// notedOrigin is what a ledger keeps.
func notedOrigin(l *offsets.Ledger) origin { return origin(l.Meta().Origin) }

// note lets a ledger keep what was said. What it keeps already stays: a load may write under another
// origin than the tail that the ledger is for.
func (o origin) note(l *offsets.Ledger) error {
	if o == "" || notedOrigin(l) != "" {
		return nil
	}
	return l.NoteOrigin(string(o))
}

// of gives streams whose files without an origin_path are of it.
func (o origin) of(streams []pipeline.Stream) []pipeline.Stream {
	streams = slices.Clone(streams)
	for i := range streams {
		streams[i].Origin = o.key()
	}
	return streams
}

// hostOrigin is the origin of a tail that is told none.
func hostOrigin() (origin, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("ask for the host's name: %w", err)
	}
	if err := source.CheckName(host); err != nil {
		return "", usage.Errorf("the host's name is no origin: %w; set `origin:` in the config", err)
	}
	return origin(host), nil
}
