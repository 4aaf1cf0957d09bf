package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/location"
	"logseal/ingest/usage"
)

// socketPathMax is how long a socket's path may be on every system that we run on.
const socketPathMax = 100

// serveSocket answers at the state's socket until ctx is cancelled. Without the socket the tail continues.
func (s *Service) serveSocket(ctx context.Context, wait *sync.WaitGroup) {
	path := filepath.Join(s.current.Load().Location.State, location.SocketName)
	l, err := listenSocket(path)
	if err != nil {
		s.Log.Warn("cannot serve the status socket: `ingest status` will not work while this process runs",
			"socket", path, "error", err)
		return
	}
	s.serve(ctx, wait, l, s.socketHandler())
	wait.Go(func() {
		<-ctx.Done()
		// One that stays is refused by whoever asks it, and is replaced by the next tail.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.Log.Warn("remove socket", "error", err)
		}
	})
}

// listenSocket makes the socket at path, in place of an old one: whoever has the ledger's lock is
// the only tail. Nobody but the owner may ever connect, so it gets its name when it has its mode.
func listenSocket(path string) (net.Listener, error) {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var l *net.UnixListener
	err := atShortPath(temp, func(short string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it has another name by then
	err = os.Chmod(temp, 0o600)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// dialSocket connects to the socket at path.
func dialSocket(ctx context.Context, path string) (c net.Conn, err error) {
	err = atShortPath(path, func(short string) (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, "unix", short)
		return err
	})
	return c, err
}

// atShortPath calls f with the path of a socket, or, when that is longer than an address may be,
// with a shorter one by way of a link to its folder that is there while f runs.
func atShortPath(path string, f func(short string) error) error {
	if len(path) <= socketPathMax {
		return f(path)
	}
	temp, err := os.MkdirTemp("", "logseal-")
	if err == nil && len(temp) > socketPathMax-len("/s/")-len(location.SocketName+".new") {
		os.Remove(temp)
		temp, err = os.MkdirTemp("/tmp", "logseal-")
	}
	if err != nil {
		return fmt.Errorf("the path of the socket has %d bytes, more than the system takes, and a link "+
			"to it cannot be made: %w", len(path), err)
	}
	defer os.RemoveAll(temp)
	link := filepath.Join(temp, "s")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		return err
	}
	return f(filepath.Join(link, filepath.Base(path)))
}

// socketHandler answers at the state's socket: HTTP, with
//
//	GET /status                           the JSON object of `status --json`
//	GET /safe?path=…&dev=…&inode=…&timeout=…        the same of `status --json --safe-to-delete`
//
// The status code says how the command exits: 200 for 0, 409 for 1 (not yet), 400 for 2, 500 for 1.
func (s *Service) socketHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		res := &answer{Status: NewStatus(s.current.Load().Location)}
		s.reply(w, res, res.fillRunning(s))
	})
	mux.HandleFunc("GET /safe", func(w http.ResponseWriter, r *http.Request) {
		// A proof may take longer than readWait, at which the question would be given up.
		if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
			s.Log.Warn("answer at the socket", "error", err)
		}
		res := &answer{Status: NewStatus(s.current.Load().Location)}
		s.reply(w, res, s.askSafe(r, res))
	})
	return mux
}

// answer is the JSON object of `status`.
type answer struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Status
}

// reply writes an answer as the command prints it.
func (s *Service) reply(w http.ResponseWriter, res *answer, err error) {
	code, message := http.StatusOK, ""
	switch {
	case err == nil:
	case res.Safe != nil:
		code, message = http.StatusConflict, err.Error()
	case usage.Is(err):
		code, message = http.StatusBadRequest, err.Error()
	default:
		code, message = http.StatusInternalServerError, err.Error()
	}
	res.OK, res.Error = message == "", message
	// A proof may take longer than writeWait, which counts from the question on.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		s.Log.Warn("answer at the socket", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// Who asked may be gone by now.
	_ = json.NewEncoder(w).Encode(res)
}

// askSafe answers whether a file may go. The proof reads all of the file, so it is one at a time.
func (s *Service) askSafe(r *http.Request, res *answer) (err error) {
	path := r.URL.Query().Get("path")
	if !filepath.IsAbs(path) {
		return usage.Errorf("--safe-to-delete: %q: want an absolute path", path)
	}
	if err := sameFile(path, r.URL.Query().Get("dev"), r.URL.Query().Get("inode")); err != nil {
		return err
	}
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return ErrTimeout
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	if res.Safe, err = s.judge(r.Context(), timeout).Ask(r.Context(), path); err != nil {
		return err
	}
	return res.Safe.Refusal()
}

// sameFile wants the file that the tail sees at path to be the one that was asked about: in a
// container another may be there.
func sameFile(path, dev, inode string) error {
	st, err := files.OS().FollowAll(true).Stat(path)
	if err != nil {
		return usage.Errorf("--safe-to-delete: the running tail sees no such file: %w", err)
	}
	if dev != strconv.FormatUint(st.Dev, 10) || inode != strconv.FormatUint(st.Inode, 10) {
		return usage.Errorf("--safe-to-delete: the running tail sees another file at %s", path)
	}
	return nil
}
