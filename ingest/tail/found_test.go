package tail

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/spool"
)

// losing is a pond whose sink does not answer while down says so, so that what is sealed stays in the
// spool.
type losing struct {
	*pond
	down atomic.Bool
}

func newLosing(p *pond) *losing {
	l := &losing{pond: p}
	p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: downStore{s, &l.down, nil}} }
	return l
}

// sealEach seals each text of a log as a batch of its own, none of which can be shipped.
func (l *losing) sealEach(texts ...string) {
	l.down.Store(true)
	for _, text := range texts {
		l.fs.Append("/logs/a", []byte(text))
		l.pass(6 * time.Minute)
	}
}

// loseSpool kills the tail and removes batches from the spool, and the log. It gives back what that
// held.
func (l *losing) loseSpool(lost func(i int) bool) []byte {
	l.t.Helper()
	body := l.fs.Bytes("/logs/a")
	l.kill()
	dir := filepath.Join(l.dir, "state", "spool")
	entries, err := spool.List(dir)
	require.NoError(l.t, err)
	for i, e := range entries {
		if lost(i) {
			require.NoError(l.t, os.RemoveAll(filepath.Join(dir, e.Name)))
		}
	}
	l.fs.Remove("/logs/a")
	l.down.Store(false)
	return body
}

func everyOne(int) bool { return true }

// Of what was sealed the spool has lost a batch in the middle: the others ship, and it is taken back
// when its file turns up, be it in another form.
func TestTail_LosesABatchAndFindsItAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		file string
		body func([]byte) []byte
	}{
		{"as it was", "/logs/a", func(b []byte) []byte { return b }},
		{"renamed and longer", "/logs/a.1", func(b []byte) []byte { return append(b, "a5\n"...) }},
		{"compressed", "/logs/a.1.gz", func(b []byte) []byte { return filestest.Gzip(b) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				l := newLosing(p)
				p.fs.Write("/logs/a", nil)
				p.start()
				l.sealEach("a1\n", "a2\nA2\n", "a3\n", "a4\n")
				body := l.loseSpool(func(i int) bool { return i == 1 || i == 2 })
				p.start()
				p.pass(10 * time.Minute)
				p.wantLines("a1", "a4")
				require.Equal(t, []string{"lost deleted", "lost deleted"}, p.losses())
				require.Len(t, p.verify().Lost, 2)

				p.fs.Write(c.file, c.body(body))
				p.pass(10 * time.Minute)
				want := []string{"A2", "a1", "a2", "a3", "a4"}
				if c.name == "renamed and longer" {
					want = append(want, "a5")
				}
				p.wantLines(want...)
				require.Empty(t, p.verify().Lost)
				p.finish()
				require.Empty(t, p.inSpool())
				p.start()
				p.pass(10 * time.Minute)
				p.wantLines(want...)
			})
		})
	}
}

// inSpool gives the names of what is in the spool.
func (p *pond) inSpool() (names []string) {
	entries, err := spool.List(filepath.Join(p.dir, "state", "spool"))
	require.NoError(p.t, err)
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// mortalPut dies in the n-th put: before it, or after.
type mortalPut struct {
	sink.Store
	left  *atomic.Int64
	after bool
	die   func()
}

func (s mortalPut) Put(ctx context.Context, o sink.Object) error {
	if s.left.Add(-1) != 0 {
		return s.Store.Put(ctx, o)
	}
	if s.after {
		if err := s.Store.Put(ctx, o); err != nil {
			return err
		}
	}
	s.die()
	return errKilled
}

func TestTail_DiesWhileItTakesALossBack(t *testing.T) {
	landed := 0
	for n := int64(1); n <= 6; n++ {
		for _, after := range []bool{false, true} {
			inPond(t, func(t *testing.T, p *pond) {
				l := newLosing(p)
				p.fs.Write("/logs/a", []byte("a1\n"))
				p.start()
				p.pass(6 * time.Minute)
				l.sealEach("a2\nA2\n", "a3\n")
				body := l.loseSpool(everyOne)
				p.start()
				p.pass(10 * time.Minute)
				p.wantLines("a1")
				p.finish()

				var left atomic.Int64
				left.Store(n)
				p.store = func(s sink.Store) sink.Store {
					return mortalPut{s, &left, after, func() { p.dead.Store(true) }}
				}
				p.fs.Write("/logs/b", body)
				p.start()
				p.pass(10 * time.Minute)
				if left.Load() <= 0 {
					landed++
				}
				p.kill()
				p.store = nil
				p.start()
				p.pass(10 * time.Minute)
				p.wantLines("A2", "a1", "a2", "a3")
				require.Empty(t, p.verify().Lost)
				p.finish()
				require.Empty(t, p.inSpool())
			})
		}
	}
	require.Greater(t, landed, 6, "few died")
}

// A tail that has lost its ledger fills it from the sink, losses included, and takes them back.
func TestTail_TakesALossBackThatAnotherDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.sealEach("a2\n")
		body := l.loseSpool(everyOne)
		p.start()
		p.pass(10 * time.Minute)
		p.finish()
		p.forgetState()
		p.fs.Write("/logs/a", append(body, "a3\n"...))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.verify().Lost)
	})
}

// A lost range that ends in half a line, and one that begins in a record whose parts came one by one.
func TestTail_TakesBackWhatBeginsOrEndsWithinARecord(t *testing.T) {
	t.Run("half a line", func(t *testing.T) {
		inPond(t, func(t *testing.T, p *pond) {
			l := newLosing(p)
			p.fs.Write("/logs/a", []byte("a1\n"))
			p.start()
			p.pass(6 * time.Minute)
			l.down.Store(true)
			p.fs.Append("/logs/a", []byte("a2\na"))
			p.fs.Rename("/logs/a", "/elsewhere")
			p.pass(30 * time.Minute) // nobody writes to it any more: the half line is sealed
			body := p.fs.Bytes("/elsewhere")
			p.fs.Write("/logs/a", nil)
			l.loseSpool(everyOne)
			p.fs.Remove("/elsewhere")
			p.start()
			p.pass(10 * time.Minute)
			p.wantLines("a1")
			require.Equal(t, []string{"lost deleted", "lost deleted"}, p.losses())
			p.fs.Write("/logs/b", append(body, "3\na4\n"...))
			p.pass(10 * time.Minute)
			// The halves are rejects, as if nothing had been lost.
			p.wantLines("3", "a", "a1", "a2", "a4")
			require.Empty(t, p.verify().Lost)
		})
	})
	t.Run("parts of a record", func(t *testing.T) {
		inPond(t, func(t *testing.T, p *pond) {
			l := newLosing(p)
			p.framed = parse.CRI
			p.fs.Write("/logs/a", nil)
			p.start()
			l.sealEach(criFull+"a1\n"+criPart+"a\n", criFull+"b2\n"+criPart+"c\n", criFull+"d4\n",
				criFull+"e5\n") // each part has waited long enough when the next comes
			body := l.loseSpool(everyOne)
			p.start()
			p.pass(10 * time.Minute)
			p.wantLines()
			require.Greater(t, len(p.losses()), 2)
			p.fs.Write("/logs/b", body)
			p.pass(10 * time.Minute)
			// As if nothing had been lost: d4 is the rest of what ended with c.
			p.wantLines("a1", criPart+"a\n"+criFull+"b2", criPart+"c", criFull+"d4", "e5")
			require.Empty(t, p.verify().Lost)
		})
	})
}

// What was found keeps its objects when a batch of just these bytes turns up in the spool again.
func TestTail_OvertakenByWhatWasFound(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.sealEach("a2\n")
		saved := filepath.Join(t.TempDir(), "saved")
		dir := filepath.Join(p.dir, "state", "spool")
		require.NoError(t, os.CopyFS(saved, os.DirFS(dir)))
		body := l.loseSpool(everyOne)
		p.start()
		p.pass(10 * time.Minute)
		p.fs.Write("/logs/b", body)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		p.finish()
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.CopyFS(dir, os.DirFS(saved)))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		require.Empty(t, p.inSpool())
	})
}

// A batch in the spool takes back the loss of its bytes also when no file is there.
func TestTail_TakesALossBackFromTheSpool(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		l.sealEach("a2\n")
		dir := filepath.Join(p.dir, "state", "spool")
		saved := filepath.Join(t.TempDir(), "saved")
		require.NoError(t, os.CopyFS(saved, os.DirFS(dir)))
		l.loseSpool(everyOne)
		p.start()
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"lost deleted"}, p.losses())
		p.finish()
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.CopyFS(dir, os.DirFS(saved)))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		require.Empty(t, p.verify().Lost)
		p.finish()
		require.Empty(t, p.inSpool())
	})
}

// What was not wanted is not taken back.
func TestTail_WhatIsNotWantedStaysSo(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(6 * time.Minute)
		p.finish()
		p.forgetState()
		p.cfg.Follow[0].StartAtEnd = false
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a2", "a3")
		require.Equal(t, []string{"lost not_wanted"}, p.losses())
	})
}
