package commit

import (
	"logseal/ingest/files"
)

// SameFile tells two names of one file: hard links, second mounts, symbolic links. What has no inode
// has no second name.
type SameFile struct {
	stream     int
	dev, inode uint64
	path       string
}

func FileOf(in Input, stat files.Stat) SameFile {
	if stat.Inode == 0 {
		return SameFile{stream: in.Stream, path: in.Path}
	}
	return SameFile{stream: in.Stream, dev: stat.Dev, inode: stat.Inode}
}
