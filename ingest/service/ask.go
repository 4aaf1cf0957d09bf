package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/usage"
)

// Question is what `ingest status` asks a running tail.
type Question struct {
	SafeToDelete string        // a file; empty to ask how far all is
	Timeout      time.Duration // of each question to the sink about the file
}

// Ask lets the tail that holds the ledger answer. If no tail holds the ledger, the error says which process
// does. If the tail answers that a file may not be deleted, Ask gives the answer and an error.
func Ask(ctx context.Context, locked *offsets.LockedError, q Question) (Status, error) {
	res := answer{Status: Status{Sources: []Source{}}}
	query, err := q.query()
	if err != nil {
		return res.Status, err
	}
	path := filepath.Join(locked.Dir, location.SocketName)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialSocket(ctx, path)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tail"+query, nil)
	if err != nil {
		return res.Status, err
	}
	response, err := client.Do(request)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return res.Status, locked
	case errors.Is(err, fs.ErrPermission):
		return res.Status, fmt.Errorf("%w; ask as the user that it runs as: %w", locked, err)
	case err != nil:
		return res.Status, fmt.Errorf("ask process %d: %w", locked.Pid, err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&res); err != nil {
		return res.Status, fmt.Errorf("read what process %d answers: %w", locked.Pid, err)
	}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest:
		return res.Status, usage.Errorf("%s", res.Error)
	default:
		return res.Status, errors.New(cmp.Or(res.Error, response.Status))
	}
	return res.Status, nil
}

// query is the path of the question.
func (q Question) query() (string, error) {
	if q.SafeToDelete == "" {
		return "/status", nil
	}
	if input.IsObject(q.SafeToDelete) {
		return "", usage.Errorf("--safe-to-delete: a tail follows files; %s is an object", q.SafeToDelete)
	}
	path, err := filepath.Abs(q.SafeToDelete)
	if err != nil {
		return "", usage.Errorf("--safe-to-delete: %w", err)
	}
	st, err := files.OS().FollowAll(true).Stat(path)
	if err != nil {
		return "", usage.Errorf("--safe-to-delete: %w", err)
	}
	return "/safe?" + url.Values{
		"path": {path}, "dev": {strconv.FormatUint(st.Dev, 10)},
		"inode": {strconv.FormatUint(st.Inode, 10)}, "timeout": {q.Timeout.String()},
	}.Encode(), nil
}
