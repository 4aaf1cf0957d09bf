package archive

import (
	"fmt"
	"io"
	"path"
	"strings"

	"logseal/ingest/files"
)

// membersMost bounds the members of one archive, as a look is bounded for a folder.
const membersMost = 250_000

// directory is what an archive holds.
type directory struct {
	kind    *kind
	of      files.Stat // of the archive that was listed
	names   []string
	members map[string]*member
	next    map[string]int // by name: the number of the next member of that name
	fault   error          // why not all of it could be listed
}

// kind is a kind of archive: with its article, and what unpacks one.
type kind struct{ what, do string }

var (
	aZip = &kind{"a zip archive", "unzip ARCHIVE"}
	aTar = &kind{"a tar archive", "tar -xf ARCHIVE"}
)

// list lists an archive; nil for a file that is none.
func list(path string, h files.Handle, stat files.Stat) (*directory, error) {
	first := make([]byte, min(stat.Size, firstBytes))
	if _, err := h.ReadAt(first, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read %s at 0: %w", path, err)
	}
	d := &directory{of: stat, members: map[string]*member{}, next: map[string]int{}}
	watched := &watched{ReaderAt: h}
	var err error
	switch {
	case files.IsZip(first):
		d.kind, err = aZip, d.listZip(watched, stat.Size)
	case files.IsTar(first):
		d.kind, err = aTar, d.listTar(watched, stat.Size)
	default:
		return nil, nil
	}
	if watched.err != nil {
		return nil, fmt.Errorf("list %s: %w", path, watched.err)
	}
	for _, m := range d.members {
		m.in = d.kind
	}
	if err != nil {
		d.fault = &DamagedError{Path: path, What: d.kind.what, Err: err}
	}
	return d, nil
}

// watched keeps why an archive could not be read: that says nothing about the archive.
type watched struct {
	io.ReaderAt
	err error
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// firstBytes tell whether a file is an archive.
const firstBytes = 512

// add takes a member in. Its name is made a path below the archive, as those do that unpack one.
func (d *directory) add(name string, m *member) error {
	if len(d.names) >= membersMost {
		return fmt.Errorf("it has more than %d members", membersMost)
	}
	name = strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, "\x00", "")), "/")
	if name == "" {
		name = "-"
	}
	given := name
	for d.members[name] != nil {
		d.next[given] = max(2, d.next[given]+1)
		name = fmt.Sprintf("%s#%d", given, d.next[given])
	}
	if m.trouble == nil && (m.length < 0 || m.offset > d.of.Size || m.length > d.of.Size-m.offset) {
		m.trouble = cutOff
	}
	d.names = append(d.names, name)
	d.members[name] = m
	return nil
}
