package s3

import (
	"errors"
	"net/http"

	"logseal/ingest/sink"
)

// takenWords are the codes by which stores say that a key has an object, whatever the status.
var takenWords = map[string]bool{
	"PreconditionFailed": true, "ConditionNotMet": true, "ObjectAlreadyExists": true,
	"FileAlreadyExists": true, "KeyAlreadyExists": true,
}

// taken reports whether the answer to a conditional put is that the key has an object. AWS says 412;
// 304 is what HTTP says of a read.
func (a *answer) taken() bool {
	return a.status == http.StatusPreconditionFailed || a.status == http.StatusNotModified ||
		takenWords[a.code]
}

// kept reports whether the answer shows that the store did not replace an object that is there.
// A 409 does, unless it is about two requests at once, or about something that has a name.
func (a *answer) kept() bool {
	_, named := fixes[a.code]
	return a.taken() || a.status == http.StatusConflict && !later[a.code] && !named
}

// mayBeThere reports whether an object may be there after a put that ended with err: after what may
// pass, and after any 409, whatever the store means by it.
func mayBeThere(err error) bool {
	var a *answer
	return isTransient(err) || errors.As(err, &a) && a.status == http.StatusConflict
}

// settled is the outcome of a put that ended with err, when a look at the object gave found.
func settled(err, found error) error {
	switch {
	case errors.Is(found, sink.ErrNotFound):
		return err
	case isTransient(found) && isTransient(err):
		return err // what the put was told says more
	}
	return found
}
