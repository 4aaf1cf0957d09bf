package verify

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/dir"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/table"
)

func TestRun_CleanBucket_HasNoFinding(t *testing.T) {
	for _, maxBytes := range []int64{0, 200, 1000} {
		b := newBucket(t)
		one := b.load("one.log", content("one", 100), 0, maxBytes)
		two := b.load("two.log", append(content("two", 30), "an open end"...), 0, maxBytes)
		before := b.store.Snapshot()
		r := b.run(everything("one.log", "two.log"))
		requireOnly(t, r, map[Kind][]string{})
		require.Empty(t, r.Findings)
		require.Equal(t, int64(2), r.Sources)
		require.Equal(t, int64(len(one)+len(two)), r.Batches)
		var objects, rows, rejects int64
		for _, m := range append(one, two...) {
			objects += int64(len(m.Objects))
			rows += m.Rows
			rejects += m.Rejects
		}
		require.Equal(t, []int64{objects, rows, rejects}, []int64{r.Objects, r.Rows, r.Rejects})
		require.NotZero(t, rows)
		require.NotZero(t, rejects)
		require.Equal(t, before, b.store.Snapshot())
	}
}

// The same in a folder, of which it changes nothing.
func TestRun_Folder(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 100), 0, 1000)
	root := t.TempDir()
	w, err := dir.New(root, "w1", dir.DefaultMode)
	require.NoError(t, err)
	for _, key := range b.store.Keys() {
		require.NoError(t, w.Put(t.Context(), sinktest.Object(key, b.store.Body(key))))
	}
	require.NoError(t, os.RemoveAll(filepath.Join(root, ".tmp")))
	store, err := dir.NewReader(root)
	require.NoError(t, err)
	o := everything("one.log")
	o.Store, o.FS, o.Clean = store, b.fsys, true
	o.Spool = func() ([]spool.Entry, error) { return spool.List(filepath.Join(root, ".state", "x")) }
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{})
	require.Equal(t, int64(1), r.Sources)
	found, err := fs.Glob(os.DirFS(root), "*")
	require.NoError(t, err)
	require.Equal(t, []string{"data", "epochs", "logseal.json", "manifests", "quarantine"}, found)
}

func TestReport_JSON_HasTheFieldsOfTheDesign(t *testing.T) {
	b := newBucket(t)
	body, err := json.Marshal(b.run(Options{}))
	require.NoError(t, err)
	require.Equal(t, `{"ok":true,"sources":0,"batches":0,"objects":0,"rows":0,"rejects":0,`+
		`"missing":[],"gaps":[],"overlaps":[],"differing":[],"superseded":[],"unfinished":[],`+
		`"pending":[],"lost":[],"expired":[],"twins":[]}`, string(body))
}

func TestRun_NoTable(t *testing.T) {
	b := newBucket(t)
	b.store.Plant(table.RootKey, nil)
	_, err := b.tryRun(Options{})
	require.ErrorIs(t, err, ErrNoTable)
	require.ErrorIs(t, Files(t.Context(), Options{Store: b.store}, nil), ErrNoTable)

	b.store.Plant(table.RootKey, []byte("{\"format\":2}\n"))
	var unknown *table.FormatError
	_, err = b.tryRun(Options{})
	require.ErrorAs(t, err, &unknown)
	require.ErrorAs(t, Files(t.Context(), Options{Store: b.store}, nil), &unknown)

	b.store.Plant(table.RootKey, []byte("rubbish"))
	_, err = b.tryRun(Options{})
	require.Error(t, err)
}

func TestRun_FaultsOfObjects(t *testing.T) {
	for name, plant := range map[string]struct {
		do   func(b *bucket, m *table.Manifest) map[Kind][]string
		deep bool // only Deep sees it
	}{
		"deleted": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			b.store.Plant(m.Objects[0].Key, nil)
			return map[Kind][]string{Missing: {m.Objects[0].Key}}
		}},
		"truncated": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			body := b.store.Body(m.Objects[0].Key)
			b.store.Plant(m.Objects[0].Key, body[:len(body)-1])
			return map[Kind][]string{Differing: {m.Objects[0].Key}}
		}},
		"bit-flipped": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			body := append([]byte(nil), b.store.Body(m.Objects[0].Key)...)
			body[len(body)/2] ^= 1
			b.store.Plant(m.Objects[0].Key, body)
			return map[Kind][]string{Differing: {m.Objects[0].Key}}
		}},
		"swapped": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			x, y := m.Objects[0].Key, m.Objects[1].Key
			bx, by := b.store.Body(x), b.store.Body(y)
			b.store.Plant(x, by)
			b.store.Plant(y, bx)
			return map[Kind][]string{Differing: {x, y}}
		}},
		"doubled in another partition": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			key := strings.Replace(m.Objects[0].Key, "dt=2024-01-01", "dt=2024-02-01", 1)
			b.store.Plant(key, b.store.Body(m.Objects[0].Key))
			return map[Kind][]string{Superseded: {key}}
		}},
		"doubled as another source's": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			key := strings.Replace(m.Objects[0].Key, m.SID.String(), strings.Repeat("0", 32), 1)
			b.store.Plant(key, b.store.Body(m.Objects[0].Key))
			return map[Kind][]string{Differing: {key}}
		}, deep: true},
		"renamed to a later range": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			later := table.BatchName{ID: m.SID, Range: m.Range(), Seal: m.Seal}
			later.Range.Start += 1 << 40
			later.Range.End += 1 << 40
			key := strings.Replace(m.Objects[0].Key, m.BatchName().String(), later.String(), 1)
			b.store.Plant(key, b.store.Body(m.Objects[0].Key))
			b.store.Plant(m.Objects[0].Key, nil)
			return map[Kind][]string{Missing: {m.Objects[0].Key}, Differing: {key}}
		}, deep: true},
		"renamed to no name of ours": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			b.store.Plant(m.Objects[0].Key+".bak", b.store.Body(m.Objects[0].Key))
			b.store.Plant(m.Objects[0].Key, nil)
			return map[Kind][]string{Missing: {m.Objects[0].Key}, Differing: {m.Objects[0].Key + ".bak"}}
		}},
		"stray names": {do: func(b *bucket, m *table.Manifest) map[Kind][]string {
			keys := []string{"data/app/v1/x", "epochs/app/v1/x.json", "manifests/app/x.json",
				"quarantine/app/v1/x.parquet", "schemas/app/x", "sources/app/v1/x.json"}
			for _, key := range keys {
				b.store.Plant(key, []byte("x"))
			}
			return map[Kind][]string{Differing: keys}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.load("one.log", content("one", 100), 0, 1000)
			m := b.load("two.log", content("two", 100), 0, 1000)[1]
			want := plant.do(b, m)
			requireOnly(t, b.run(Options{Deep: true}), want)
			if !plant.deep {
				requireOnly(t, b.run(Options{}), want)
			}
		})
	}
}

func TestRun_NotesOnSources_AreNamesOfOurs(t *testing.T) {
	b := newBucket(t)
	m := b.load("one.log", content("one", 100), 0, 1000)[0]
	b.store.Plant(table.SourceKey(m.SourceKey(), source.DigestOf([]byte("head"))), []byte("anything"))
	require.True(t, b.run(Options{Deep: true}).OK)
}

func TestRun_FaultsOfManifests(t *testing.T) {
	for name, plant := range map[string]func(b *bucket, ms []*table.Manifest) map[Kind][]string{
		"lost at the start": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.store.Plant(ms[0].Key(), nil)
			return map[Kind][]string{Gap: {rangeOf(ms[0])}, Unfinished: keysOf(ms[0])}
		},
		"lost in the middle": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.store.Plant(ms[1].Key(), nil)
			b.store.Plant(ms[2].Key(), nil)
			both := *ms[1]
			both.End = ms[2].End
			return map[Kind][]string{Gap: {rangeOf(&both)},
				Unfinished: keysOf(ms[1], ms[2])}
		},
		"lost at the end": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			last := ms[len(ms)-1]
			b.store.Plant(last.Key(), nil)
			return map[Kind][]string{Unfinished: keysOf(last)}
		},
		"truncated": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			body := b.store.Body(ms[1].Key())
			b.store.Plant(ms[1].Key(), body[:len(body)-1])
			return map[Kind][]string{Differing: {ms[1].Key()}, Unfinished: keysOf(ms[1])}
		},
		"swapped within the source": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.store.Plant(ms[0].Key(), ms[1].JSON())
			b.store.Plant(ms[1].Key(), ms[0].JSON())
			return map[Kind][]string{Differing: {ms[0].Key(), ms[1].Key()},
				Unfinished: keysOf(ms[0], ms[1])}
		},
		"copied to another source": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			key := strings.Replace(ms[0].Key(), ms[0].SID.String(), strings.Repeat("0", 32), 1)
			b.store.Plant(key, ms[0].JSON())
			return map[Kind][]string{Differing: {key}}
		},
		"copied to another origin, body too": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			m := *ms[0]
			m.Origin = "web-1"
			b.store.Plant(m.Key(), m.JSON())
			return map[Kind][]string{Overlap: keysOf(ms[0]), Twin: pair(m.SourceKey(), ms[0].SourceKey())}
		},
		"rows edited": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.edit(ms[1], func(m *table.Manifest) { m.Rows++ })
			return map[Kind][]string{Differing: {ms[1].Key()}, Unfinished: keysOf(ms[1])}
		},
		"rows edited everywhere": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.edit(ms[1], func(m *table.Manifest) {
				m.Rows, m.Records, m.Objects[0].Rows = m.Rows+1, m.Records+1, m.Objects[0].Rows+1
			})
			return map[Kind][]string{Differing: {ms[1].Objects[0].Key}}
		},
		"k edited": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.edit(ms[1], func(m *table.Manifest) { m.K++ })
			return map[Kind][]string{Differing: {ms[1].Key()}}
		},
		"chain_in edited": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.edit(ms[1], func(m *table.Manifest) { m.ChainIn[0]++ })
			return map[Kind][]string{Differing: {ms[1].Key()}}
		},
		"end grown into the next": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.edit(ms[1], func(m *table.Manifest) {
				m.End, m.SkippedBytes = m.End+1, m.SkippedBytes+1
				for i := range m.Objects {
					m.Objects[i].Key = strings.Replace(m.Objects[i].Key, ms[1].BatchName().String(),
						m.BatchName().String(), 1)
				}
			})
			edited := *ms[1]
			edited.End++
			missing := keysOf(ms[1])
			for i := range missing {
				missing[i] = strings.Replace(missing[i], ms[1].BatchName().String(),
					edited.BatchName().String(), 1)
			}
			return map[Kind][]string{Missing: missing, Superseded: keysOf(ms[1]),
				Overlap: {ms[1].SourceKey().String() + " " +
					rangeString(ms[2].Start, edited.End)}}
		},
		"epoch missing": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.store.Plant(b.epoch.Key(), nil)
			return map[Kind][]string{Missing: {b.epoch.Key()}}
		},
		"epoch edited": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			e := *b.epoch
			e.MaxRecordBytes++
			b.store.Plant(b.epoch.Key(), e.JSON())
			return map[Kind][]string{Differing: {b.epoch.Key()}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.load("one.log", content("one", 100), 0, 1000)
			ms := b.load("two.log", content("two", 100), 0, 1000)
			require.Greater(t, len(ms), 3)
			want := plant(b, ms)
			requireOnly(t, b.run(Options{}), want)
			requireOnly(t, b.run(Options{Deep: true}), want)
		})
	}
}
