package location

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/usage"
)

// stateDir is the state folder of a folder sink, unless another is given.
const stateDir = ".state"

// spoolDir is the folder of the spool in the state folder.
const spoolDir = "spool"

// SocketName is the name of the socket in the state folder at which a running tail answers.
const SocketName = "tail.sock"

// stateAt is the state folder that someone named.
func stateAt(folder string) (string, error) {
	if strings.Contains(folder, "://") {
		return "", usage.Errorf("state: %s is no folder; want one on a local disk", folder)
	}
	if CheckSlashes(folder) != nil {
		return "", usage.Errorf("state: %s is no folder; want one on a local disk (write ./%s for a folder of "+
			"that name)", folder, folder)
	}
	path, err := dir.Name(folder)
	if err != nil {
		return "", usage.Errorf("state: %w", err)
	}
	return path, nil
}

// sinkHash is how many bytes of the digest of a sink's name make the name of its state folder.
const sinkHash = 8

// defaultState is the state folder when none is given: in a folder sink, else one in the user's
// state folder that is named after the sink.
func (t SinkURL) defaultState() (string, error) {
	if t.Bucket == nil {
		return filepath.Join(t.Sink, stateDir), nil
	}
	home, err := stateHome()
	if err != nil {
		return "", usage.Errorf("no place for the state: %w; name a folder with --state", err)
	}
	hash := sha256.Sum256([]byte(t.Sink))
	return dir.Name(filepath.Join(home, "logseal", hex.EncodeToString(hash[:sinkHash])))
}

// stateHome is where programs of a user keep their state, as the XDG specification has it: a path
// that is not absolute does not count.
func stateHome() (string, error) {
	if path := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(path) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state"), err
}

// SinkOf gives the sink that a ledger belongs to: the sink that the ledger names, or the folder sink that the
// state lies in.
func SinkOf(meta offsets.Meta, state string) string {
	if meta.Sink != "" {
		return meta.Sink
	}
	for dir := filepath.Dir(state); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, sink.RootObject())); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return filepath.Dir(state)
		}
	}
}
