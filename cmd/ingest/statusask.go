package main

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

	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/usage"
)

// askTail lets the tail that has the ledger answer. When it is no tail that has it, the answer is
// who has it.
func (s *statusCmd) askTail(
	ctx context.Context, a *app, locked *offsets.LockedError, res *statusResult,
) error {
	query, err := s.question()
	if err != nil {
		return err
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
		return err
	}
	response, err := client.Do(request)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return locked
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; ask as the user that it runs as: %w", locked, err)
	case err != nil:
		return fmt.Errorf("ask process %d: %w", locked.Pid, err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(res); err != nil {
		return fmt.Errorf("read what process %d answers: %w", locked.Pid, err)
	}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest:
		return usage.Errorf("%s", res.Error)
	default:
		return errors.New(cmp.Or(res.Error, response.Status))
	}
	if res.Safe != nil {
		return tellSafe(a, res.Safe)
	}
	res.tell(a)
	return nil
}

// question is what the tail is asked.
func (s *statusCmd) question() (string, error) {
	if s.SafeToDelete == "" {
		return "/status", nil
	}
	if input.IsObject(s.SafeToDelete) {
		return "", usage.Errorf("--safe-to-delete: a tail follows files; %s is an object", s.SafeToDelete)
	}
	path, err := filepath.Abs(s.SafeToDelete)
	if err != nil {
		return "", usage.Errorf("--safe-to-delete: %w", err)
	}
	st, err := files.OS().FollowAll(true).Stat(path)
	if err != nil {
		return "", usage.Errorf("--safe-to-delete: %w", err)
	}
	return "/safe?" + url.Values{
		"path": {path}, "dev": {strconv.FormatUint(st.Dev, 10)},
		"inode": {strconv.FormatUint(st.Inode, 10)}, "timeout": {s.Timeout.String()},
	}.Encode(), nil
}
