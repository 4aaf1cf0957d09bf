package commit

import (
	"sync"

	"logseal/ingest/source"
)

// pending holds why sources could not ship what waits, until their files turn up.
type pending struct {
	mu sync.Mutex
	by map[source.Key]Problem
}

func (p *pending) set(key source.Key, problem Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[source.Key]Problem{}
	}
	p.by[key] = problem
}

func (p *pending) Clear(key source.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, key)
}

func (p *pending) All() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Problem
	for _, problem := range p.by {
		all = append(all, problem)
	}
	return all
}
