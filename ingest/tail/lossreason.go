package tail

import (
	"errors"
	"fmt"
	"io/fs"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// reasonFor looks at the path where a missing source was last seen: "" says that its file is still
// there and only no longer followed.
func (l *losses) reasonFor(key source.Key, m *missingSource) (table.LossReason, error) {
	if m.reason == table.Truncated {
		return m.reason, nil
	}
	if m.seen.Path == "" {
		return table.Deleted, nil
	}
	f, err := files.Open(l.FS, m.seen.Path)
	var other *files.NotRegularError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &other) || errors.As(err, new(*files.LinkError)) {
		return table.Deleted, nil
	}
	if errors.As(err, new(*files.UnsupportedError)) {
		return l.reasonForOther(m)
	}
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.seen.Path, err)
	}
	defer f.Close()
	stat := f.Stat()
	src, ok, err := l.Ledger.Get(key)
	switch {
	case stat.Dev != m.seen.File.Dev || stat.Inode != m.seen.File.Inode:
		return table.Deleted, nil
	case err != nil:
		return "", err
	case !f.Compressed() && stat.Size < m.seen.Sealed:
		return table.Truncated, nil
	case commit.StateOf(stat) == m.seen.File && (f.Compressed() || !ok):
		return "", nil
	case f.Compressed(), !ok && stat.Size < m.atLeast:
		return table.Truncated, nil
	case !ok:
		return "", nil
	}
	// What was sealed last may have been in memory, and the file another by then.
	same, err := commit.HasSealed(l.ctx, f, src)
	if errors.As(err, new(*files.ShrunkError)) {
		return table.Truncated, nil
	}
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.seen.Path, err)
	}
	if !same {
		return table.Truncated, nil
	}
	return "", nil
}

// reasonForOther is reasonFor where the path has a file that is not read as a log: no source was ever
// read of that, unless it is the very file.
func (l *losses) reasonForOther(m *missingSource) (table.LossReason, error) {
	stat, err := l.FS.Stat(m.seen.Path)
	switch {
	case err != nil:
		return "", fmt.Errorf("look at %s: %w", m.seen.Path, err)
	case stat.Dev != m.seen.File.Dev || stat.Inode != m.seen.File.Inode:
		return table.Deleted, nil
	case commit.StateOf(stat) == m.seen.File:
		return "", nil
	}
	return table.Truncated, nil
}
