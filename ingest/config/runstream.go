package config

import (
	"cmp"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/parse"
)

// LoadStream makes the stream that a load runs. onExceed is the flag, which wins over the config.
func (s *Stream) LoadStream(onExceed string) (*commit.Stream, error) {
	epoch := s.Epoch()
	if err := epoch.Validate(); err != nil {
		return nil, err
	}
	p, err := parse.New(s.Parser)
	if err != nil {
		return nil, err
	}
	stream := &commit.Stream{
		Epoch: epoch, Parser: p, OriginPath: s.OriginPath,
		MaxBytes: s.Batch.MaxBytes, MaxPartitions: s.Batch.MaxPartitions,
		Rejects: commit.RejectLimit{
			MaxRatio: s.Rejects.MaxRatio, MinRecords: s.Rejects.MinRecords,
			Halt: cmp.Or(onExceed, s.Rejects.OnExceed, onExceedHalt) == onExceedHalt,
		},
	}
	if stream.MaxBytes == 0 {
		stream.MaxBytes = loadBatchBytes
	}
	return stream, nil
}

// TailStream makes the stream that a tail runs.
func (s *Stream) TailStream() (*commit.Stream, error) {
	stream, err := s.LoadStream(cmp.Or(s.Rejects.OnExceed, onExceedQuarantine))
	if err == nil && s.Batch.MaxBytes == 0 {
		stream.MaxBytes = TailBatchBytes
	}
	return stream, err
}

// MaxAge is how long a tail lets a byte wait between reading and sealing it.
func (s *Stream) MaxAge() time.Duration {
	if s.Batch.MaxAge == 0 {
		return tailMaxAge
	}
	return s.Batch.MaxAge
}
