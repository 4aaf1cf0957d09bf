package pipeline

import (
	"logseal/ingest/files"
)

// sameFile tells two names of one file: hard links, second mounts, symbolic links. What has no inode
// has no second name.
type sameFile struct {
	stream     int
	dev, inode uint64
	path       string
}

func identify(in Input, stat files.Stat) sameFile {
	if stat.Inode == 0 {
		return sameFile{stream: in.Stream, path: in.Path}
	}
	return sameFile{stream: in.Stream, dev: stat.Dev, inode: stat.Inode}
}
