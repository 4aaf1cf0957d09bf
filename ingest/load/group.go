package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/source"
)

// group is the files of one stream and origin that begin with the same head: only they can be the
// same source, or contend for its k.
type group struct {
	key    source.Key // the least that a file of it may have
	stream *commit.Stream
	origin string
	paths  []string // sorted
}

// groups opens every file that is not known to be unchanged, and sorts the files by their heads.
func (r *loader) groups(ctx context.Context) ([]*group, error) {
	inputs := slices.Clone(r.Inputs)
	slices.SortStableFunc(inputs, func(a, b commit.Input) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Path, b.Path))
	})
	inputs, err := r.once(ctx, inputs)
	if err != nil {
		return nil, err
	}
	keys := make([]source.Key, len(inputs)) // zero for those that need no work
	looks, inner := errgroup.WithContext(ctx)
	looks.SetLimit(r.InHand)
	for i, in := range inputs {
		looks.Go(func() error {
			if err := inner.Err(); err != nil {
				return err
			}
			key, err := r.look(in)
			keys[i] = key
			return r.OrProblem(in.Path, err)
		})
	}
	if err := looks.Wait(); err != nil {
		return nil, err
	}
	var all []*group
	by := map[source.Key]*group{}
	for i, in := range inputs {
		key := keys[i]
		if key == (source.Key{}) {
			continue
		}
		g := by[key]
		if g == nil {
			g = &group{key: key, stream: &r.Streams[in.Stream], origin: key.Origin}
			by[key] = g
			all = append(all, g)
		}
		g.paths = append(g.paths, in.Path)
	}
	return all, nil
}

// once leaves out what is another name of a file before it, and what is not there.
func (r *loader) once(ctx context.Context, inputs []commit.Input) (left []commit.Input, err error) {
	seen := map[commit.SameFile]bool{}
	for _, in := range inputs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		stat, err := r.FS.Stat(in.Path)
		if err != nil {
			err = fmt.Errorf("look at %s: %w", in.Path, err)
			if err := r.OrProblem(in.Path, err); err != nil {
				return nil, err
			}
			continue
		}
		if id := commit.FileOf(in, stat); !seen[id] {
			seen[id] = true
			left = append(left, in)
		}
	}
	return left, nil
}

// look finds the least key a file may have; zero when the file needs no work.
func (r *loader) look(in commit.Input) (source.Key, error) {
	s := &r.Streams[in.Stream]
	origin, err := s.OriginOf(in.Path)
	if err != nil {
		r.countSource()
		return source.Key{}, commit.Stop(commit.Halted, in.Path, "%v", err)
	}
	known, err := r.remembered(s, in.Path, origin)
	if known {
		r.countSource()
	}
	if known || err != nil {
		return source.Key{}, err
	}
	head, ok, err := r.headOf(in.Path)
	if err != nil {
		r.countSource() // it may be of any shard: others may be able to read it
		return source.Key{}, err
	}
	key := source.KeyOf(s.Table(), origin, 0, head)
	if !r.Shard.Holds(key) { // of a file that holds nothing one shard speaks
		return source.Key{}, nil
	}
	r.countSource()
	if !ok {
		return source.Key{}, nil
	}
	r.ReadPaths.Store(in.Path, true)
	return key, nil
}

func (r *loader) countSource() { r.Counters.Add(func(rep *commit.Report) { rep.Sources++ }) }

// remembered reports whether a file was read to its end, as one of that origin, and has not changed since.
func (r *loader) remembered(s *commit.Stream, path, origin string) (bool, error) {
	if r.Rehash {
		return false, nil
	}
	rec, ok, err := r.Ledger.GetFile(s.Table(), path)
	if err != nil || !ok || rec.Key.Origin != origin {
		return false, err
	}
	stat, err := r.FS.Stat(path)
	if err != nil || rec.State != commit.StateOf(stat) {
		return false, err
	}
	src, ok, err := r.Ledger.Get(rec.Key)
	return ok && src.Shipped >= rec.Offset && len(src.Lost) == 0, err
}

// headOf reads a file's head; a file that holds nothing has none and is no source.
func (r *loader) headOf(path string) ([]byte, bool, error) {
	f, err := r.open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	head, ok, err := f.Head(true)
	var corrupt *files.CorruptError
	if errors.As(err, &corrupt) && !ok {
		return nil, false, commit.Stop(commit.KindOf(corrupt), path, "nothing of it can be read: %s", corrupt.Fault())
	}
	if err != nil && !errors.As(err, &corrupt) && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("read head of %s: %w", path, err)
	}
	return head, ok, nil
}

// extent is how far a file reads and what it says up to there.
type extent struct {
	path   string
	end    source.Mark
	points identity.Points // its first marks
	assume commit.Assume
	beside string // the longer file that it agrees with as far as it goes
}

// order settles the files of a group among themselves, before any is parsed: of files that agree
// as far as they go the longest is the source, and shorter ones are judged as if it were committed.
// It returns the files to read: those that agree with no longer one by their length, then by their
// path, and the others last. So each is held against sources that end before it does, which tell
// it apart; the other way round a short file would be undecided about a long one that is committed.
// Of equal files the first is read, and the others are then found to be committed.
func (r *loader) order(ctx context.Context, g *group) ([]extent, error) {
	if len(g.paths) == 1 {
		return []extent{{path: g.paths[0], assume: r.Assume}}, nil
	}
	all, err := r.extents(ctx, g)
	if err != nil {
		return nil, err
	}
	if err := r.findPrefixes(ctx, all); err != nil {
		return nil, err
	}
	var read []extent
	for _, x := range all {
		if x.beside != "" && r.Assume == commit.AssumeNothing {
			r.Counters.Problem(commit.Problem{Kind: commit.Undecided, Path: x.path, Message: fmt.Sprintf("it agrees with %s as far as it "+
				"goes, but ends at %d: a copy still being written, or an older state; it was not "+
				"read (`--assume copy` or `--assume new` decides)", x.beside, x.end.Offset)})
			continue
		}
		read = append(read, x)
	}
	slices.SortFunc(read, func(a, b extent) int {
		if (a.beside == "") != (b.beside == "") {
			return cmp.Compare(len(a.beside), len(b.beside))
		}
		return cmp.Or(cmp.Compare(a.end.Offset, b.end.Offset), cmp.Compare(a.path, b.path))
	})
	return read, nil
}

// extents reads each file of a group once.
func (r *loader) extents(ctx context.Context, g *group) ([]extent, error) {
	var all []extent
	for _, path := range g.paths {
		x, err := r.extentOf(ctx, path)
		if err != nil {
			if err := r.OrProblem(path, err); err != nil {
				return nil, err
			}
			continue
		}
		all = append(all, x)
	}
	return all, nil
}

func (r *loader) extentOf(ctx context.Context, path string) (extent, error) {
	f, err := r.open(path)
	if err != nil {
		return extent{}, err
	}
	defer f.Close()
	chain, err := f.ChainTo(ctx, math.MaxInt64)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return extent{}, err
	}
	end := source.Mark{Offset: chain.Offset(), Chain: chain.Sum()}
	return extent{path: path, end: end, points: chain.Marks(0, end.Offset), assume: r.Assume}, nil
}

// findPrefixes marks the files that say nothing else than a longer one as far as they go.
func (r *loader) findPrefixes(ctx context.Context, all []extent) error {
	slices.SortFunc(all, func(a, b extent) int {
		return cmp.Or(cmp.Compare(a.end.Offset, b.end.Offset), cmp.Compare(a.path, b.path))
	})
	for i := len(all) - 1; i > 0; i-- {
		long := &all[i]
		if long.beside != "" {
			continue
		}
		var at []int64
		for _, x := range all[:i] {
			if !x.points.Differ(long.points) {
				at = append(at, x.end.Offset)
			}
		}
		if len(at) == 0 {
			continue
		}
		f, err := r.open(long.path)
		if err != nil {
			return err
		}
		marks, _, err := commit.MarksTo(ctx, f, slices.Compact(at))
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		for j := range all[:i] {
			short := &all[j]
			if m, ok := marks[short.end.Offset]; ok && !short.points.Differ(long.points) && m.Chain == short.end.Chain &&
				short.end.Offset < long.end.Offset {
				short.beside = long.path
			}
		}
	}
	return nil
}
