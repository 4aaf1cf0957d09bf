package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"logseal/ingest/batch"
	"logseal/ingest/files"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/table"
)

// ErrNoTable is returned when the sink has no logseal.json.
var ErrNoTable = errors.New("no Logseal table here")

// Options say what is verified.
type Options struct {
	Store sink.Store
	// Spool lists the batches that wait to be shipped; nil for none.
	Spool func() ([]spool.Entry, error)
	// Stream is the only stream to look at; empty for all.
	Stream string
	// Since leaves out the objects of batches whose last event is before this day in UTC, and
	// leftovers in partitions before it; the zero time leaves out nothing. Coverage is always
	// proved from 0.
	Since time.Time
	// Retention is after how long, by stream, someone deletes objects on purpose: one that is not
	// there is expired and not missing when its manifest was put longer ago. Nothing of a stream
	// that is not here expires.
	Retention map[string]time.Duration
	// Deep reads every row.
	Deep bool
	// Clean deletes what is superseded.
	Clean bool
	// Sources are log files to prove the sink against, in FS.
	Sources []string
	FS      files.FS
	// Progress is told how far the run is, one call at a time; nil for nobody.
	Progress func(Progress)
}

// Run verifies. An error means that it could not be told whether all is well; what was found
// up to then is lost.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := checkRoot(ctx, o.Store); err != nil {
		return nil, err
	}
	v := newVerifier(o)
	if err := v.run(ctx); err != nil {
		return nil, err
	}
	v.found.report.finish()
	return v.found.report, nil
}

// verifier is one run. One goroutine judges and uses it; the tasks it starts use what is read only
// by then, findings, and manifests.
type verifier struct {
	Options
	since int32 // days since 1970; batch.NoDate for all

	found     *findings
	manifests *manifests
	objects   *listing
	spooled   map[spooled]bool
	epochs    map[string]*epoch // by key
	proofs    *proofs           // of Sources
	points    *points           // of the table that is walked

	start func(task func(ctx context.Context) error) // waits for room; see tasks
	reads *semaphore.Weighted                        // bytes that are read whole
}

func newVerifier(o Options) *verifier {
	found := newFindings(o.Progress)
	v := &verifier{Options: o, found: found, manifests: newManifests(o, found),
		epochs: map[string]*epoch{}, points: newPoints(source.Table{}),
		reads: semaphore.NewWeighted(readBytesMax), since: batch.NoDate}
	if !o.Since.IsZero() {
		v.since = batch.Day.PartitionOf(o.Since.UnixMicro()).Date
	}
	return v
}

// spooled names a batch in the spool.
type spooled struct {
	table source.Table
	name  table.BatchName
}

func (v *verifier) run(ctx context.Context) (err error) {
	if v.proofs, err = openProofs(v.FS, v.Sources); err != nil {
		return err
	}
	if err = v.list(ctx); err != nil {
		return fmt.Errorf("list data: %w", err)
	}
	if err := v.listSpool(); err != nil {
		return fmt.Errorf("list spool: %w", err)
	}
	if err := v.listOthers(ctx); err != nil {
		return err
	}
	checks := checksMax
	if v.Deep {
		checks = readsMax // each is a whole batch
	}
	if err := v.tasks(ctx, checks, v.walk); err != nil {
		return err
	}
	if err := v.tasks(ctx, checksMax, v.settleUnnamed); err != nil {
		return err
	}
	v.reportProofs()
	return v.tasks(ctx, checksMax, v.clean)
}

// listSpool reads which batches wait to be shipped. A spool's manifest that cannot be read is the
// writer's to complain about.
func (v *verifier) listSpool() error {
	v.spooled = map[spooled]bool{}
	if v.Spool == nil {
		return nil
	}
	entries, err := v.Spool()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if m, err := table.ParseManifest(e.Manifest); err == nil {
			v.spooled[spooled{m.Table(), m.BatchName()}] = true
		}
	}
	return nil
}

// listOthers looks for names that are none of ours beside the manifests. It does not read what it
// lists: an epoch is read with its batches, and nothing depends on what a note on a source says.
func (v *verifier) listOthers(ctx context.Context) error {
	for _, folder := range []string{table.EpochFolder, table.SchemaFolder,
		table.SourceFolder} {
		for info, err := range v.Store.List(ctx, streamPrefix(folder, v.Stream)) {
			if err != nil {
				return fmt.Errorf("list %s: %w", folder, err)
			}
			if _, err := table.ParseKey(info.Key); err != nil {
				v.found.stray(info.Key)
			}
		}
	}
	return nil
}

// checkRoot reads logseal.json before anything.
func checkRoot(ctx context.Context, store sink.Store) error {
	body, _, err := read(ctx, store, table.RootKey)
	if errors.Is(err, sink.ErrNotFound) {
		return fmt.Errorf("%s: %w", store.Name(), ErrNoTable)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", table.RootKey, err)
	}
	return table.ParseRoot(body)
}

// HasTable reports whether a store holds a table of a format that this program knows.
func HasTable(ctx context.Context, store sink.Store) (bool, error) {
	body, _, err := read(ctx, store, table.RootKey)
	if errors.Is(err, sink.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, table.ParseRoot(body)
}

// read gives the document at key.
func read(ctx context.Context, store sink.Store, key string) ([]byte, sink.Info, error) {
	body, info, err := readOnce(ctx, store, key)
	if errors.As(err, new(*sink.DamagedError)) { // it may have been the network
		return readOnce(ctx, store, key)
	}
	return body, info, err
}

func readOnce(ctx context.Context, store sink.Store, key string) ([]byte, sink.Info, error) {
	r, info, err := store.Get(ctx, key)
	if err != nil {
		return nil, info, err
	}
	defer r.Close()
	body, err := sink.ReadDocument(r)
	if err != nil {
		err = fmt.Errorf("%s: %w", key, err)
	}
	return body, info, err
}
