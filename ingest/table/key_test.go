package table

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

func genParsedKey() *rapid.Generator[ParsedKey] {
	return rapid.Custom(func(t *rapid.T) ParsedKey {
		src := genSource().Draw(t, "source")
		start := rapid.Int64Range(0, 1<<62).Draw(t, "start")
		k := ParsedKey{Kind: KeyKind(rapid.IntRange(int(RootKind), int(SourceKind)).Draw(t, "kind"))}
		if k.Kind != RootKind {
			k.Table = src.Table
		}
		switch k.Kind {
		case DataKind, QuarantineKind:
			end := rapid.Int64Range(start+1, math.MaxInt64).Draw(t, "end")
			k.Batch = BatchName{ID: src.ID, Range: source.Range{Start: start, End: end}}
			k.Batch.Seal = source.NewSeal(genDigest().Draw(t, "chain"), source.Digest{})
			if k.Kind == DataKind {
				k.Partition = genPartition().Draw(t, "partition")
			}
		case ManifestKind, FoundKind, NoteKind:
			k.Source, k.Start = src, start
		case SourceKind:
			k.Source, k.Head = src, NameOfHead(genDigest().Draw(t, "head"))
		case EpochKind:
			k.Epoch = genDigest().Draw(t, "epoch")
		}
		return k
	})
}

func TestParseKey_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genParsedKey().Draw(t, "key")
		got, err := ParseKey(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
		if want.Kind == DataKind || want.Kind == QuarantineKind {
			name, err := ParseBatchName(want.Batch.String())
			require.NoError(t, err)
			require.Equal(t, want.Batch, name)
		}
	})
}

func TestParseKey_Golden(t *testing.T) {
	const sid = "42bb1ab47635691e7917a9a0b921b102"
	const name = sid + "-0000000000000000-00000000000000ff-0123456789abcdef"
	for _, key := range []string{
		"logseal.json",
		"data/app/v1/dt=2024-01-15/" + name + ".parquet",
		"data/app/v1/dt=2024-01-15/hour=03/" + name + ".parquet",
		"data/app/v1/dt=__HIVE_DEFAULT_PARTITION__/" + name + ".parquet",
		"quarantine/app/v12/" + name + ".parquet",
		"manifests/app/v1/-/" + sid + "/0000000000000000.json",
		"manifests/app/v1/web-1/" + sid + "/00000000000000ff-found.json",
		"manifests/app/v1/web-1/" + sid + "/00000000000000ff-lost.json",
		"epochs/app/v1/" + source.Digest{}.String() + ".json",
		"schemas/app/v1.json",
		"sources/app/v1/0123456789abcdef/--" + sid + ".json",
		"sources/app/v1/0123456789abcdef/web-1-" + sid + ".json",
	} {
		k, err := ParseKey(key)
		require.NoError(t, err)
		require.Equal(t, key, k.String())
	}
}

func TestParseKey_Refuses(t *testing.T) {
	const sid = "42bb1ab47635691e7917a9a0b921b102"
	const name = sid + "-0000000000000000-00000000000000ff-0123456789abcdef"
	for _, key := range []string{
		"", "/", "data", "data/", "logseal.json/", "Logseal.json", "other/app/v1/x",
		"data/app/v1/" + name + ".parquet",                       // no partition
		"data/app/v1/hour=03/" + name + ".parquet",               // no dt
		"data/app/v1/dt=2024-01-15/hour=3/" + name + ".parquet",  // hour in one digit
		"data/app/v1/dt=2024-01-15/hour=24/" + name + ".parquet", // no such hour
		"data/app/v1/dt=2024-02-30/" + name + ".parquet",         // no such day
		"data/app/v1/dt=2024-01-15/x=1/" + name + ".parquet",     // no such partition
		"data/app/v1/dt=2024-01-15/h=1/h=2/" + name + ".parquet", // too deep
		"data/app/v0/dt=2024-01-15/" + name + ".parquet",         // version from 1
		"data/app/v01/dt=2024-01-15/" + name + ".parquet",        // leading zero
		"data/app/v+1/dt=2024-01-15/" + name + ".parquet",        // sign
		"data/app/1/dt=2024-01-15/" + name + ".parquet",          // no v
		"data/-/v1/dt=2024-01-15/" + name + ".parquet",           // no such stream name
		"data/app/v1/dt=2024-01-15/" + name + ".Parquet",         // extension
		"data/app/v1/dt=2024-01-15/x" + name + ".parquet",        // name
		"data/app/v1/dt=2024-01-15//" + name + ".parquet",        // empty folder
		"/data/app/v1/dt=2024-01-15/" + name + ".parquet",        // absolute
		"data/app/v1/dt=2024-01-15/" + strings.ToUpper(name) + ".parquet",
		"quarantine/app/v1/dt=2024-01-15/" + name + ".parquet",    // no partitions there
		"manifests/app/v1/" + sid + "/0000000000000000.json",      // no origin
		"manifests/app/v1//" + sid + "/0000000000000000.json",     // no origin
		"manifests/app/v1/--/" + sid + "/0000000000000000.json",   // no such origin
		"manifests/app/v1/-/" + sid + "/0.json",                   // offset
		"manifests/app/v1/-/" + sid + "/ffffffffffffffff.json",    // offset
		"manifests/app/v1/-/" + sid + "/0000000000000000-x.json",  // suffix
		"manifests/app/v1/-/" + sid + "/0000000000000000.parquet", // extension
		"epochs/app/v1/00.json", "schemas/app/v1/x.json", "schemas/app.json",
		"sources/app/v1/--" + sid + ".json",                           // no head
		"sources/app/v1/0123456789abcde/--" + sid + ".json",           // head
		"sources/app/v1/0123456789ABCDEF/--" + sid + ".json",          // head
		"sources/app/v1/0123456789abcdef/x/--" + sid + ".json",        // too deep
		"sources/app/v1/0123456789abcdef/" + sid + ".json",            // no origin
		"sources/app/v1/0123456789abcdef/-" + sid + ".json",           // no origin
		"sources/app/v1/0123456789abcdef/_-" + sid + ".json",          // no such origin
		"sources/app/v1/0123456789abcdef/--" + sid[1:] + ".json",      // sid
		"sources/app/v1/0123456789abcdef/--" + sid + ".parquet",       // extension
		"sources/app/v1/0123456789abcdef/--" + sid + "-x.json",        // suffix
		"sources/app/v1/0123456789abcdef/web-1--" + sid[1:] + ".json", // sid
	} {
		_, err := ParseKey(key)
		require.Error(t, err, key)
	}
}

func TestSourceKey_LiesUnderItsHead(t *testing.T) {
	k := source.Key{Table: source.Table{Stream: "app", Version: 2}, Origin: "web-1",
		ID: source.NewID("web-1", "app", 0, []byte("head\n"))}
	head := source.DigestOf([]byte("head\n"))
	require.Equal(t, "sources/app/v2/"+head.String()[:16]+"/", HeadPrefix(k.Table, head))
	require.Equal(t, HeadPrefix(k.Table, head)+"web-1-"+k.ID.String()+".json", SourceKey(k, head))
	k.Origin = ""
	require.Equal(t, HeadPrefix(k.Table, head)+"--"+k.ID.String()+".json", SourceKey(k, head))
}

func TestManifestKey_SortsByStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := genSource().Draw(t, "source")
		a := rapid.Int64Range(0, 1<<62).Draw(t, "a")
		b := rapid.Int64Range(0, 1<<62).Draw(t, "b")
		require.Equal(t, a < b, ManifestKey(k, a) < ManifestKey(k, b))
		require.True(t, strings.HasPrefix(ManifestKey(k, a), SourcePrefix(k)))
		require.True(t, strings.HasPrefix(SourcePrefix(k), ManifestPrefix(k.Table)))
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("logseal.json")
	f.Add("data/app/v1/dt=2024-01-15/hour=03/42bb1ab47635691e7917a9a0b921b102-" +
		"0000000000000000-00000000000000ff-0123456789abcdef.parquet")
	f.Add("manifests/app/v1/-/42bb1ab47635691e7917a9a0b921b102/0000000000000000-lost.json")
	f.Add("sources/app/v1/0123456789abcdef/web-1-42bb1ab47635691e7917a9a0b921b102.json")
	f.Fuzz(func(t *testing.T, key string) {
		k, err := ParseKey(key)
		if err == nil {
			require.Equal(t, key, k.String())
		}
	})
}
