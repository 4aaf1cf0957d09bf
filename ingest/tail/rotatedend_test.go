package tail

import (
	"io/fs"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
)

// A writer was killed within a line, and its log was rotated: what is there of the line is a record. Should
// it go on after all, the rest of the line is a reject and no row.
func TestTail_LastLineOfARotatedFile(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\nhalf"))
		p.start()
		p.pass(30 * time.Minute)
		p.wantLines("a1") // its writer may be slow
		p.fs.Rename("/logs/a", "/logs/old")
		p.pass(30 * time.Minute)
		p.wantLines("a1", "half")
		require.Zero(t, p.tail.Status().OldestUnshipped)

		p.fs.Append("/logs/old", []byte(" a line\na3\n"))
		p.pass(time.Minute)
		p.wantLines("a1", "half", " a line", "a3")
		for _, x := range p.tail.Status().Streams {
			require.Equal(t, map[parse.Reason]int64{parse.NoMatch: 1, parse.Continued: 1}, x.Rejects)
		}
	})
}

// The rotation was before the tail's start, or between two runs.
func TestTail_LastLineOfAFileRotatedBefore(t *testing.T) {
	for name, c := range map[string]struct {
		before, now string // where the file is at the first and at the second start
		successor   string
		ended       bool
	}{
		"by its number":           {"/logs/a.log.1", "/logs/a.log.1", "/logs/a.log", true},
		"by its day":              {"/logs/a.log-20240115", "/logs/a.log-20240115", "/logs/a.log", true},
		"between two runs":        {"/logs/a.log", "/logs/old", "/logs/a.log", true},
		"nobody took its place":   {"/logs/a.log", "/logs/old", "/logs/b.log", false},
		"a number of a name":      {"/logs/a.log.1", "/logs/a.log.1", "/logs/b.log", false},
		"another log, with a dot": {"/logs/a.log.err", "/logs/a.log.err", "/logs/a.log", false},
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				p.fs.Write(c.before, []byte("a1\nhalf"))
				if c.before == c.now {
					p.fs.Write(c.successor, []byte("b1\n"))
				}
				p.start()
				p.pass(10 * time.Second)
				p.finish()
				if c.before != c.now {
					p.fs.Rename(c.before, c.now)
					p.fs.Write(c.successor, []byte("b1\n"))
				}
				p.start()
				p.pass(30 * time.Minute)
				if c.ended {
					p.wantLines("a1", "b1", "half")
				} else {
					p.wantLines("a1", "b1")
				}
			})
		})
	}
}

// A program keeps half a line in its buffer for long, and writes the rest when it is told that its log was
// rotated.
func TestTail_RenamedBeforeItsWriterFlushes(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\na2"))
		p.start()
		p.pass(10 * time.Minute)
		p.fs.Rename("/logs/a", "/logs/a.1")
		p.fs.Write("/logs/a", nil)
		p.pass(30 * time.Second)
		p.fs.Append("/logs/a.1", []byte("2\n"))
		p.pass(time.Minute)
		p.wantLines("a1", "a22")
	})
}

// A new log has the inode of an archive that was read and is gone: it was not renamed.
func TestTail_NewLogWithTheInodeOfAnArchive(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a.7.gz", filestest.Gzip([]byte("a1\n")))
		p.start()
		p.pass(10 * time.Minute)
		p.fs.Rename("/logs/a.7.gz", "/logs/a")
		p.fs.Overwrite("/logs/a", []byte("b1\nb2"))
		p.pass(10 * time.Minute)
		p.wantLines("a1", "b1")
		p.fs.Append("/logs/a", []byte("2\n"))
		p.pass(time.Minute)
		p.wantLines("a1", "b1", "b22")
	})
}

// A log was copied and truncated within a line, and the copy cannot be opened for a while: the line is whole
// when it can.
func TestTail_CopyThatCannotBeOpenedYet(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var broken atomic.Bool
		p.fs.SetFault(func(op filestest.Op, path string, _ int64) error {
			if broken.Load() && op == filestest.OpOpen && path == "/logs/a.1" {
				return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
			}
			return nil
		})
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\na2"))
		p.start()
		p.pass(10 * time.Second)
		broken.Store(true)
		p.fs.Write("/logs/a.1", []byte("a1\na22\n"))
		p.fs.Truncate("/logs/a", 0)
		p.pass(5 * time.Minute)
		broken.Store(false)
		p.pass(5 * time.Minute)
		p.wantLines("a1", "a22")
	})
}

// A copy was read before the log itself was found. That the copy is still there says nothing of the log.
func TestTail_LastLineOfALogThatWasCopied(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/copy", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/a", []byte("a1\na2"))
		p.pass(30 * time.Minute)
		p.wantLines("a1")
		p.fs.Append("/logs/a", []byte("2\n"))
		p.pass(time.Minute)
		p.wantLines("a1", "a22")
	})
}
