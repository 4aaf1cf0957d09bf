package tail

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"

	"logseal/ingest/commit"
)

// notices are the problems that stand, each said once: when it comes up and when it changes.
type notices struct {
	log *slog.Logger

	mu   sync.Mutex
	by   map[noticeOf]commit.Problem
	kept map[string][]commit.Problem // see keep
}

// noticeOf tells notices apart: by a path or a source, and what it is about.
type noticeOf struct {
	of   string
	kind commit.Kind
}

// raise notes a problem of a path.
func (n *notices) raise(p commit.Problem) { n.raiseAs(p.Path, p) }

// raiseAs notes a problem of what is named.
func (n *notices) raiseAs(name string, p commit.Problem) {
	n.mu.Lock()
	defer n.mu.Unlock()
	of := noticeOf{name, p.Kind}
	if n.by == nil {
		n.by = map[noticeOf]commit.Problem{}
	}
	if n.by[of] == p {
		return
	}
	n.by[of] = p
	n.log.Warn(p.Message, "kind", string(p.Kind), "path", p.Path)
}

// stands reports whether a path or source has a problem of a kind.
func (n *notices) stands(name string, kind commit.Kind) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.by[noticeOf{name, kind}]
	return ok
}

// keep makes these the problems of one finder of files, instead of those it had before.
func (n *notices) keep(finder string, now []commit.Problem) {
	n.mu.Lock()
	before := n.kept[finder]
	if n.kept == nil {
		n.kept = map[string][]commit.Problem{}
	}
	n.kept[finder] = now
	for _, p := range before {
		if !slices.Contains(now, p) {
			delete(n.by, noticeOf{p.Path, p.Kind})
		}
	}
	n.mu.Unlock()
	for _, p := range now {
		n.raise(p)
	}
}

// keeps reports whether a finder has problems that stand.
func (n *notices) keeps(finder string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.kept[finder]) > 0
}

// clear forgets the problems of a path or source: those of some kinds, or all.
func (n *notices) clear(name string, kinds ...commit.Kind) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for of := range n.by {
		if of.of == name && (len(kinds) == 0 || slices.Contains(kinds, of.kind)) {
			delete(n.by, of)
		}
	}
}

func (n *notices) all() []commit.Problem {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]commit.Problem, 0, len(n.by))
	for _, p := range n.by {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b commit.Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}
