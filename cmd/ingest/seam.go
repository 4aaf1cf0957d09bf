package main

import "logseal/ingest/tail"

type (
	tailConfig = tail.TailConfig
	tailFollow = tail.Follow
)

func newTail(cfg tailConfig) tailer { return tail.NewTail(cfg) }
