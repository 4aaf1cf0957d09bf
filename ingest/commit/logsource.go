package commit

import (
	"logseal/ingest/source"
)

// LogSource names a source in a log line.
func LogSource(key source.Key) []any {
	return []any{"stream", key.Table.Stream, "sid", key.ID.String()}
}
