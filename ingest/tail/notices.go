package tail

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"logseal/ingest/commit"
)

// problems are the problems that stand, each said once: when it comes up and when it changes.
type problems struct {
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
func (n *problems) raise(p commit.Problem) { n.raiseAs(p.Path, p) }

// raiseAs notes a problem of what is named.
func (n *problems) raiseAs(name string, p commit.Problem) {
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
func (n *problems) stands(name string, kind commit.Kind) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.by[noticeOf{name, kind}]
	return ok
}

// keep makes these the problems of one finder of files, instead of those it had before.
func (n *problems) keep(finder string, now []commit.Problem) {
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
func (n *problems) keeps(finder string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.kept[finder]) > 0
}

// clear forgets the problems of a path or source: those of some kinds, or all.
func (n *problems) clear(name string, kinds ...commit.Kind) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for of := range n.by {
		if of.of == name && (len(kinds) == 0 || slices.Contains(kinds, of.kind)) {
			delete(n.by, of)
		}
	}
}

func (n *problems) all() []commit.Problem {
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

// backpressure keeps account of how long reading has been held up.
type backpressure struct {
	mu      sync.Mutex
	waiting map[*pause]bool
	total   time.Duration // while at least one waited
	since   time.Time     // since when at least one waits
}

type pause struct {
	why   string
	since time.Time
}

// begin notes that something waits; the func it returns that it does no longer.
func (p *backpressure) begin(why string) (end func()) {
	one := &pause{why, time.Now()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[*pause]bool{}
	}
	if len(p.waiting) == 0 {
		p.since = one.since
	}
	p.waiting[one] = true
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, one)
		if len(p.waiting) == 0 {
			p.total += time.Since(p.since)
		}
	})
}

// pauseShown is how long something waits before that is called a pause.
const pauseShown = 100 * time.Millisecond

// now gives the time paused in all, and why reading is paused now.
func (p *backpressure) now() (total time.Duration, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	total = p.total
	if len(p.waiting) > 0 {
		total += time.Since(p.since)
	}
	for one := range p.waiting {
		if time.Since(one.since) >= pauseShown {
			why = one.why
		}
	}
	return total, why
}

// pausingSpool is a Spool whose waits for room are pauses.
type pausingSpool struct {
	commit.Spool
	paused *backpressure
}

// Reserve implements Spool.
func (s *pausingSpool) Reserve(ctx context.Context, n int64) (release func(), err error) {
	end := s.paused.begin("the spool is full")
	defer end()
	return s.Spool.Reserve(ctx, n)
}

// pulse tells for how long nothing could be sealed or shipped though something was to be: what failed is
// kept by the file or source that it was for, until that succeeds, or is let go. A sink that does not answer
// does not count: to start the program again would not help there.
type pulse struct {
	mu     sync.Mutex // guards what follows
	misses map[any]miss
}

// miss is since when something has failed, and why.
type miss struct {
	since time.Time
	why   string
}

// beat notes that something was sealed or shipped: so can the rest be, as far as the machine goes.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.misses)
}

// miss notes that something could not be done for a file or a source.
func (p *pulse) miss(of any, err error) {
	if mayPass(err) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.misses == nil {
		p.misses = map[any]miss{}
	}
	m, ok := p.misses[of]
	if !ok {
		m.since = time.Now()
	}
	m.why = err.Error()
	p.misses[of] = m
}

// settled notes that there is nothing more to be done for a file or a source, or not for want of anything.
func (p *pulse) settled(of any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.misses, of)
}

// now is since when nothing could be done, and why; the zero time for no such time.
func (p *pulse) now() (since time.Time, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.misses {
		if since.IsZero() || m.since.Before(since) {
			since, why = m.since, m.why
		}
	}
	return since, why
}
