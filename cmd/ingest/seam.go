package main

import (
	"errors"

	"logseal/ingest/pipeline"
)

type (
	tailConfig = pipeline.TailConfig
	follow     = pipeline.Follow
)

// fixedTail cannot be given another config.
type fixedTail struct{ *pipeline.Tail }

func newTail(cfg tailConfig) tailer { return fixedTail{pipeline.NewTail(cfg)} }

func (fixedTail) Reload(tailConfig) error {
	return errors.New("streams cannot change while it runs; start it again")
}
