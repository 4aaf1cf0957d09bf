package tail

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/table"
)

// twins gives the paths of the files that stand as twins.
func (p *pond) twins() (paths []string) {
	for _, x := range p.tail.Status().Problems {
		if x.Kind == commit.Twin {
			paths = append(paths, x.Path)
		}
	}
	return paths
}

func TestTail_TellsOfATwin(t *testing.T) {
	long := "h1\n" + filestest.Lines("a1", 300)
	for name, c := range map[string]struct {
		theirs, ours string
		twin         bool
	}{
		"the same":             {long, long, true},
		"it has grown":         {long[:600], long, true},
		"less":                 {long, long[:600], false}, // it is not known to end there
		"another":              {"h1\n" + filestest.Lines("b1", 300), long, false},
		"another, and shorter": {"h1\n" + filestest.Lines("b1", 100), long, false},
		"too little to say":    {"h1\n" + filestest.Lines("a1", 10), "h1\n" + filestest.Lines("a1", 10), false},
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				p.loaded(c.theirs)
				p.cfg.Follow[0].Unsaid = false
				p.cfg.Follow[0].MaxAge = 10 * time.Second
				p.fs.Write("/logs/a", []byte(c.ours))
				p.start()
				p.pass(time.Minute)
				if c.twin {
					require.Equal(t, []string{"/logs/a"}, p.twins())
				} else {
					require.Empty(t, p.twins())
				}
				// It is read all the same.
				p.finish()
				require.Len(t, p.lines(), len(c.theirs)/3+len(c.ours)/3)
			})
		})
	}
}

// What nobody wanted is nobody's twin.
func TestTail_WhatNobodyWantedHasNoTwin(t *testing.T) {
	long := "h1\n" + filestest.Lines("a1", 300)
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.loaded(long)
		require.Equal(t, []string{"lost not_wanted"}, p.losses())
		p.cfg.Follow[0].StartAtEnd, p.cfg.Follow[0].Unsaid = false, false
		p.start()
		p.pass(10 * time.Minute)
		require.Empty(t, p.twins())
		p.fs.Append("/logs/a", []byte("b1\n"))
		p.pass(10 * time.Minute)
		p.finish()
		require.Len(t, p.lines(), 302)
		notes := 0
		for _, key := range p.sink.Keys() {
			if k, err := table.ParseKey(key); err == nil && k.Kind == table.SourceKind {
				notes++
			}
		}
		require.Equal(t, 2, notes)
	})
}
