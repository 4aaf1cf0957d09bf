package follow

import "logseal/ingest/files"

// Taken is the end of the bytes that are proved to be of one incarnation.
func (f *File) Taken() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known.at
}

// Held is how many bytes of memory the bytes cost that were taken and not released.
func (f *File) Held() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sealed == f.known.at {
		return 0
	}
	return f.held.cost()
}

// Release lets go of the bytes before upTo, which are sealed. A few stay, for a Reader that goes on at
// upTo: files.MarkerSize while bytes follow, else as many as a chain is resumed with.
func (f *File) Release(upTo int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	upTo = min(upTo, f.known.at)
	if upTo <= f.sealed {
		return
	}
	f.sealed = upTo
	if upTo == f.known.at {
		f.holdTail()
		return
	}
	f.held.forget(max(0, upTo-files.MarkerSize))
}

// Forget goes back to the offset of the last Release: the bytes after it leave the memory, and Read takes
// them from the file again. Forget does so only while the file has them; else the error is a
// *TruncatedError, as of Read. After any error the bytes that were taken stay.
func (f *File) Forget() error {
	st, err := f.h.Stat()
	if err != nil {
		return err
	}
	f.mu.Lock()
	known, at, lost := f.known, f.sealed, f.lost
	f.mu.Unlock()
	if lost != nil {
		return lost
	}
	if at == known.at {
		return nil
	}
	released, ok, err := f.fingerprintAt(at)
	if err != nil {
		return err
	}
	// If the file has all of known after this, it also had it when released was read.
	if !ok || st.Size < known.at {
		return f.lose()
	}
	if _, err := f.take(known, 0); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stat, f.known, f.held = st, released, &buffer{}
	f.holdTail()
	return nil
}

// holdTail keeps only the last bytes before known.at in memory, as many as a chain is resumed with.
// f.mu is held.
func (f *File) holdTail() {
	end := f.known.end[:f.known.endLen]
	f.held.reset(f.known.at-int64(len(end)), end)
}
