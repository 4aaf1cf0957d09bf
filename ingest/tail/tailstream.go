package tail

import (
	"sync/atomic"

	"logseal/ingest/commit"
)

// tailStream is how the files of one table are followed and read.
type tailStream struct {
	*commit.Stream
	Follow
}

func tailStreams(cfg TailConfig) (all []*tailStream) {
	for i := range cfg.Streams {
		all = append(all, &tailStream{&cfg.Streams[i], cfg.Follow[i]})
	}
	return all
}

// streamRef is a table's stream through reloads.
type streamRef struct {
	atomic.Pointer[tailStream]
	removed atomic.Bool // the config no longer has it
	looked  bool        // its files were found once; guarded by Tail.mu
}

func newStreamRef(s *tailStream) *streamRef {
	ref := &streamRef{}
	ref.Store(s)
	return ref
}
