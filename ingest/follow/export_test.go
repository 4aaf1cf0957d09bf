package follow

import "logseal/ingest/files"

// Handle is the handle that a Snapshot of a plain file reads from.
func (f *File) Handle(end int64) (files.Handle, error) {
	st, err := f.lookUpTo(end)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	st.Size = end
	return f.handleOf(st), nil
}
