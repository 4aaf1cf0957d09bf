package main

import (
	"fmt"

	"logseal/ingest/files"
)

// waiting returns how much of a file the ledger knows to be on its way to the sink, "" for nothing: then
// the sink has to be asked, which may be away just because of that.
func (s *safety) waiting(path string, stat files.Stat) (string, error) {
	keys, err := s.ledger.Waiting()
	if err != nil {
		return "", err
	}
	n := int64(0)
	for _, key := range keys {
		src, ok, err := s.ledger.Get(key)
		if err != nil {
			return "", err
		}
		if ok && src.Path == path && src.File.Dev == stat.Dev && src.File.Inode == stat.Inode {
			n += src.Sealed.Offset - src.Shipped
		}
	}
	if n == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d bytes of it are sealed and not in the sink yet", n), nil
}
