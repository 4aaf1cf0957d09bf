package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// safeJSON is the answer of --safe-to-delete. It speaks of the Size bytes that the file had when
// it was asked.
type safeJSON struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Safe   bool   `json:"safe"`
	Reason string `json:"reason"`
}

// safe answers whether a file may be deleted: it is proved to be a source whose manifests, asked
// of the sink, cover every byte, and its last line has ended. Each table that has or wants the
// file must agree.
func (s *statusCmd) safe(
	ctx context.Context, a *app, at *site, c *Config, ledger *offsets.Ledger, res *statusResult,
) error {
	from := newLogs(ctx, a, at.bucket)
	path, err := from.absolute(s.SafeToDelete)
	if err != nil {
		return err
	}
	store, err := at.openReader(ctx, a)
	if err != nil {
		return err
	}
	f, err := files.Open(from, path)
	if err != nil {
		return usagef("--safe-to-delete: %w", err)
	}
	defer f.Close()
	answer := &safeJSON{Path: path, Size: f.Stat().Size}
	res.Safe = answer
	places, err := candidates(c, ledger, from, path)
	if err != nil {
		return err
	}
	reason, err := (&proof{store: store, file: f}).judge(ctx, places)
	if err != nil {
		return err
	}
	if reason != "" {
		answer.Reason = reason
		return fmt.Errorf("%s, %d bytes: not yet: %s", path, answer.Size, reason)
	}
	answer.Safe, answer.Reason = true, "all of it is in the sink"
	a.say("%s, %d bytes: safe to delete, all of it is in the sink", path, answer.Size)
	return nil
}

// candidate is a table and origin that may hold a file; wanted says that it should.
type candidate struct {
	table  source.Table
	origin string
	wanted bool
}

// candidates lists where a file may be: wherever the ledger has sources, and the streams of the
// config. One that the ledger or the config's paths name the file for must hold it.
func candidates(
	c *Config, ledger *offsets.Ledger, from *logs, path string,
) ([]candidate, error) {
	var out []candidate
	add := func(x candidate) {
		for i := range out {
			if out[i].table == x.table && out[i].origin == x.origin {
				out[i].wanted = out[i].wanted || x.wanted
				return
			}
		}
		out = append(out, x)
	}
	keys, err := ledger.All()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		add(candidate{table: key.Table, origin: key.Origin})
	}
	for _, s := range c.Streams {
		x := candidate{table: source.Table{Stream: s.Name, Version: s.Version}}
		if s.OriginPath != nil {
			m := s.OriginPath.FindStringSubmatch(path)
			if m == nil {
				continue
			}
			x.origin = m[len(m)-1]
		}
		for _, pattern := range s.Paths {
			ok, err := from.matches(pattern, path)
			if err != nil {
				return nil, usagef("stream %s: %w", s.Name, err)
			}
			x.wanted = x.wanted || ok
		}
		add(x)
	}
	return out, nil
}

// proof holds a file against what the sink has committed.
type proof struct {
	store sink.Store
	file  *files.File
	head  []byte
}

// judge returns why the file may not be deleted, "" when it may.
func (p *proof) judge(ctx context.Context, places []candidate) (string, error) {
	head, ok, err := p.file.Head(true, nil)
	if corrupt, bad := errors.AsType[*files.CorruptError](err); bad {
		return corrupt.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if !ok {
		return "", nil // it holds nothing
	}
	p.head = head
	held := false
	for _, x := range places {
		covered, reason, err := p.in(ctx, x)
		if err != nil || reason != "" {
			return reason, err
		}
		if !covered && x.wanted {
			return fmt.Sprintf("nothing of it is in the table %s", x.table), nil
		}
		held = held || covered
	}
	if !held {
		return "the sink has no source that it is", nil
	}
	return "", nil
}

// in tells whether a table covers the whole file, or why it has the file but not all of it.
func (p *proof) in(ctx context.Context, x candidate) (covered bool, reason string, err error) {
	for k := uint64(0); ; k++ {
		id := source.NewID(x.origin, x.table.Stream, k, p.head)
		batches, err := p.batches(ctx, source.Key{Table: x.table, Origin: x.origin, ID: id})
		if err != nil || len(batches) == 0 {
			return covered, reason, err
		}
		verdict, why, err := p.compare(ctx, batches)
		if err != nil || verdict == isSource && why == "" {
			return err == nil, "", err
		}
		if verdict != isAnother {
			reason = why
		}
	}
}

// committed is where a committed range ends.
type committed struct {
	start, end int64
	chain      source.Digest
	lost, open bool
}

// batches walks the manifests of a source from 0.
func (p *proof) batches(ctx context.Context, key source.Key) ([]committed, error) {
	var out []committed
	for start := int64(0); ; {
		c, err := p.commit(ctx, seal.ManifestKey(key, start))
		if errors.Is(err, sink.ErrNotFound) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if c.Loss != nil {
			found, err := p.commit(ctx, seal.FoundKey(key, start))
			if err != nil && !errors.Is(err, sink.ErrNotFound) {
				return nil, err
			}
			if err == nil {
				c = found
			}
		}
		next := committed{start: start}
		if c.Manifest != nil {
			next.end, next.chain, next.open = c.Manifest.End, c.Manifest.ChainOut, c.Manifest.OpenEnd
		} else {
			next.end, next.chain, next.lost = *c.Loss.End, *c.Loss.ChainOut, true
		}
		out = append(out, next)
		start = next.end
	}
}

// manifestMax bounds what is read of a manifest; the largest name a few thousand objects.
const manifestMax = 64 << 20

func (p *proof) commit(ctx context.Context, key string) (seal.Commit, error) {
	r, _, err := p.store.Get(ctx, key)
	if err != nil {
		return seal.Commit{}, err
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, manifestMax))
	if err != nil {
		return seal.Commit{}, fmt.Errorf("read %s: %w", key, err)
	}
	return seal.ParseCommit(key, body)
}

type identity uint8

const (
	isSource  identity = iota // the file holds all that is committed, and the chains agree
	isAnother                 // a chain disagrees
	isUnclear                 // it ends before what is committed, or cannot be read so far
)

// compare tells whether the file is the source of these batches, and what of it they lack.
func (p *proof) compare(ctx context.Context, batches []committed) (identity, string, error) {
	var ends []int64
	for _, b := range batches {
		ends = append(ends, b.end)
	}
	marks, end, err := p.file.Marks(ctx, ends)
	corrupt, bad := errors.AsType[*files.CorruptError](err)
	if err != nil && !bad {
		return 0, "", err
	}
	for _, b := range batches {
		if m, ok := marks[b.end]; ok && m.Chain != b.chain {
			return isAnother, "", nil
		}
	}
	last := batches[len(batches)-1]
	switch {
	case bad:
		return isUnclear, corrupt.Error(), nil
	case end.Offset < last.end:
		return isUnclear, fmt.Sprintf("it ends at %d, before what is committed of its source (%d), "+
			"so it is not proved to be that one", end.Offset, last.end), nil
	case end.Offset > last.end:
		return isSource, fmt.Sprintf("the sink has it up to %d of %d", last.end, end.Offset), nil
	case last.open:
		return isSource, "its last line has no newline: it may go on", nil
	}
	for _, b := range batches {
		if b.lost {
			r := source.Range{Start: b.start, End: b.end}
			return isSource, fmt.Sprintf("%v was declared lost", r), nil
		}
	}
	return isSource, "", nil
}
