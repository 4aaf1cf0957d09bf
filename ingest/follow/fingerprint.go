package follow

import (
	"logseal/ingest/files"
	"logseal/ingest/source"
)

// fingerprint is what is remembered of the bytes [0, at) of a file: enough to see that a writer truncated
// the file and filled it again. It is small: every file at rest has one.
type fingerprint struct {
	at    int64
	first source.Digest // of the file's first files.MarkerSize bytes, or of all if there are fewer
	last  source.Digest // of the last files.MarkerSize bytes before at, or of all
	// end is the last source.BlockSize bytes before at, or all: a chain is resumed with them.
	end    [source.BlockSize]byte
	endLen int
}

// newFingerprint is the one of [0, at); first and last are its first and last files.MarkerSize bytes.
func newFingerprint(at int64, first, last []byte) fingerprint {
	fp := fingerprint{at: at, first: source.DigestOf(first), last: source.DigestOf(last)}
	fp.endLen = copy(fp.end[:], last[max(0, len(last)-len(fp.end)):])
	return fp
}

// after is the fingerprint once b follows; last is the bytes before b.
func (fp fingerprint) after(last, b []byte) fingerprint {
	near := append(last[:len(last):len(last)], b[:min(len(b), files.MarkerSize)]...)
	first := near[:min(len(near), files.MarkerSize)]
	tail := b[max(0, len(b)-files.MarkerSize):]
	if len(tail) < files.MarkerSize {
		tail = near[max(0, len(near)-files.MarkerSize):]
	}
	next := newFingerprint(fp.at+int64(len(b)), first, tail)
	if fp.at >= files.MarkerSize {
		next.first = fp.first
	}
	return next
}

// tail reads the bytes that fp.last is the digest of; nil if the file no longer has them.
func (fp fingerprint) tail(h files.Handle) ([]byte, error) {
	n := min(fp.at, files.MarkerSize)
	b, err := readExactly(h, fp.at-n, n)
	if err != nil || b == nil || source.DigestOf(b) != fp.last {
		return nil, err
	}
	return b, nil
}

// begins reports whether the file still has the bytes that fp.first is the digest of.
func (fp fingerprint) begins(h files.Handle) (bool, error) {
	b, err := readExactly(h, 0, min(fp.at, files.MarkerSize))
	return err == nil && b != nil && source.DigestOf(b) == fp.first, err
}
