package deletion

import (
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
)

// waiting returns how much of a file the ledger knows to be on its way to the sink, "" for nothing: then
// the sink has to be asked, which may be away just because of that.
func (j *Judge) waiting(path string, stat files.Stat) (string, error) {
	keys, err := j.Ledger.Waiting()
	if err != nil {
		return "", err
	}
	n := int64(0)
	for _, key := range keys {
		src, ok, err := j.Ledger.Get(key)
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

// hasEnded reports whether a file whose last line is not ended can no longer grow, as far as anybody knows: it
// is compressed, or it is as it was when its last line was taken for a record. Of what it holds the sink is
// to say whether it was taken.
func (j *Judge) hasEnded(f *files.File, path string, places []Place) (bool, error) {
	if f.Compressed() {
		return true, nil
	}
	for _, table := range tablesOf(places) {
		rec, ok, err := j.Ledger.GetFile(table, path)
		if err != nil || ok && unwritten(rec.State, f.Stat()) {
			return err == nil, err
		}
	}
	head, ok, err := f.Head(true)
	if err != nil || !ok {
		return false, err
	}
	for _, x := range places {
		ended, err := j.tookOpenEnd(x, head, f.Stat())
		if ended || err != nil {
			return ended, err
		}
	}
	return false, nil
}

// ordinalsUnknown is after how many ordinals that the ledger does not know the next ones are not looked for:
// those of other writers.
const ordinalsUnknown = 16

// tookOpenEnd reports whether the ledger has a source with this head whose last line was taken for a record
// from a file that nobody has written to since.
func (j *Judge) tookOpenEnd(x Place, head []byte, stat files.Stat) (bool, error) {
	family := identity.NewFamily(x.Table, x.Origin, head)
	for k, missed := uint64(0), 0; missed < ordinalsUnknown; k++ {
		src, ok, err := j.Ledger.Get(family.Key(k))
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

// unwritten reports whether nobody has written to a file since its state was taken. It may have been renamed,
// which changes its ctime.
func unwritten(then offsets.FileState, now files.Stat) bool {
	return then.Dev == now.Dev && then.Inode == now.Inode && then.Size == now.Size &&
		then.MtimeNS == now.MtimeNS && then.Version == now.Version
}
