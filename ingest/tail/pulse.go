package tail

import (
	"sync"
	"time"
)

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
