package commit

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"regexp"

	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Config is all that a run needs.
type Config struct {
	Store  sink.Store
	Ledger Ledger
	Spool  Spool
	FS     files.FS

	Streams []Stream
	Inputs  []Input
	Host    string // this machine's name, for what a store keeps beside an object
	Program string // the program's version, for notes on sources
	Shard   Shard
	Assume  Assume
	Whole   bool // take a compressed file for whole that has something else after its end
	Rehash  bool // prove every file again, also those whose stat has not changed
	Workers int  // how many sources are cut at once; 0 is one a CPU

	// Progress is called with each chunk's bytes as they are parsed; nil for none. It may be called
	// concurrently.
	Progress func(bytes int64)
	Log      *slog.Logger // nil for none
}

// Stream is how the files of one table are read.
type Stream struct {
	Epoch         *table.Epoch
	Parser        *parse.Parser // of Epoch's definition
	MaxBytes      int64         // a batch's size in bytes; 0 is no limit
	MaxPartitions int           // how many partitions a batch may spread over
	Rejects       RejectLimit
	OriginPath    *regexp.Regexp // its first group, or the whole match, is the origin; nil for none
	Origin        string         // of files without an OriginPath; empty for none
}

// Table is the table the stream writes to.
func (s *Stream) Table() source.Table {
	return source.Table{Stream: s.Epoch.Stream, Version: s.Epoch.Version}
}

// Input is one file for one stream.
type Input struct {
	Stream int // index into Config.Streams
	Path   string
}

// Shard is one of several parts that the inputs are split into, so that machines which share nothing
// can load one heap of files. Files that begin alike are of one part, so each file is told from
// the others as if all were loaded at once. The zero value is all of them.
type Shard struct {
	Index int // from 0
	Count int
}

// Holds reports whether files whose least key is key are of the shard.
func (s Shard) Holds(key source.Key) bool {
	return s.Count <= 1 || int(binary.BigEndian.Uint64(key.ID[:])%uint64(s.Count)) == s.Index
}

// Assume decides files that agree with a source as far as they go but end before what is
// committed of it.
type Assume uint8

const (
	// AssumeNothing names them and leaves them unread.
	AssumeNothing Assume = iota
	// AssumeCopy takes them for copies: they count as duplicates.
	AssumeCopy
	// AssumeNew takes them for sources of their own and reads them whole.
	AssumeNew
)

// SameFile tells two names of one file: hard links, second mounts, symbolic links. What has no inode
// has no second name.
type SameFile struct {
	stream     int
	dev, inode uint64
	path       string
}

// FileOf tells which file an input is, whatever its name.
func FileOf(in Input, stat files.Stat) SameFile {
	if stat.Inode == 0 {
		return SameFile{stream: in.Stream, path: in.Path}
	}
	return SameFile{stream: in.Stream, dev: stat.Dev, inode: stat.Inode}
}

// OriginOf takes the origin from a file's path, else it is the stream's.
func (s *Stream) OriginOf(path string) (string, error) {
	if s.OriginPath == nil {
		return s.Origin, nil
	}
	m := s.OriginPath.FindStringSubmatch(path)
	if m == nil {
		return "", fmt.Errorf("the stream's origin_path %q does not match its path; it was left alone: "+
			"let origin_path match it, or leave it out with `exclude`", s.OriginPath)
	}
	origin := m[min(1, len(m)-1)]
	if err := source.CheckName(origin); err != nil {
		return "", fmt.Errorf("the stream's origin_path %q finds no origin in its path: %w; it was left "+
			"alone: let origin_path match another part, or leave it out with `exclude`", s.OriginPath, err)
	}
	return origin, nil
}
