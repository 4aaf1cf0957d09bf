package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aws/smithy-go"

	"logseal/ingest/sink"
)

// ChangedError says that an object is no longer the one whose reading was begun.
type ChangedError struct {
	Key  string
	Want string // its ETag then
	Have string // its ETag now; empty if the store did not say
}

func (e *ChangedError) Error() string {
	if e.Have == "" {
		return fmt.Sprintf("%s was written over while it was read (ETag %s before)", e.Key, e.Want)
	}
	return fmt.Sprintf("%s was written over while it was read (ETag %s, not %s)", e.Key, e.Have,
		e.Want)
}

// answer is an error that a store answered with, as short as it can be told.
type answer struct {
	status  int
	head    bool // to a HEAD, so it has no body to say more
	code    string
	message string
	request string
	header  http.Header
	asked   http.Header // of the request
	element string      // the header that the answer names in an element of its own
	err     error
}

func (a *answer) Error() string {
	text := strconv.Itoa(a.status)
	if a.code != "" {
		text += " " + a.code
	}
	if a.message != "" && a.message != a.code {
		text += ": " + a.message
	}
	if a.request != "" {
		text += " (request " + a.request + ")"
	}
	return text
}

func (a *answer) Unwrap() error { return a.err }

const unknownError = "UnknownError"

// answered finds what the store answered in an error of the SDK; nil if it did not, or answered
// well and its answer was lost on the way.
func answered(err error) *answer {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil {
		return nil
	}
	if response.HTTPStatusCode() < http.StatusMultipleChoices { // 0 is of a request that failed
		return nil
	}
	a := &answer{status: response.HTTPStatusCode(), header: response.Response.Header, err: err}
	if request := response.Response.Request; request != nil {
		a.head, a.asked = request.Method == http.MethodHead, request.Header
	}
	a.request = a.header.Get("X-Amz-Request-Id")
	if body, ok := response.Response.Body.(*said); ok {
		if m := lackedElement.FindSubmatch(body.kept.Bytes()); m != nil {
			a.element = string(m[1])
		}
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		a.code, a.message = api.ErrorCode(), api.ErrorMessage()
	}
	// The SDK makes up what an answer does not have.
	if a.message == unknownError {
		a.message = ""
	}
	if a.code == unknownError || a.code == strings.ReplaceAll(http.StatusText(a.status), " ", "") {
		a.code = ""
	}
	return a
}

// after is how long the store wants to be left alone.
func (a *answer) after() time.Duration {
	text := a.header.Get("Retry-After")
	if s, err := strconv.Atoi(text); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}

// later are the codes of answers that another attempt may change, besides those that say so by
// their status. The digests differ when bytes were damaged on the way: body has looked at them
// before.
var later = map[string]bool{
	"ConditionalRequestConflict": true, "OperationAborted": true, "RequestTimeout": true,
	"SlowDown": true, "Throttling": true, "ThrottlingException": true, "TooManyRequests": true,
	"RequestLimitExceeded": true, "BandwidthLimitExceeded": true, "InternalError": true,
	"ConcurrentModification": true,
	"ServiceUnavailable":     true, "BadDigest": true, "IncompleteBody": true,
	"TemporaryRedirect":         true, // the name of a new bucket is not known everywhere yet
	"XAmzContentSHA256Mismatch": true, "XAmzContentChecksumMismatch": true,
}

// transient reports whether another attempt may be answered in another way.
func (a *answer) transient() bool {
	switch a.status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusTooEarly,
		http.StatusTemporaryRedirect: // a new bucket, not known everywhere yet
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	if a.status == http.StatusConflict && a.code == "" {
		return true // two requests at once, in the words of HTTP
	}
	return a.status >= 500 || later[a.code]
}

// fault makes an error of the SDK one of package sink: a *sink.TransientError, a
// *sink.RefusedError, sink.ErrNotFound, or the context's. want says what was asked for.
func (c *client) fault(ctx context.Context, want action, err error) error {
	if ctx.Err() != nil {
		// What the SDK says of a cancelled call is long and does not always unwrap to it.
		return ctx.Err()
	}
	if fix, cause := c.unreachable(err); fix != "" {
		return &sink.RefusedError{Err: cause, Fix: fix}
	}
	var noCredentials *credentialsError
	if errors.As(err, &noCredentials) {
		return credentialsFault(noCredentials)
	}
	if fix := c.unknownHost(err); fix != "" {
		return &sink.RefusedError{Err: c.network(err), Fix: fix}
	}
	a := answered(err)
	switch {
	case a == nil:
		return &sink.TransientError{Err: c.network(err)}
	case a.absent() && want == putObject:
		// Another removed what was there while the condition was looked at.
		return &sink.TransientError{Err: a}
	case a.absent():
		return sink.ErrNotFound
	case a.transient():
		return &sink.TransientError{Err: a, After: a.after()}
	case c.withoutChecksums(want, a):
		return &sink.TransientError{Err: &shortError{a.Error() + "; " + md5Instead, a}}
	case c.credentials.renewed(ctx, a):
		return &sink.TransientError{Err: a}
	}
	fix := c.fix(want, a)
	if a.stranger() {
		fix += c.credentials.inVain()
	}
	return &sink.RefusedError{Err: a, Fix: fix}
}

// absent reports whether the answer is that there is no such object.
func (a *answer) absent() bool {
	return a.status == http.StatusNotFound && (a.code == "NoSuchKey" || a.head)
}

// network is what stands at the end of an error of the SDK without an answer, and where it was.
func (c *client) network(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		where := c.opts.Bucket
		if u, perr := url.Parse(request.URL); perr == nil {
			where = u.Host
		}
		return &shortError{fmt.Sprintf("ask %s: %v", where, request.Err), err}
	}
	return err
}

// shortError is an error that is told in other words.
type shortError struct {
	text string
	err  error
}

func (e *shortError) Error() string { return e.text }

func (e *shortError) Unwrap() error { return e.err }
