package table

import (
	"fmt"
	"strconv"
	"strings"

	"logseal/ingest/batch"
	"logseal/ingest/source"
)

// RootKey is where a sink says its format. It is read before anything.
const RootKey = "logseal.json"

// The folders of a sink.
const (
	DataFolder       = "data/"
	QuarantineFolder = "quarantine/"
	ManifestFolder   = "manifests/"
	EpochFolder      = "epochs/"
	SchemaFolder     = "schemas/"
	SourceFolder     = "sources/"
)

const (
	parquetExt  = ".parquet"
	jsonExt     = ".json"
	foundSuffix = "-found"
	noteSuffix  = "-lost"
)

// KeyKind tells what stands at a key.
type KeyKind uint8

// The kinds of keys.
const (
	RootKind       KeyKind = iota + 1
	DataKind               // rows of one batch and one partition
	QuarantineKind         // the rejects of one batch
	ManifestKind           // a batch, or the declared loss of a range that was sealed
	FoundKind              // a batch of exactly the range of such a loss
	NoteKind               // a note on bytes that were never sealed
	EpochKind              // a stream's definition
	SchemaKind             // an inferred schema
	SourceKind             // a note on a source: who begins with a head
)

// ParsedKey is what a key says. Only the fields of its kind are set.
type ParsedKey struct {
	Kind      KeyKind
	Table     source.Table    // all kinds but RootKind
	Partition batch.Partition // DataKind
	Batch     BatchName       // DataKind, QuarantineKind
	Source    source.Key      // ManifestKind, FoundKind, NoteKind, SourceKind
	Start     int64           // ManifestKind, FoundKind, NoteKind
	Epoch     source.Digest   // EpochKind
	Head      HeadName        // SourceKind
}

// BatchName names a batch within its table and all that its bytes depend on.
type BatchName struct {
	ID    source.ID
	Range source.Range
	Seal  source.Seal
}

// String gives <sid>-<start>-<end>-<seal>.
func (n BatchName) String() string {
	return n.ID.String() + "-" + n.Range.Name() + "-" + n.Seal.String()
}

// ParseBatchName reads the form that String gives.
func ParseBatchName(s string) (BatchName, error) {
	const sid, offset, seal = 32, 16, 16
	const rangeAt, sealAt = sid + 1, sid + 1 + offset + 1 + offset + 1
	if len(s) != sealAt+seal || s[rangeAt-1] != '-' || s[sealAt-1] != '-' {
		return BatchName{}, fmt.Errorf("batch name %q: want <sid>-<start>-<end>-<seal>", s)
	}
	var n BatchName
	var err error
	if n.ID, err = source.ParseID(s[:sid]); err != nil {
		return BatchName{}, err
	}
	if n.Range, err = source.ParseRange(s[rangeAt : sealAt-1]); err != nil {
		return BatchName{}, err
	}
	if n.Seal, err = source.ParseSeal(s[sealAt:]); err != nil {
		return BatchName{}, err
	}
	return n, nil
}

// DataKey is where the rows of a batch that fall into a partition are put.
func DataKey(t source.Table, p batch.Partition, id source.ID, r source.Range,
	seal source.Seal) string {
	return DataPrefix(t) + p.Path() + "/" + BatchName{id, r, seal}.String() + parquetExt
}

// QuarantineKey is where the rejects of a batch are put.
func QuarantineKey(t source.Table, id source.ID, r source.Range, seal source.Seal) string {
	return QuarantinePrefix(t) + BatchName{id, r, seal}.String() + parquetExt
}

// ManifestKey is the one place for the batch, or the declared loss, that begins at start.
func ManifestKey(k source.Key, start int64) string {
	return SourcePrefix(k) + source.OffsetName(start) + jsonExt
}

// FoundKey is where a batch is put whose range had been declared lost.
func FoundKey(k source.Key, start int64) string {
	return SourcePrefix(k) + source.OffsetName(start) + foundSuffix + jsonExt
}

// NoteKey is where bytes from start on are noted that were never sealed.
func NoteKey(k source.Key, start int64) string {
	return SourcePrefix(k) + source.OffsetName(start) + noteSuffix + jsonExt
}

// EpochKey is where the epoch with a digest is put.
func EpochKey(t source.Table, epoch source.Digest) string {
	return EpochPrefix(t) + epoch.String() + jsonExt
}

// SchemaKey is where a table's inferred schema is put.
func SchemaKey(t source.Table) string { return SchemaFolder + t.String() + jsonExt }

// DataPrefix begins the keys of a table's rows.
func DataPrefix(t source.Table) string { return DataFolder + t.String() + "/" }

// QuarantinePrefix begins the keys of a table's rejects.
func QuarantinePrefix(t source.Table) string { return QuarantineFolder + t.String() + "/" }

// ManifestPrefix begins the keys of a table's manifests and losses.
func ManifestPrefix(t source.Table) string { return ManifestFolder + t.String() + "/" }

// SourcePrefix begins the keys of a source's manifests and losses.
func SourcePrefix(k source.Key) string { return ManifestFolder + k.String() + "/" }

// EpochPrefix begins the keys of a table's epochs.
func EpochPrefix(t source.Table) string { return EpochFolder + t.String() + "/" }

// String prints the key: what ParseKey read is printed as it was.
func (k ParsedKey) String() string {
	b := k.Batch
	switch k.Kind {
	case RootKind:
		return RootKey
	case DataKind:
		return DataKey(k.Table, k.Partition, b.ID, b.Range, b.Seal)
	case QuarantineKind:
		return QuarantineKey(k.Table, b.ID, b.Range, b.Seal)
	case ManifestKind:
		return ManifestKey(k.Source, k.Start)
	case FoundKind:
		return FoundKey(k.Source, k.Start)
	case NoteKind:
		return NoteKey(k.Source, k.Start)
	case EpochKind:
		return EpochKey(k.Table, k.Epoch)
	case SchemaKind:
		return SchemaKey(k.Table)
	case SourceKind:
		return sourceKey(k.Source, k.Head)
	}
	return ""
}

// ParseKey reads a key of any kind. A key that parses prints as the same text.
func ParseKey(key string) (ParsedKey, error) {
	k, err := parseKey(key)
	if err != nil {
		return ParsedKey{}, fmt.Errorf("key %q: %w", key, err)
	}
	if k.String() != key {
		return ParsedKey{}, fmt.Errorf("key %q: want it spelled %q", key, k)
	}
	return k, nil
}

func parseKey(key string) (ParsedKey, error) {
	if key == RootKey {
		return ParsedKey{Kind: RootKind}, nil
	}
	parts := strings.Split(key, "/")
	if len(parts) < 3 {
		return ParsedKey{}, fmt.Errorf("want <folder>/<stream>/v<version>…")
	}
	last := len(parts) - 1
	switch parts[0] + "/" {
	case DataFolder:
		return parseDataKey(parts[1:last], parts[last])
	case QuarantineFolder:
		return parseQuarantineKey(parts[1:last], parts[last])
	case ManifestFolder:
		return parseManifestKey(parts[1:last], parts[last])
	case EpochFolder:
		return parseEpochKey(parts[1:last], parts[last])
	case SchemaFolder:
		return parseSchemaKey(parts[1:last], parts[last])
	case SourceFolder:
		return parseSourceKey(parts[1:last], parts[last])
	}
	return ParsedKey{}, fmt.Errorf("no folder of ours")
}

// wantParts checks the folders between the first one and the file and reads the table, which they
// begin with.
func wantParts(folders []string, atLeast, atMost int) (source.Table, error) {
	if len(folders) < atLeast || len(folders) > atMost {
		return source.Table{}, fmt.Errorf("too few or too many folders")
	}
	return ParseTable(folders[0] + "/" + folders[1])
}

func parseDataKey(folders []string, file string) (ParsedKey, error) {
	t, err := wantParts(folders, 3, 4)
	if err != nil {
		return ParsedKey{}, err
	}
	p, err := batch.ParsePartition(strings.Join(folders[2:], "/"))
	if err != nil {
		return ParsedKey{}, err
	}
	n, err := parseObjectFile(file)
	return ParsedKey{Kind: DataKind, Table: t, Partition: p, Batch: n}, err
}

func parseQuarantineKey(folders []string, file string) (ParsedKey, error) {
	t, err := wantParts(folders, 2, 2)
	if err != nil {
		return ParsedKey{}, err
	}
	n, err := parseObjectFile(file)
	return ParsedKey{Kind: QuarantineKind, Table: t, Batch: n}, err
}

func parseObjectFile(file string) (BatchName, error) {
	name, ok := strings.CutSuffix(file, parquetExt)
	if !ok {
		return BatchName{}, fmt.Errorf("want a file that ends in %s", parquetExt)
	}
	return ParseBatchName(name)
}

func parseManifestKey(folders []string, file string) (ParsedKey, error) {
	t, err := wantParts(folders, 4, 4)
	if err != nil {
		return ParsedKey{}, err
	}
	k := ParsedKey{Kind: ManifestKind, Table: t}
	if k.Source, err = parseSource(t, folders[2], folders[3]); err != nil {
		return ParsedKey{}, err
	}
	name, ok := strings.CutSuffix(file, jsonExt)
	if !ok {
		return ParsedKey{}, fmt.Errorf("want a file that ends in %s", jsonExt)
	}
	if n, ok := strings.CutSuffix(name, foundSuffix); ok {
		k.Kind, name = FoundKind, n
	} else if n, ok := strings.CutSuffix(name, noteSuffix); ok {
		k.Kind, name = NoteKind, n
	}
	k.Start, err = source.ParseOffset(name)
	return k, err
}

func parseEpochKey(folders []string, file string) (ParsedKey, error) {
	t, err := wantParts(folders, 2, 2)
	if err != nil {
		return ParsedKey{}, err
	}
	name, ok := strings.CutSuffix(file, jsonExt)
	if !ok {
		return ParsedKey{}, fmt.Errorf("want a file that ends in %s", jsonExt)
	}
	d, err := source.ParseDigest(name)
	return ParsedKey{Kind: EpochKind, Table: t, Epoch: d}, err
}

func parseSchemaKey(folders []string, file string) (ParsedKey, error) {
	name, ok := strings.CutSuffix(file, jsonExt)
	if !ok || len(folders) != 1 {
		return ParsedKey{}, fmt.Errorf("want %s<stream>/v<version>%s", SchemaFolder, jsonExt)
	}
	t, err := ParseTable(folders[0] + "/" + name)
	return ParsedKey{Kind: SchemaKind, Table: t}, err
}

// ParseTable reads a table as it stands in keys: <stream>/v<version>.
func ParseTable(s string) (source.Table, error) {
	stream, v, ok := strings.Cut(s, "/v")
	if !ok {
		return source.Table{}, fmt.Errorf("table %q: want <stream>/v<version>", s)
	}
	if err := source.CheckName(stream); err != nil {
		return source.Table{}, err
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || strconv.Itoa(n) != v {
		return source.Table{}, fmt.Errorf("table %q: want a version from 1 on", s)
	}
	return source.Table{Stream: stream, Version: n}, nil
}
