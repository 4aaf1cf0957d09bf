package main

import "logseal/ingest/pipeline"

type (
	tailConfig = pipeline.TailConfig
	tailFollow = pipeline.Follow
)

func newTail(cfg tailConfig) tailer { return pipeline.NewTail(cfg) }
