package config

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"time"

	"logseal/ingest/sink/dir"
)

// Config is the config file. A key that the file leaves out has the default that its field states; if the
// default depends on the command, the field is zero. Config joins relative paths with the folder of the file.
type Config struct {
	// State is the folder of ledger and spool. Default: .state in a folder sink, else
	// $XDG_STATE_HOME/logseal/<hash of sink>.
	State string
	// Sink is a folder or s3://bucket/prefix. Default ./logseal-out.
	Sink string
	// SinkMode (sink_mode) is the mode of objects in a folder sink; its folders have the same with
	// leave to enter for who may read. Default 0640.
	SinkMode fs.FileMode
	// Origin is who produced the logs of streams without an origin_path. Default for `tail` what the
	// ledger keeps, at first the host name; for `load` none.
	Origin Origin
	// SpoolMaxBytes (spool: max_bytes) is how far the spool may grow before reading pauses; default
	// 10GiB.
	SpoolMaxBytes int64
	// ShutdownGrace (shutdown: grace) is for how long `tail` tries to ship what is sealed once it is
	// told to end; default 20s.
	ShutdownGrace time.Duration
	Tail          Tail
	// FollowLinks (symlinks: follow) has every symbolic link to a log followed, whoever could replace
	// it. Default symlinks: safe, see files.LinkError.
	FollowLinks bool
	// Streams are the kinds of logs; one at least.
	Streams []Stream
}

// Tail is `tail`: how a tail follows files that grow.
type Tail struct {
	PollInterval time.Duration // how often files are looked at; default 1s
	// CloseWait is how long after its last write a file is let go whose path is gone; default 1m.
	CloseWait time.Duration
	// CopyWait is for how long a file that may be a copy of a lost one, and does not change, holds
	// back that the loss is declared; default 1h.
	CopyWait time.Duration
}

// DefaultSink is the folder sink of a command whose user named no sink.
const DefaultSink = "logseal-out"

const (
	defaultSpoolMaxBytes = 10 << 30

	// configMax bounds what the YAML parser is given; a config of a hundred streams has 50 KiB.
	configMax = 1 << 20

	// leastBytes is the smallest batch and spool. Real ones are thousands of times as large: a smaller
	// number is a slip of the pen, and would make an object of each line.
	leastBytes = 1 << 10
)

// Default is the config of an empty file.
func Default() *Config {
	return &Config{
		SinkMode:      dir.DefaultMode,
		SpoolMaxBytes: defaultSpoolMaxBytes,
		ShutdownGrace: 20 * time.Second,
		Tail: Tail{
			PollInterval: time.Second, CloseWait: time.Minute, CopyWait: time.Hour,
		},
	}
}

// Read reads and checks the config file at path. Its error lists everything that is wrong,
// each with its line and column.
func Read(path string) (*Config, error) {
	body, err := readBounded(path, configMax)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return Parse(filepath.Clean(path), body)
}

// Parse reads and checks the text of a config file. name is the path of the file: errors name it, and
// relative paths start from its folder.
func Parse(name string, body []byte) (*Config, error) {
	root, err := parseYAML(name, body)
	if err != nil {
		return nil, err
	}
	d := newDecoder(name)
	c := d.config(root)
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (d *decoder) config(n *node) *Config {
	c := Default()
	if n.kind != mappingNode {
		d.fail(n.place, "want a config that begins with a key, like `streams:`; have %v", n.kind)
		return c
	}
	var streams *node
	d.fields(n, "the config", map[string]func(*node){
		"state":     d.intoPath(&c.State),
		"sink":      d.intoPath(&c.Sink),
		"sink_mode": into(d, &c.SinkMode, parseSinkMode),
		"origin":    into(d, &c.Origin, parseOrigin),
		"spool":     func(n *node) { d.spool(n, c) },
		"shutdown":  func(n *node) { d.shutdown(n, c) },
		"symlinks":  into(d, &c.FollowLinks, parseSymlinks),
		"tail":      func(n *node) { d.follow(n, &c.Tail) },
		"streams":   func(n *node) { streams = n },
	})
	if streams == nil {
		d.fail(n.place, "no streams: want `streams:` with a list of at least one")
		return c
	}
	d.of("streams", func() {
		d.list(streams, func(n *node) { c.Streams = append(c.Streams, d.stream(n, c.Streams)) })
	})
	if streams.kind == listNode && len(streams.items) == 0 {
		d.fail(streams.place, "streams is empty: want at least one")
	}
	return c
}

func (d *decoder) spool(n *node, c *Config) {
	d.fields(n, "spool", map[string]func(*node){
		"max_bytes": into(d, &c.SpoolMaxBytes, sizeFrom(leastBytes, "it has to hold a batch")),
	})
}

func (d *decoder) shutdown(n *node, c *Config) {
	d.fields(n, "shutdown", map[string]func(*node){
		"grace": into(d, &c.ShutdownGrace, durationBetween(0, time.Hour)),
	})
}

func (d *decoder) follow(n *node, f *Tail) {
	d.fields(n, "tail", map[string]func(*node){
		"poll_interval": into(d, &f.PollInterval, durationBetween(10*time.Millisecond, time.Minute)),
		"close_wait":    into(d, &f.CloseWait, durationBetween(0, day)),
		"copy_wait":     into(d, &f.CopyWait, durationBetween(time.Second, 30*day)),
	})
}

func parseSymlinks(s string) (follow bool, err error) {
	switch s {
	case "safe", "follow":
		return s == "follow", nil
	}
	return false, fmt.Errorf("%q: want safe or follow", s)
}

// parseSinkMode reads a mode of files that we may read and write, nobody may run, and not everyone
// may write.
func parseSinkMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 9)
	if mode := fs.FileMode(n); err == nil && mode&0o600 == 0o600 && mode&0o113 == 0 {
		return mode, nil
	}
	return 0, fmt.Errorf("%q: want a mode of files like 0640, 0600 or 0644", s)
}

// Retentions maps the streams that have a retention to it.
func (c *Config) Retentions() map[string]time.Duration {
	keep := map[string]time.Duration{}
	for _, s := range c.Streams {
		if s.Retention > 0 {
			keep[s.Name] = s.Retention
		}
	}
	return keep
}
