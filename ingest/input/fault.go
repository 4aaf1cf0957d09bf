package input

import (
	"errors"
	"io/fs"
	"strings"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3"
)

// accessDenied is the code of an answer that may be about one object, or about all.
const accessDenied = "AccessDenied"

// fault makes what is wrong with one object an error of its path, so that the others go on. What is
// wrong with a bucket or the way to it stays as it is.
func (l *FS) fault(op, path string, err error) error {
	switch {
	case errors.Is(err, sink.ErrNotFound):
		err = fs.ErrNotExist
	case errors.As(err, new(*s3.ChangedError)), errors.As(err, new(*sink.DamagedError)):
	case errors.Is(err, s3.ErrUnpacked):
	case errors.Is(err, s3.ErrNoRange) && l.readsAnother(path):
	case errors.As(err, new(*sink.RefusedError)) && l.refusesObject(path, s3.Code(err)):
	default:
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, path)
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// refusesObject reports whether a refusal with this code is about the object at path and not about
// its bucket.
func (l *FS) refusesObject(path, code string) bool {
	switch {
	case code == "InvalidObjectState": // it is in an archive class
		return true
	case strings.HasPrefix(code, "KMS."):
		return true // objects may have a key each
	case code == accessDenied:
		return l.readsAnother(path)
	}
	return false
}

// othersMost is how many objects are tried to tell whether a refusal is about one object. It is a
// few requests, once: after that the one that could be read is known.
const othersMost = 16

// readsAnother reports whether another object of the bucket of path can be read now.
func (l *FS) readsAnother(path string) bool {
	b, _, err := l.bucket(path)
	if err != nil {
		return false
	}
	for _, e := range l.others(path) {
		r := b.Open(l.ctx, e)
		_, err := r.ReadAt(make([]byte, 1), 0)
		r.Close()
		if err == nil {
			l.couldRead(path, e)
			return true
		}
	}
	return false
}

// others gives objects in the bucket of path to try: first the one that was read last. Those of the
// sink are none, for what a policy says of them it does not say of logs.
func (l *FS) others(path string) (all []s3.Entry) {
	bucket, key := splitObject(path)
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.read[bucket]; ok && e.Key != key {
		all = append(all, e)
	}
	for other, e := range l.seen {
		if len(all) == othersMost {
			break
		}
		if name, _ := splitObject(other); name == bucket && e.Key != key && e.Size > 0 &&
			!l.owns(bucket, e.Key) {
			all = append(all, e)
		}
	}
	return all
}

// couldRead remembers that e, in the bucket of path, could be read.
func (l *FS) couldRead(path string, e s3.Entry) {
	bucket, _ := splitObject(path)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read[bucket] = e
}
