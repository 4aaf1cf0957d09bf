package verify

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"logseal/ingest/sink/s3"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/table"
)

// upload puts all of the bucket into a real one and gives its store and the folder it is in.
func (b *bucket) upload(server *s3test.Server) (store *s3.Store, folder string) {
	name := server.Bucket(b.t)
	options, err := s3.ParseURL(server.URL(name + "/lake"))
	require.NoError(b.t, err)
	store, err = s3.New(b.t.Context(), options)
	require.NoError(b.t, err)
	var g errgroup.Group
	g.SetLimit(16)
	for _, key := range b.store.Keys() {
		g.Go(func() error {
			return store.Put(b.t.Context(), sinktest.Object(key, b.store.Body(key)))
		})
	}
	require.NoError(b.t, g.Wait())
	return store, filepath.Join(server.Folder(name), "lake")
}

// Thousands of manifests and objects in a real bucket: lists of several pages, in the order of the
// keys, give the same report as a store in memory.
func TestRun_S3_ThousandsOfManifests(t *testing.T) {
	server := s3test.Start(t)
	b := newBucket(t)
	var all []*table.Manifest
	for _, path := range []string{"one.log", "two.log"} {
		all = append(all, b.load(path, content(path, 900), 0, 1)...)
	}
	require.Greater(t, len(all), 2000, "three pages")
	store, _ := b.upload(server)

	start := time.Now()
	r, err := Run(t.Context(), Options{Store: store})
	require.NoError(t, err)
	t.Logf("%d manifests, %d objects in %v", len(all), r.Objects, time.Since(start))
	requireOnly(t, r, map[Kind][]string{})
	require.Equal(t, b.run(Options{}), r)

	// Faults, some of them behind a page's end; what was put long ago by the retention is expired.
	gone, hole := all[1200], all[1900]
	for _, key := range append(keysOf(gone), hole.Key()) {
		require.NoError(t, store.Delete(t.Context(), key))
		b.store.Plant(key, nil)
	}
	r, err = Run(t.Context(), Options{Store: store})
	require.NoError(t, err)
	require.Equal(t, b.run(Options{}), r)
	require.Equal(t, []string{rangeOf(hole)}, r.Gaps)
	require.Equal(t, keysOf(gone), r.Missing)
	r, err = Run(t.Context(), Options{Store: store,
		Retention: map[string]time.Duration{"app": time.Nanosecond}})
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{Expired: keysOf(gone), Gap: {rangeOf(hole)},
		Unfinished: keysOf(hole)})
}

func isManifest(key string) bool { return strings.HasPrefix(key, table.ManifestFolder) }

// The digest that a real store checked is believed, so a disk that spoils an object below it shows
// with Deep only; an object that another tool put has no such digest and is read.
func TestRun_S3_LargeObjects(t *testing.T) {
	server := s3test.Start(t)
	b := newBucket(t)
	keys := keysOf(b.load("one.log", large(4), 0, 0)...)
	store, folder := b.upload(server)
	o := everything("one.log")
	for _, deep := range []bool{false, true} {
		o.Store, o.FS, o.Deep = store, b.fsys, deep
		r, err := Run(t.Context(), o)
		require.NoError(t, err)
		requireOnly(t, r, map[Kind][]string{})
	}
	spoil := func(body []byte) []byte {
		body = bytes.Clone(body)
		body[100] ^= 1
		return body
	}
	file := filepath.Join(folder, filepath.FromSlash(keys[0]))
	info, err := os.Stat(file)
	if err != nil {
		t.Skipf("this kind of server keeps no object as a file: %v", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.Write(spoil(b.store.Body(keys[0])))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, int64(len(b.store.Body(keys[0]))), info.Size())

	r, err := Run(t.Context(), Options{Store: store})
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{})
	r, err = Run(t.Context(), Options{Store: store, Deep: true})
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{Differing: {keys[0]}})

	manifest := b.store.Keys()[slices.IndexFunc(b.store.Keys(), isManifest)]
	body := spoil(b.store.Body(manifest))
	require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.FromSlash(manifest)), body, 0o666))
	r, err = Run(t.Context(), Options{Store: store})
	require.NoError(t, err)
	require.Contains(t, r.Differing, manifest)
	require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.FromSlash(manifest)),
		b.store.Body(manifest), 0o666))

	bucket := filepath.Base(filepath.Dir(folder))
	server.Plant(t, bucket, "lake/"+keys[0], b.store.Body(keys[0]))
	server.Plant(t, bucket, "lake/"+keys[1], spoil(b.store.Body(keys[1])))
	r, err = Run(t.Context(), Options{Store: store})
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{Differing: {keys[1]}})
}
