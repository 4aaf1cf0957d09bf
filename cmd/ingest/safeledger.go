package main

import (
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
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

// hasEnded tells whether a file whose last line is not ended can no longer grow, as far as anybody knows: it
// is compressed, or it is as it was when its last line was taken for a record. Of what it holds the sink is
// to say whether it was taken.
func (s *safety) hasEnded(f *files.File, path string, places []candidate) (bool, error) {
	if f.Compressed() {
		return true, nil
	}
	for _, table := range tablesOf(places) {
		rec, ok, err := s.ledger.GetFile(table, path)
		if err != nil || ok && unwritten(rec.State, f.Stat()) {
			return err == nil, err
		}
	}
	head, ok, err := f.Head(true, nil)
	if err != nil || !ok {
		return false, err
	}
	for _, x := range places {
		ended, err := s.tookOpenEnd(x, head, f.Stat())
		if ended || err != nil {
			return ended, err
		}
	}
	return false, nil
}

// ordinalsUnknown is after how many ordinals that the ledger does not know the next ones are not looked for:
// those of other writers.
const ordinalsUnknown = 16

// tookOpenEnd tells whether the ledger has a source with this head whose last line was taken for a record
// from a file that nobody has written to since.
func (s *safety) tookOpenEnd(x candidate, head []byte, stat files.Stat) (bool, error) {
	for k, missed := uint64(0), 0; missed < ordinalsUnknown; k++ {
		id := source.NewID(x.origin, x.table.Stream, k, head)
		src, ok, err := s.ledger.Get(source.Key{Table: x.table, Origin: x.origin, ID: id})
		switch {
		case err != nil:
			return false, err
		case !ok:
			missed++
			continue
		case src.OpenEnd && unwritten(src.File, stat):
			return true, nil
		}
		missed = 0
	}
	return false, nil
}

// unwritten tells whether nobody has written to a file since its state was taken. It may have been renamed,
// which changes its ctime.
func unwritten(then offsets.FileState, now files.Stat) bool {
	return then.Dev == now.Dev && then.Inode == now.Inode && then.Size == now.Size &&
		then.MtimeNS == now.MtimeNS && then.Version == now.Version
}
