package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"logseal/ingest/config"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/table"
	"logseal/ingest/verify/deletion"
)

// statusCmd is `ingest status`.
type statusCmd struct {
	siteFlags    `embed:""`
	SafeToDelete string        `placeholder:"FILE" help:"Ask whether FILE may go: exit 0 yes, 1 not yet."`
	Timeout      time.Duration `default:"5s" help:"How long --safe-to-delete waits for each answer of the sink."`
}

// Help is what --help says besides the flags.
func (*statusCmd) Help() string {
	return help(`
Sealed is how far a source is on local disk, shipped how far it is in the sink, lag how much of
its file is not sealed. While a tail runs with this state, it is the tail that answers. --safe-to-delete says yes when every byte that the file has now is in the
sink: it asks the sink, proves the file against it and wants the objects to be there. It speaks of the size that it prints, not of
what is written later.

Examples:
  ingest status --state logseal-out/.state
  ingest status -c ingest.yaml --safe-to-delete /var/log/nginx/access.log.1`)
}

// statusResult is the JSON object of `status`.
type statusResult struct {
	outcome
	Sink    string           `json:"sink"`
	State   string           `json:"state"`
	Sources []sourceJSON     `json:"sources"`
	Spool   spoolJSON        `json:"spool"`
	Tail    *tailJSON        `json:"tail,omitempty"` // while one runs
	Safe    *deletion.Answer `json:"safe_to_delete,omitempty"`
}

type sourceJSON struct {
	Stream  string    `json:"stream"`
	Version int       `json:"version"`
	Origin  *string   `json:"origin"`
	SID     source.ID `json:"sid"`
	K       uint64    `json:"k"`
	Path    string    `json:"path"`
	Sealed  int64     `json:"sealed"`
	Shipped int64     `json:"shipped"`
	Lag     *int64    `json:"lag"`    // bytes of the file not sealed; null when the file does not tell
	Outbox  int       `json:"outbox"` // batches sealed but not shipped

	// What only a running tail knows.
	Read          *int64   `json:"read,omitempty"`
	BehindSeconds *float64 `json:"behind_seconds,omitempty"` // age of the oldest byte not shipped
	Following     string   `json:"following,omitempty"`      // how: live, copy, undecided, …
}

type spoolJSON struct {
	Batches int   `json:"batches"`
	Bytes   int64 `json:"bytes"`
}

// Run implements the command.
func (s *statusCmd) Run(ctx context.Context, a *app) error {
	res := &statusResult{Sources: []sourceJSON{}}
	a.result = res
	cfg, err := s.config()
	if err != nil {
		return err
	}
	at, ledger, err := s.openState(cfg)
	if locked, ok := errors.AsType[*offsets.LockedError](err); ok {
		return s.askTail(ctx, a, locked, res)
	}
	if err != nil {
		return err
	}
	defer ledger.Close()
	res.Sink, res.State = at.Sink, at.State
	if s.SafeToDelete != "" && s.Timeout <= 0 {
		return errTimeout
	}
	if s.SafeToDelete != "" {
		return s.safe(ctx, a, at, cfg, ledger, res)
	}
	if err := res.fill(at, ledger); err != nil {
		return err
	}
	res.tell(a)
	return nil
}

// openState opens the ledger for reading and finds the sink that it belongs to, when neither flag
// nor config names one.
func (f *siteFlags) openState(c *config.Config) (*location.Location, *offsets.Ledger, error) {
	at, err := f.site(c)
	if err != nil {
		return nil, nil, err
	}
	ledger, err := offsets.OpenReadOnly(at.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("no ledger in %s: nothing was loaded with this state "+
			"(--state, --out or -c name another)", at.State)
	}
	if err != nil {
		return nil, nil, err
	}
	if f.Out != "" || c.Sink != "" {
		return at, ledger, nil
	}
	if at.SinkURL, err = location.ParseSinkURL(sinkOf(ledger.Meta(), at.State)); err != nil {
		return nil, nil, errors.Join(err, ledger.Close())
	}
	return at, ledger, nil
}

// sinkOf is the sink that a ledger belongs to: the one it names, or the one it lies in.
func sinkOf(meta offsets.Meta, state string) string {
	if meta.Sink != "" {
		return meta.Sink
	}
	for dir := filepath.Dir(state); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, table.RootKey)); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return filepath.Dir(state)
		}
	}
}

func (r *statusResult) fill(at *location.Location, ledger *offsets.Ledger) error {
	keys, err := ledger.All()
	if err != nil {
		return err
	}
	for _, key := range keys {
		src, ok, err := ledger.Get(key)
		if err != nil {
			return err
		}
		if ok {
			r.Sources = append(r.Sources, describeSource(key, src))
		}
	}
	entries, err := spool.List(at.Spool())
	if err != nil {
		return err
	}
	for _, e := range entries {
		r.Spool.Batches++
		r.Spool.Bytes += e.Size
	}
	return nil
}

func describeSource(key source.Key, src *offsets.Source) sourceJSON {
	out := sourceJSON{
		Stream: key.Table.Stream, Version: key.Table.Version, SID: key.ID, K: src.K, Path: src.Path,
		Sealed: src.Sealed.Offset, Shipped: src.Shipped, Lag: lagOf(src), Outbox: len(src.Outbox),
	}
	if key.Origin != "" {
		out.Origin = &key.Origin
	}
	return out
}

// lagOf is how many bytes of a source's file are not sealed. A compressed file does not tell, nor
// does one that is gone or another now; an object is not asked.
func lagOf(src *offsets.Source) *int64 {
	if input.IsObject(src.Path) {
		return nil
	}
	f, err := files.Open(files.OS(), src.Path)
	if err != nil {
		return nil
	}
	defer f.Close()
	st := f.Stat()
	lag := st.Size - src.Sealed.Offset
	if f.Compressed() || st.Dev != src.File.Dev || st.Inode != src.File.Inode || lag < 0 {
		return nil
	}
	return &lag
}

func (r *statusResult) tell(a *app) {
	a.say("sink   %s\nstate  %s\nspool  %s, %s", r.Sink, r.State,
		count2(r.Spool.Batches, "batch", "batches"), humanize.IBytes(uint64(r.Spool.Bytes)))
	if r.Tail != nil {
		r.Tail.tell(a)
	}
	if len(r.Sources) == 0 {
		a.say("no sources")
		return
	}
	a.say("\n%14s %14s %14s  %s", "sealed", "shipped", "lag", "source")
	for _, s := range r.Sources {
		lag := "?"
		if s.Lag != nil {
			lag = humanize.Comma(*s.Lag)
		}
		sid := "-" // it is not told yet which source it is
		if s.SID != (source.ID{}) {
			sid = s.SID.String()
		}
		a.say("%14s %14s %14s  %s/v%d %s %s", humanize.Comma(s.Sealed), humanize.Comma(s.Shipped),
			lag, s.Stream, s.Version, sid, s.Path)
	}
}

func count2(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(int64(n)) + " " + many
}
