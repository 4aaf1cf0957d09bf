package s3test

import (
	"fmt"
	"net/http"
	"strings"
)

// The rules of this file make Faults answer as stores other than AWS are known to, where they
// differ from the server behind, which goes on checking signatures and digests.

// GoogleStorage is Google Cloud Storage: its front end adds to Accept-Encoding before the signature
// is looked at.
func GoogleStorage(r *http.Request) *Fault {
	encoding := "gzip(gfe)"
	if sent := r.Header.Get("Accept-Encoding"); sent != "" {
		encoding = sent + "," + encoding
	}
	r.Header.Set("Accept-Encoding", encoding)
	return nil
}

// GoogleUnpacks is Google Cloud Storage with an object that is stored with Content-Encoding: gzip and this
// ETag: it unpacks it, whatever part was asked for, unless the answer may be packed. With stubborn it does so
// all the same.
func GoogleUnpacks(key, etag string, stubborn bool) func(*http.Request) *Fault {
	return func(r *http.Request) *Fault {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, key) ||
			!stubborn && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			return GoogleStorage(r)
		}
		return &Fault{Status: http.StatusOK, Plain: true, Message: "what it unpacks to",
			Header: http.Header{"Etag": {etag}, "X-Goog-Stored-Content-Encoding": {"gzip"}}}
	}
}

// Backblaze is Backblaze B2: it refuses the headers of checksums, in reads as well, and has no
// conditional put, which it says without a word about which header it means.
func Backblaze(r *http.Request) *Fault {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") {
			return &Fault{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: fmt.Sprintf(
				"Unsupported header '%s' received for this API call.", strings.ToLower(name))}
		}
	}
	if r.Header.Get("If-None-Match") != "" {
		return &Fault{Status: http.StatusNotImplemented, Code: "NotImplemented",
			Message: "A header you provided implies functionality that is not implemented"}
	}
	return nil
}

// CloudflareR2 is Cloudflare R2 before it took SHA-256, and as it is now with tags: 501 and the
// name of the header.
func CloudflareR2(r *http.Request) *Fault {
	for _, name := range []string{"x-amz-checksum-sha256", "x-amz-tagging"} {
		if v := r.Header.Get(name); v != "" {
			return &Fault{Status: http.StatusNotImplemented, Code: "NotImplemented",
				Message: fmt.Sprintf("Header '%s' with value '%s' not implemented", name, v)}
		}
	}
	return nil
}
