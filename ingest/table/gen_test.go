package table

import (
	"math"
	"slices"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/source"

	"pgregory.net/rapid"
)

// Generators of everything that has a text form.

func genDigest() *rapid.Generator[source.Digest] {
	return rapid.Custom(func(t *rapid.T) source.Digest {
		return source.DigestOf([]byte(rapid.String().Draw(t, "digest of")))
	})
}

func genID() *rapid.Generator[source.ID] {
	return rapid.Custom(func(t *rapid.T) source.ID {
		return source.NewID("", "s", rapid.Uint64().Draw(t, "sid of k"), nil)
	})
}

func genName() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,62}`)
}

func genTable() *rapid.Generator[source.Table] {
	return rapid.Custom(func(t *rapid.T) source.Table {
		return source.Table{Stream: genName().Draw(t, "stream"),
			Version: rapid.IntRange(1, math.MaxInt).Draw(t, "version")}
	})
}

func genSource() *rapid.Generator[source.Key] {
	return rapid.Custom(func(t *rapid.T) source.Key {
		k := source.Key{Table: genTable().Draw(t, "table"), ID: genID().Draw(t, "sid")}
		if rapid.Bool().Draw(t, "has origin") {
			k.Origin = genName().Draw(t, "origin")
		}
		return k
	})
}

func genPartition() *rapid.Generator[batch.Partition] {
	return rapid.Custom(func(t *rapid.T) batch.Partition {
		if rapid.IntRange(0, 9).Draw(t, "none") == 0 {
			return batch.NoPartition()
		}
		return genGranularity().Draw(t, "granularity").PartitionOf(genTime().Draw(t, "event time"))
	})
}

func genGranularity() *rapid.Generator[batch.Granularity] {
	return rapid.SampledFrom([]batch.Granularity{batch.Day, batch.Hour})
}

func genTime() *rapid.Generator[int64] { return rapid.Int64Range(minMicros, maxMicros) }

// genContent is a source's bytes, of which a batch is [start, end).
func genRange(t *rapid.T) (in, out source.Point) {
	content := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "content")
	start := rapid.IntRange(0, len(content)-1).Draw(t, "start")
	end := rapid.IntRange(start+1, len(content)).Draw(t, "end")
	c := source.NewChain()
	c.Write(content[:start])
	in = c.Point()
	c.Write(content[start:end])
	out = c.Point()
	if rapid.Bool().Draw(t, "is large") { // nothing of the chain can be told from such an end
		in.Offset += rapid.Int64Range(1<<20, math.MaxInt64-1<<31).Draw(t, "from")
		out.Offset = in.Offset + rapid.Int64Range(1, 1<<30).Draw(t, "length")
		if out.Offset%source.BlockSize == 0 {
			out.Offset--
		}
		if out.Offset == in.Offset {
			out.Offset += 2
		}
	}
	return in, out
}

func genManifest() *rapid.Generator[*Manifest] {
	return rapid.Custom(func(t *rapid.T) *Manifest {
		k := genSource().Draw(t, "source")
		in, out := genRange(t)
		m := &Manifest{Format: Format, Stream: k.Table.Stream, Version: k.Table.Version,
			Origin: k.Origin, SID: k.ID, K: rapid.Uint64().Draw(t, "k"),
			Epoch: genDigest().Draw(t, "epoch"), Start: in.Offset, End: out.Offset,
			OpenEnd: rapid.Bool().Draw(t, "open end"), ChainIn: in.Chain, ChainOut: out.Chain,
			ChainState: out.State, Marks: genMarks(t, in.Offset, out.Offset)}
		m.Seal = source.NewSeal(m.ChainOut, m.Epoch)
		if m.Start > 0 && rapid.Bool().Draw(t, "has carry") {
			m.Carry = &Carry{Line: rapid.Int64Range(0, m.Start-1).Draw(t, "line"),
				Rest: genRest(t, m.Start)}
		}
		m.Rest = genRest(t, m.End)
		genCounts(t, m)
		genObjects(t, m)
		return m
	})
}

// genMarks gives the marks that a range has; their chains are made up.
func genMarks(t *rapid.T, start, end int64) (ms []source.Mark) {
	for off := source.NextMark(start); off < end; off = source.NextMark(off) {
		ms = append(ms, source.Mark{Offset: off, Chain: genDigest().Draw(t, "mark")})
	}
	return ms
}

// genRest is what is carried over to offset.
func genRest(t *rapid.T, offset int64) (c source.Carry) {
	for i := range c {
		kind := rapid.SampledFrom([]source.ChunkKind{source.Lines, source.Lines, source.Continued,
			source.TooLong}).Draw(t, "rest")
		if kind != source.Lines {
			c[i] = source.Rest{Kind: kind, Of: rapid.Int64Range(0, offset-1).Draw(t, "of")}
		}
	}
	return c
}

func genCounts(t *rapid.T, m *Manifest) {
	size := m.End - m.Start
	m.RowBytes = rapid.Int64Range(0, size).Draw(t, "row bytes")
	m.RejectBytes = rapid.Int64Range(0, size-m.RowBytes).Draw(t, "reject bytes")
	m.SkippedBytes = size - m.RowBytes - m.RejectBytes
	least := func(n int64) int64 { return min(1, n) }
	m.Rows = rapid.Int64Range(least(m.RowBytes), m.RowBytes).Draw(t, "rows")
	m.Rejects = rapid.Int64Range(least(m.RejectBytes), m.RejectBytes).Draw(t, "rejects")
	m.Skipped = rapid.Int64Range(least(m.SkippedBytes), m.SkippedBytes).Draw(t, "skipped")
	m.Records = m.Rows + m.Rejects
}

func genObjects(t *rapid.T, m *Manifest) {
	object := func(key string, rows int64) {
		m.Objects = append(m.Objects, Object{Key: key, Rows: rows,
			Bytes:  rapid.Int64Min(1).Draw(t, "bytes"),
			SHA256: genDigest().Draw(t, "sha256")})
	}
	if m.Rejects > 0 {
		object(QuarantineKey(m.Table(), m.SID, m.Range(), m.Seal), m.Rejects)
	}
	ps := genPartitions(t, m)
	rest := m.Rows
	for i, p := range ps {
		n := rest - int64(len(ps)-1-i)
		if i < len(ps)-1 {
			n = rapid.Int64Range(1, n).Draw(t, "rows of object")
		}
		rest -= n
		object(DataKey(m.Table(), p, m.SID, m.Range(), m.Seal), n)
	}
	slices.SortFunc(m.Objects, func(a, b Object) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
}

func genLoss() *rapid.Generator[*Loss] {
	return rapid.Custom(func(t *rapid.T) *Loss {
		k := genSource().Draw(t, "source")
		in, out := genRange(t)
		l := &Loss{Format: Format, Stream: k.Table.Stream, Version: k.Table.Version,
			Origin: k.Origin, SID: k.ID, K: rapid.Uint64().Draw(t, "k"), Kind: Lost,
			Start: in.Offset, End: &out.Offset, ChainIn: in.Chain,
			ChainOut: &out.Chain, ChainState: &out.State,
			Marks: genMarks(t, in.Offset, out.Offset)}
		reasons := []LossReason{Deleted, Truncated, NotWanted}
		if rapid.Bool().Draw(t, "is note") {
			l.Kind, l.ChainOut, l.ChainState, l.Marks = Note, nil, nil, nil
			reasons = reasons[:2]
			if rapid.Bool().Draw(t, "end unknown") {
				least := l.Start + rapid.Int64Range(0, math.MaxInt64-l.Start).Draw(t, "at least")
				l.End, l.AtLeast = nil, &least
			}
		}
		l.Reason = rapid.SampledFrom(reasons).Draw(t, "reason")
		return l
	})
}

// genEpoch gives epochs whose strings hold anything; what a pattern must look like is package
// parse's to test.
func genEpoch() *rapid.Generator[*Epoch] {
	return rapid.Custom(func(t *rapid.T) *Epoch {
		e := NewEpoch(genTable().Draw(t, "table"), parse.Definition{})
		e.Encoder = rapid.IntRange(1, 3).Draw(t, "encoder")
		e.Parser.Columns = rapid.SliceOfN(genColumn(), 1, 3).Draw(t, "columns")
		e.Parser.Frame = rapid.SampledFrom([]parse.Frame{parse.NoFrame, parse.CRI,
			parse.DockerJSON}).Draw(t, "frame")
		if e.Parser.Kind = rapid.SampledFrom([]parse.Kind{parse.Regex, parse.JSON}).
			Draw(t, "kind"); e.Parser.Kind == parse.Regex {
			e.Parser.Pattern = rapid.String().Draw(t, "pattern")
		} else {
			e.Parser.UnknownKeys = rapid.SampledFrom([]parse.UnknownKeys{parse.KeepUnknown,
				parse.DropUnknown, parse.RejectUnknown}).Draw(t, "unknown keys")
		}
		e.Partition = genGranularity().Draw(t, "partition")
		if rapid.Bool().Draw(t, "has window") {
			from := rapid.Int64Range(minMicros, maxMicros-1).Draw(t, "from")
			to := rapid.Int64Range(from+1, maxMicros).Draw(t, "to")
			e.Parser.Window = parse.Window{From: from, To: to}
		}
		if rapid.Bool().Draw(t, "has max_record_bytes") {
			e.MaxRecordBytes = rapid.Int64Min(1).Draw(t, "max_record_bytes")
		}
		if rapid.Bool().Draw(t, "has compression") {
			e.Compression = "none"
		}
		return e
	})
}

func genColumn() *rapid.Generator[parse.Column] {
	return rapid.Custom(func(t *rapid.T) parse.Column {
		text := rapid.OneOf(rapid.Just(""), rapid.String())
		texts := rapid.SliceOfN(rapid.String(), 0, 2)
		c := parse.Column{
			Name:      rapid.String().Draw(t, "name"),
			Type:      parse.Type(rapid.IntRange(0, int(parse.Duration)).Draw(t, "type")),
			Key:       text.Draw(t, "key"),
			Layout:    text.Draw(t, "layout"),
			Zone:      text.Draw(t, "zone"),
			EventTime: rapid.Bool().Draw(t, "event time"),
			Optional:  rapid.Bool().Draw(t, "optional"),
			Enum:      texts.Draw(t, "enum"),
			Min:       text.Draw(t, "min"),
			Max:       text.Draw(t, "max"),
			MinLength: rapid.Int().Draw(t, "min length"),
			MaxLength: rapid.Int().Draw(t, "max length"),
			Pattern:   text.Draw(t, "pattern"),
		}
		c.NullValues = texts.Draw(t, "null values")
		if len(c.NullValues) == 0 {
			c.NullValues = nil
		}
		if len(c.Enum) == 0 {
			c.Enum = nil
		}
		return c
	})
}

// genPartitions draws where a manifest's rows lie, and their least and greatest event time.
func genPartitions(t *rapid.T, m *Manifest) []batch.Partition {
	if m.Rows == 0 {
		return nil
	}
	g := genGranularity().Draw(t, "granularity")
	times := rapid.SliceOfN(genTime(), 0, int(min(4, m.Rows))).Draw(t, "times")
	if len(times) > 0 {
		lo, hi := slices.Min(times), slices.Max(times)
		m.MinTime, m.MaxTime = &lo, &hi
	}
	var ps []batch.Partition
	for _, at := range times {
		if p := g.PartitionOf(at); !slices.Contains(ps, p) {
			ps = append(ps, p)
		}
	}
	if len(ps) == 0 || int64(len(ps)) < m.Rows && rapid.Bool().Draw(t, "some without") {
		ps = append(ps, batch.NoPartition())
	}
	return ps
}
