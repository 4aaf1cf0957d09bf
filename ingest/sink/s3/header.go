package s3

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

const (
	ifNoneMatch    = "If-None-Match"
	checksumSHA256 = "X-Amz-Checksum-Sha256"
	checksumMode   = "X-Amz-Checksum-Mode"
	contentMD5     = "Content-Md5"
)

// optional are the headers of ours that a store may lack, and what to do without each. The way out
// of If-None-Match costs a promise, so it stands apart.
var optional = []struct{ header, fix string }{
	{checksumSHA256, "set checksum=md5"},
	{checksumMode, "set checksum=md5"},
	{contentMD5, "leave out checksum=md5"},
	{"X-Amz-Storage-Class", "leave out storage_class="},
	{"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "leave out kms_key_id="},
	{"X-Amz-Server-Side-Encryption", "leave out sse= and kms_key_id="},
	{"X-Amz-Tagging", "leave out tags="},
}

const unconditional = "use a store that honours it, or add conditional=off to the URL, for one " +
	"writer only"

// said keeps the beginning of an answer's body while it is read: the SDK hands on no more of an
// error than its code and message.
type said struct {
	io.ReadCloser
	kept bytes.Buffer
}

const saidMost = 64 << 10

func (s *said) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.kept.Write(p[:min(n, saidMost-s.kept.Len())])
	return n, err
}

var (
	// lackedElement is how AWS names a header that it does not implement.
	lackedElement = regexp.MustCompile(`<Header>\s*([A-Za-z0-9-]+)\s*</Header>`)
	// lackWords are those of a message that a header is not known, and not that it is wrong.
	lackWords = regexp.MustCompile(`(?i)unsupported|unrecognized|unknown|` +
		`not (supported|implemented|allowed)|n't support|n't implement`)
)

// lacked is the header of the request that the answer names as one that the store lacks, as it is
// written in a request; "" if it names none.
func (a *answer) lacked() string {
	name := a.element
	if name == "" && (a.status == http.StatusNotImplemented || lackWords.MatchString(a.message)) {
		name = a.named()
	}
	if a.asked.Get(name) == "" {
		return ""
	}
	return http.CanonicalHeaderKey(name)
}

// named is the header of ours that the message holds.
func (a *answer) named() string {
	message := strings.ToLower(a.message)
	for _, o := range optional {
		if a.asked.Get(o.header) != "" && strings.Contains(message, strings.ToLower(o.header)) {
			return o.header
		}
	}
	if strings.Contains(message, strings.ToLower(ifNoneMatch)) {
		return ifNoneMatch
	}
	return ""
}

// withoutChecksums reports whether another attempt, with Content-MD5 or nothing in place of the
// checksums of S3, may be answered in another way: the answer names one of them, or it is to a put
// and names nothing at all. From then on none of them is sent. It is so only when nobody has said
// which checksum to use.
func (c *client) withoutChecksums(want action, a *answer) bool {
	lacked := a.lacked()
	nameless := lacked == "" && want == putObject && a.status == http.StatusNotImplemented &&
		a.asked.Get(checksumSHA256) != ""
	if c.opts.Checksum != "" || lacked != checksumSHA256 && lacked != checksumMode && !nameless {
		return false
	}
	c.md5.Store(true)
	return true
}

const md5Instead = "Content-MD5 is sent instead from now on; checksum=md5 in the URL does so " +
	"from the start"

// without says what to do about a header that the store lacks; "" if the answer is not about one.
func (c *client) without(a *answer) string {
	lacked := a.lacked()
	if lacked == "" && a.status != http.StatusNotImplemented {
		return ""
	}
	if lacked == ifNoneMatch {
		return c.where(lacks(lacked, unconditional))
	}
	var fixes []string
	for _, o := range optional {
		switch {
		case o.header == lacked && strings.HasPrefix(o.fix, "set "):
			return c.where(lacks(lacked, o.fix+" in the URL"))
		case o.header == lacked:
			return c.where(lacks(lacked, o.fix))
		case a.asked.Get(o.header) != "" && o.header != contentMD5:
			fixes = append(fixes, o.fix)
		}
	}
	conditional := a.asked.Get(ifNoneMatch) != ""
	switch {
	case lacked != "":
		return c.where(lacks(lacked, "use one that has it"))
	case len(fixes) > 0:
		fix := "the store does not say which header it lacks: " + strings.Join(fixes, ", ") +
			", one at a time"
		if conditional {
			fix += ", or see whether it has " + ifNoneMatch + " at all"
		}
		return c.where(fix)
	case conditional:
		return c.where(fmt.Sprintf("the store does not say which header it lacks, but %s alone is "+
			"left: %s", ifNoneMatch, unconditional))
	}
	return c.where("see what the store says about it")
}

func lacks(header, fix string) string {
	return fmt.Sprintf("the store lacks %s: %s", strings.ToLower(header), fix)
}
