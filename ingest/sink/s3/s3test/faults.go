package s3test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is what happens to a request instead of, or besides, what should.
type Fault struct {
	// Status, with Code and Message, is answered without asking the server; 0 asks it.
	Status        int
	Code, Message string
	Header        http.Header // is added to the answer
	Plain         bool        // the answer is a page of text, not S3's XML
	Lacks         string      // the header that the answer names in an element of its own

	After time.Duration // waits before all else
	// HangUp closes the connection without an answer once the server has given it.
	HangUp bool
	// Instead answers Status once the server has done what was asked.
	Instead bool
	// Of is Instead of the server's answers of that status only; 0 is not.
	Of int
	// CutAt closes the connection after so many bytes of the answer's body; 0 does not.
	CutAt int64
	// FlipUp and FlipDown change a byte of the request's or the answer's body.
	FlipUp, FlipDown bool
}

// Faults is a way to a Server that understands HTTP and does what a test says, request by request.
type Faults struct {
	server *Server
	front  *httptest.Server
	proxy  *httputil.ReverseProxy

	mu    sync.Mutex // guards what follows
	rule  func(*http.Request) *Fault
	asked []string
}

// Faults makes a way to the server that ends with the test. It does nothing until told to.
func (s *Server) Faults(tb testing.TB) *Faults {
	tb.Helper()
	target, _ := url.Parse(s.Endpoint())
	tr := s.transport()
	tr.DisableCompression = true
	f := &Faults{server: s, rule: func(*http.Request) *Fault { return nil }}
	f.proxy = &httputil.ReverseProxy{
		Transport: tr, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler)
		},
	}
	f.front = httptest.NewUnstartedServer(f)
	f.front.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.front.Start()
	tb.Cleanup(func() {
		f.front.CloseClientConnections()
		f.front.Close()
		tr.CloseIdleConnections()
	})
	return f
}

// Set makes rule decide about each request from now on; nil from it lets a request pass. It is
// called for one request at a time.
func (f *Faults) Set(rule func(*http.Request) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rule = rule
}

// Times gives fault to the first n requests of method, and lets all others pass.
func (f *Faults) Times(n int, method string, fault Fault) {
	f.Set(func(r *http.Request) *Fault {
		if r.Method != method || n == 0 {
			return nil
		}
		n--
		return &fault
	})
}

// Asked are the requests so far, as "PUT /bucket/key", and forgets them.
func (f *Faults) Asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := slices.Clone(f.asked)
	f.asked = nil
	return asked
}

// Endpoint is the base URL of the server by this way.
func (f *Faults) Endpoint() string { return f.front.URL }

// URL is Server.URL by this way.
func (f *Faults) URL(place string) string { return urlOf(f.Endpoint(), place) }

// ServeHTTP implements http.Handler.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	fault := f.rule(r)
	f.mu.Unlock()
	if fault == nil {
		fault = &Fault{}
	}
	if fault.After > 0 {
		wait := time.NewTimer(fault.After)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if fault.FlipUp {
		r.Body = &flipper{ReadCloser: r.Body}
	}
	switch {
	case fault.HangUp:
		f.proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case fault.Of != 0:
		said := httptest.NewRecorder()
		f.proxy.ServeHTTP(said, r)
		if said.Code == fault.Of {
			fault.answer(w, r)
			return
		}
		maps.Copy(w.Header(), said.Header())
		w.WriteHeader(said.Code)
		w.Write(said.Body.Bytes())
	case fault.Instead:
		f.proxy.ServeHTTP(httptest.NewRecorder(), r)
		fault.answer(w, r)
	case fault.Status != 0:
		fault.answer(w, r)
	default:
		for k, v := range fault.Header {
			w.Header()[k] = v
		}
		f.proxy.ServeHTTP(&bad{w, fault, 0}, r)
	}
}

// answer says what the fault says, as S3 would.
func (f *Fault) answer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	for k, v := range f.Header {
		w.Header()[k] = v
	}
	w.Header().Set("X-Amz-Request-Id", "REQUEST1")
	w.Header().Set("Content-Type", "application/xml")
	if f.Plain {
		w.Header().Set("Content-Type", "text/html")
	}
	w.WriteHeader(f.Status)
	switch {
	case r.Method == http.MethodHead:
	case f.Plain:
		fmt.Fprintf(w, "<html><h1>%s</h1></html>", f.Message)
	default:
		lacks := ""
		if f.Lacks != "" {
			lacks = "<Header>" + f.Lacks + "</Header>"
		}
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code>`+
			`<Message>%s</Message>%s<RequestId>REQUEST1</RequestId></Error>`, f.Code, f.Message,
			lacks)
	}
}

// bad is an answer whose body is cut or changed.
type bad struct {
	http.ResponseWriter
	fault *Fault
	n     int64
}

func (b *bad) Write(p []byte) (int, error) {
	if b.fault.FlipDown && b.n == 0 && len(p) > 0 {
		p = slices.Clone(p)
		p[0] ^= 1
	}
	if most := b.fault.CutAt; most > 0 && b.n+int64(len(p)) >= most {
		b.ResponseWriter.Write(p[:most-b.n])
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	b.n += int64(len(p))
	return b.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush.
func (b *bad) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// flipper changes the first byte that is read.
type flipper struct {
	io.ReadCloser
	done bool
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 && !f.done {
		p[0] ^= 1
		f.done = true
	}
	return n, err
}

// IsObject reports whether a request is for the object at key, whatever its bucket and prefix.
func IsObject(r *http.Request, key string) bool { return strings.HasSuffix(r.URL.Path, "/"+key) }
