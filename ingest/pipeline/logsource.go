package pipeline

import (
	"logseal/ingest/source"
)

// logSource names a source in a log line.
func logSource(key source.Key) []any {
	return []any{"stream", key.Table.Stream, "sid", key.ID.String()}
}
