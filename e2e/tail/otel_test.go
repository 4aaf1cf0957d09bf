package tail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rotations is how the rotation tests of OpenTelemetry's fileconsumer go: three files, three
// rotations of each, 300 lines between two. Nothing waits for the reader here, so copies and
// truncations come at any moment of it.
func rotations(s *site, rotate func(name, to string)) {
	s.start()
	for turn := range 4 {
		for i := range 3 {
			name := fmt.Sprintf("logs/file%d.log", i)
			s.append(name, lines(fmt.Sprintf("file %d turn %d", i, turn), 300)...)
			if turn < 3 {
				rotate(name, fmt.Sprintf("%s.rot%d", name, turn))
			}
		}
	}
	s.settle()
	s.look()
	s.finish()
}

func TestOtel_CopyTruncate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rotations(s, s.copyTruncate)
}

func TestOtel_MoveCreate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rotations(s, s.rename)
}

func TestOtel_MoveFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 3)...)
	s.start()
	s.settle()
	s.rename("logs/a.log", "logs/a.log.1")
	s.look()
	s.finish()
}

func TestOtel_TrackMovedAwayFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 3)...)
	s.start()
	s.settle()
	w := s.writer("logs/a.log")
	defer w.Close()
	s.rename("logs/a.log", "elsewhere/a.log")
	s.look()
	s.say(w, "written after it was moved away")
	s.settle()
	s.finish()
}

// Rows of different files have no order in a table. Each source keeps its own: there is one for the
// rotated file, one for the new file of its name.
func TestOtel_TrackRotatedFilesLogOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before, after := lines("before", 100), lines("after", 100)
	s.append("logs/a.log", before[:50]...)
	s.start()
	s.settle()
	w := s.writer("logs/a.log")
	defer w.Close()
	s.rename("logs/a.log", "logs/a.log.1")
	s.say(w, before[50:]...)
	s.append("logs/a.log", after...)
	s.settle()
	s.finish()
	var have [][]string
	for _, list := range s.sources() {
		have = append(have, list)
	}
	require.ElementsMatch(t, [][]string{before, after}, have)
}

func TestOtel_RotatedOutOfPatternMoveCreate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 3)...)
	s.start()
	s.settle()
	s.freeze() // so that what comes now is unread when the file goes
	s.append("logs/a.log", lines("unread", 3)...)
	s.rename("logs/a.log", "logs/a.old")
	s.append("logs/a.log", lines("new", 3)...)
	s.thaw()
	s.settle()
	s.look()
	s.finish()
}

// The peers lose the tail that only a copy out of the pattern holds. So does this one, since nobody
// has ever seen those bytes: they cannot even be counted.
func TestOtel_RotatedOutOfPatternCopyTruncate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 3)...)
	s.start()
	s.settle()
	s.freeze()
	s.write("logs/a.log", "unread\n")
	s.copyTruncate("logs/a.log", "logs/a.old")
	s.append("logs/a.log", lines("new", 3)...)
	s.thaw()
	s.settle()
	s.look()
	s.finish()
}

func TestOtel_TruncateThenWrite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("old", 3)...)
	s.start()
	s.settle()
	s.truncate("logs/a.log")
	s.append("logs/a.log", "new")
	s.settle()
	s.look()
	s.finish()
}

func TestOtel_CopyTruncateWriteBoth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 3)...)
	s.start()
	s.settle()
	s.copy("logs/a.log", "logs/a.log.1")
	s.append("logs/a.log.1", "to the copy")
	s.truncate("logs/a.log")
	s.append("logs/a.log", "to the original")
	s.settle()
	s.look()
	s.finish()
}

func TestOtel_FileMovedWhileOff_BigFiles(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			long := strings.Repeat("x", 2000)
			s.append("logs/a.log", long+" first", long+" second")
			s.start()
			s.settle()
			end.by(s)
			s.append("logs/a.log", long+" while off")
			s.rename("logs/a.log", "logs/a.log.1")
			s.append("logs/a.log", long+" new one", long+" new two")
			s.start()
			s.settle()
			s.look()
			s.finish()
		})
	}
}

// ends are the ways in which a run of the program ends.
var ends = []struct {
	name string
	by   func(*site)
}{{"stopped", (*site).stop}, {"killed", (*site).kill}}

func TestOtel_RestartOffsets(t *testing.T) {
	t.Parallel()
	for _, startAt := range []string{"beginning", "end"} {
		for name, size := range map[string]int{"short": 4, "long": 2000} {
			t.Run(startAt+"-"+name, func(t *testing.T) {
				t.Parallel()
				restartOffsets(newSite(t, func(c *settings) { c.startAt = startAt }),
					strings.Repeat("x", size))
			})
		}
	}
}

func restartOffsets(s *site, pad string) {
	s.write("logs/a.log", pad+" before\n")
	if s.startAt == "end" {
		s.start()
		s.settleLost("not_wanted")
	} else {
		s.expect(pad + " before")
		s.start()
		s.settle()
	}
	s.append("logs/a.log", pad+" during")
	s.settle()
	s.stop()
	s.append("logs/a.log", pad+" while stopped")
	s.start()
	s.settle()
	s.append("logs/a.log", pad+" after")
	s.settle()
	s.kill()
	s.append("logs/a.log", pad+" while dead")
	s.start()
	s.settle()
	s.look()
	s.finish()
}

// Two files that say the same so far are read as one; once they differ both are read whole.
func TestOtel_DelayedDisambiguation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("same", 3)...)
	s.start()
	s.settle()
	s.write("logs/b.log", strings.Join(lines("same", 3), "\n")+"\n")
	s.look()
	require.Equal(t, 1, s.rows()["same line 0"], "the copy was read while it was one")
	s.expect(lines("same", 3)...)
	s.append("logs/b.log", "only in b")
	s.append("logs/a.log", "only in a")
	s.settle()
	s.look()
	s.finish()
}

func TestOtel_StalePartialFingerprintDiscarded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", "ABCDE")
	s.start()
	s.settle()
	s.remove("logs/a.log")
	s.look()
	s.append("logs/b.log", "ABCDE and more")
	s.settle()
	s.look()
	s.finish()
}

// Neither of two files that begin with the same half line has a first line to be known by.
func TestOtel_NoLostPartial(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("logs/a.log", "half a ")
	s.write("logs/b.log", "half a ")
	s.start()
	s.look()
	s.write("logs/a.log", "line of a\n")
	s.write("logs/b.log", "line of b\n")
	s.expect("half a line of a", "half a line of b")
	s.settle()
	s.look()
	s.finish()
}

// manyFiles are more than some collectors open at once.
const manyFiles = 300

func TestOtel_FileBatching(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start()
	for turn := range 2 {
		for i := range manyFiles {
			s.append(fmt.Sprintf("logs/%d.log", i), fmt.Sprintf("file %d turn %d", i, turn))
		}
		s.settle()
	}
	s.finish()
}

func TestOtel_FileBatchingRespectsStartAtEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.startAt = "end" })
	var reasons []string
	for i := range manyFiles / 3 {
		s.write(fmt.Sprintf("logs/%d.log", i), fmt.Sprintf("file %d\nnot wanted\n", i))
		reasons = append(reasons, "not_wanted")
	}
	s.start()
	s.settleLost(reasons...)
	for i := range manyFiles / 3 {
		s.append(fmt.Sprintf("logs/%d.log", i), fmt.Sprintf("wanted of %d", i))
	}
	s.append("logs/late.log", "a file that came later is wanted whole")
	s.settle()
	s.finish()
}

// The program deletes nothing, but it knows what may go.
func TestOtel_DeleteAfterRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 100)...)
	s.start()
	s.settle()
	s.await(func() (bool, string) { return s.safe("logs/a.log"), "safe to delete" })
	s.remove("logs/a.log")
	s.look()
	s.finish()
}

func TestOtel_DeleteAfterRead_SkipPartials(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 100)...)
	s.write("logs/a.log", "half a line")
	s.start()
	s.settle()
	s.look()
	require.False(t, s.safe("logs/a.log"), "the last line has not ended")
	s.write("logs/a.log", " is whole now\n")
	s.expect("half a line is whole now")
	s.settle()
	s.await(func() (bool, string) { return s.safe("logs/a.log"), "safe to delete" })
	s.finish()
}

// A file is known again whatever it had when it was left, byte by byte.
func TestOtel_FingerprintGrowsByteByByte(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	text := "a\nbc\ndefghi\nj\n"
	s.start()
	for i := range text {
		s.write("logs/a.log", text[i:i+1])
		if text[i] == '\n' {
			s.expect(text[strings.LastIndexByte(text[:i], '\n')+1 : i])
			s.settle()
		}
		s.again(s.kill)
	}
	s.look()
	s.finish()
}

func TestOtel_FingerprintSurvivesConfigChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 100)...)
	s.start()
	s.settle()
	s.stop()
	s.batch = "{max_bytes: 64KiB, max_age: 100ms}"
	s.paths = "[logs/*.log, logs/*.old]"
	s.configure()
	s.rename("logs/a.log", "logs/a.old")
	s.append("logs/a.old", lines("more of a", 100)...)
	s.start()
	s.settle()
	s.look()
	s.finish()
}
