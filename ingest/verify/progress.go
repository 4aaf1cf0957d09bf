package verify

// Progress is how far a run is, in objects under data/ and quarantine/.
type Progress struct {
	Objects, Bytes int64 // listed so far
	Listed         bool  // these are all
	Done, DoneSize int64 // of these, dealt with: objects and their bytes
}

// advance changes the progress and tells it.
func (v *verifier) advance(change func(p *Progress)) {
	if v.Progress == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.progress)
	v.Progress(v.progress)
}

// done counts an object that was listed, once nothing of it is left to look at.
func (v *verifier) done(size int64) {
	v.advance(func(p *Progress) {
		p.Done++
		p.DoneSize += size
	})
}
