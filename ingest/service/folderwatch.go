package service

import (
	"log/slog"

	"logseal/ingest/follow"
)

// folderWatch lets the system tell of changes in folders. That is a hint: without it the tail looks at its
// files all the same, only later. One goroutine uses watch, the tail's.
type folderWatch struct {
	events *follow.Events // nil where the system has none to give
	log    *slog.Logger
	said   string // the last complaint about folders that cannot be watched
}

// watch watches these folders and no other.
func (w *folderWatch) watch(dirs []string) {
	err := w.events.Watch(dirs)
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != "" && said != w.said {
		w.log.Warn("cannot watch every folder; files are scanned every poll_interval",
			"error", err)
	}
	w.said = said
}
