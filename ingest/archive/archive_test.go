package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/archive"
	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// entry is a file that an archive is made of.
type entry struct {
	name   string
	body   []byte
	method uint16
}

func zipOf(t require.TestingT, entries ...entry) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(93, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
	z.RegisterCompressor(12, func(w io.Writer) (io.WriteCloser, error) { return &bzipper{to: w}, nil })
	z.RegisterCompressor(14, func(w io.Writer) (io.WriteCloser, error) { return &bzipper{to: w}, nil })
	for _, e := range entries {
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: e.method})
		require.NoError(t, err)
		_, err = w.Write(e.body)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// bzipper compresses what it is given in the end.
type bzipper struct {
	bytes.Buffer
	to io.Writer
}

func (b *bzipper) Close() error {
	_, err := b.to.Write(filestest.Bzip2(b.Bytes()))
	return err
}

func tarOf(t require.TestingT, format tar.Format, entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.body)), Mode: 0o600,
			Format: format}))
		_, err := w.Write(e.body)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// site is a file system with one archive.
func site(at string, bytes []byte) *archive.FS {
	m := filestest.New()
	m.Write(at, bytes)
	return archive.New(m)
}

// content unpacks a member as whoever reads logs does.
func content(t require.TestingT, s *archive.FS, path string) []byte {
	f, err := files.Open(s, path)
	require.NoError(t, err)
	defer f.Close()
	all, err := readAll(f)
	require.NoError(t, err)
	return all
}

func readAll(f *files.File) (all []byte, err error) {
	r, err := f.Reader(context.Background(), source.Origin(), 1<<20)
	if err != nil {
		return nil, err
	}
	for !r.AtEnd() {
		r.Begin(0, 0)
		for {
			chunk, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return all, err
			}
			all = append(all, chunk.Data...)
		}
	}
	return all, nil
}

func logOf(t *rapid.T, i int) entry {
	lines := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,60}`), 1, 200).Draw(t, "lines")
	return entry{
		name:   rapid.SampledFrom([]string{"", "./", "/", "a/", "a/b/", strings.Repeat("long/", 40)}).Draw(t, "dir") + fmt.Sprint("log", i),
		body:   []byte(strings.Join(lines, "\n") + "\n"),
		method: rapid.SampledFrom([]uint16{zip.Store, zip.Deflate, 12, 93}).Draw(t, "method"),
	}
}

// What an archive gives of a member is what was put into it, under its name.
func TestFS_MembersAreFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []entry
		for i := range rapid.IntRange(1, 6).Draw(t, "members") {
			entries = append(entries, logOf(t, i))
		}
		packed := zipOf(t, entries...)
		if rapid.Bool().Draw(t, "tar") {
			format := rapid.SampledFrom([]tar.Format{tar.FormatGNU, tar.FormatPAX}).Draw(t, "format")
			packed = tarOf(t, format, entries...)
			if rapid.Bool().Draw(t, "appended") {
				packed = append(packed, tarOf(t, format, entry{name: "appended", body: []byte("last\n")})...)
				entries = append(entries, entry{name: "appended", body: []byte("last\n")})
			}
		}
		s := site("/heap/a", packed)
		paths, err := s.Members("/heap/a")
		require.NoError(t, err)
		require.Len(t, paths, len(entries))
		for i, e := range entries {
			require.Equal(t, path.Join("/heap/a", e.name), paths[i])
			require.Equal(t, string(e.body), string(content(t, s, paths[i])))
		}
	})
}

func TestFS_Names(t *testing.T) {
	for name, want := range map[string]string{
		"a.log": "a.log", "./a.log": "a.log", "/var/log/a.log": "var/log/a.log", "../../etc/passwd": "etc/passwd",
		"x/../../y": "y", "a//b": "a/b", `c:\logs\a.log`: `c:\logs\a.log`, "..": "-",
	} {
		for kind, packed := range map[string][]byte{
			"zip": zipOf(t, entry{name: name, body: []byte("a\n")}),
			"tar": tarOf(t, tar.FormatPAX, entry{name: name, body: []byte("a\n")}),
		} {
			s := site("/a", packed)
			paths, err := s.Members("/a")
			require.NoError(t, err)
			require.Equal(t, []string{"/a/" + want}, paths, "%s in %s", name, kind)
			require.Equal(t, "a\n", string(content(t, s, paths[0])))
		}
	}
	s := site("/a", tarOf(t, tar.FormatPAX, entry{name: "x", body: []byte("1\n")}, entry{name: "./x", body: []byte("2\n")}))
	require.Equal(t, "1\n", string(content(t, s, "/a/x")))
	require.Equal(t, "2\n", string(content(t, s, "/a/x#2")))
}

func TestFS_NoMember(t *testing.T) {
	s := site("/a", zipOf(t, entry{name: "x/y", body: []byte("1\n")}))
	for _, path := range []string{"/a/z", "/a/x", "/a/x/y/z", "/b", "/b/x"} {
		_, err := s.Open(path)
		require.ErrorIs(t, err, fs.ErrNotExist, path)
		_, err = s.Stat(path)
		require.ErrorIs(t, err, fs.ErrNotExist, path)
	}
	_, err := s.Open("/a/x/y")
	require.NoError(t, err)
	s = site("/a", []byte("a log\n"))
	paths, err := s.Members("/a")
	require.NoError(t, err)
	require.Nil(t, paths)
	_, err = s.Open("/a/x")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A member that cannot be read is listed, and says so when it is opened.
func TestFS_UnreadableMembers(t *testing.T) {
	encrypted := zipOf(t, entry{name: "x", body: []byte("1\n")})
	encrypted[6] |= 1
	encrypted[bytes.Index(encrypted, []byte("PK\x01\x02"))+8] |= 1
	sparse := tarOf(t, tar.FormatGNU, entry{name: "x", body: make([]byte, 512)})
	copy(sparse[156:], "S")
	copy(sparse[386:], "00000000000\x0000000001000\x00") // its one piece
	copy(sparse[483:], "00000001000\x00")                // its real size
	resum(sparse[:512])
	gz := filestest.Gzip(bytes.Repeat([]byte("1\n"), 1000))
	for want, packed := range map[string][]byte{
		"gzip in a zip archive":                  zipOf(t, entry{name: "x", body: gz, method: zip.Deflate}),
		"a zip archive in a tar archive":         tarOf(t, tar.FormatPAX, entry{name: "x", body: zipOf(t, entry{name: "y", body: []byte("1\n")})}),
		"an encrypted member of a zip archive":   encrypted,
		"a member of a zip archive in method 14": zipOf(t, entry{name: "x", body: []byte("1\n"), method: 14}),
		"a sparse member of a tar archive":       sparse,
	} {
		s := site("/a", packed)
		paths, err := s.Members("/a")
		require.NoError(t, err, want)
		require.Equal(t, []string{"/a/x"}, paths, want)
		_, err = files.Open(s, "/a/x")
		var unsupported *files.UnsupportedError
		require.ErrorAs(t, err, &unsupported, want)
		require.Equal(t, want, unsupported.What)
	}
}

// resum puts the checksum of a tar header right.
func resum(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
}

// An archive that was cut off says so wherever it was cut, and what it gives of a member is a beginning of it.
func TestFS_CutOff(t *testing.T) {
	entries := []entry{{name: "x", body: []byte(strings.Repeat("one\n", 300)), method: zip.Deflate},
		{name: "y", body: []byte("two\n")}, {name: "z", body: []byte(strings.Repeat("three\n", 100))}}
	for kind, packed := range map[string][]byte{
		"zip": zipOf(t, entries...), "tar": tarOf(t, tar.FormatPAX, entries...),
	} {
		whole := len(packed)
		if kind == "tar" {
			whole -= 512 // of the two blocks of zeros one is enough
		}
		for n := 512; n < whole; n++ {
			s := site("/a", packed[:n])
			paths, err := s.Members("/a")
			require.ErrorAs(t, err, new(*archive.DamagedError), "%s cut off at %d", kind, n)
			for _, path := range paths {
				f, err := files.Open(s, path)
				if err != nil {
					require.ErrorAs(t, err, new(*files.UnsupportedError), "%s cut off at %d", kind, n)
					continue
				}
				f.Close()
				i := slices.IndexFunc(entries, func(e entry) bool { return "/a/"+e.name == path })
				require.Equal(t, string(entries[i].body), string(content(t, s, path)))
			}
		}
	}
}

// A deflated member whose bytes are damaged gives an error, or what it would have given.
func TestFS_DamagedMember(t *testing.T) {
	body := strings.Repeat("one\n", 3000)
	packed := zipOf(t, entry{name: "x", body: []byte(body), method: zip.Deflate})
	for i := 31; i < bytes.Index(packed, []byte("PK\x07\x08")); i++ {
		damaged := bytes.Clone(packed)
		damaged[i] ^= 0x10
		f, err := files.Open(site("/a", damaged), "/a/x")
		require.NoError(t, err)
		all, err := readAll(f)
		if err == nil {
			require.True(t, body == string(all), "at %d", i)
			continue
		}
		require.ErrorAs(t, err, new(*files.CorruptError), "at %d", i)
		f.Close()
	}
}

// A member is another file when its archive was written anew.
func TestFS_ArchiveWrittenAnew(t *testing.T) {
	m := filestest.New()
	m.Write("/a", zipOf(t, entry{name: "x", body: []byte("1\n")}))
	s := archive.New(m)
	before, err := s.Stat("/a/x")
	require.NoError(t, err)
	h, err := s.Open("/a/x")
	require.NoError(t, err)
	m.Overwrite("/a", zipOf(t, entry{name: "y", body: []byte("2\n")}, entry{name: "x", body: []byte("3\n")}))
	after, err := h.Stat()
	require.NoError(t, err)
	require.NotEqual(t, before, after)
	require.Equal(t, "3\n", string(content(t, s, "/a/x")))
	again, err := s.Stat("/a/x")
	require.NoError(t, err)
	require.NotEqual(t, before, again)
}

func FuzzMembers(f *testing.F) {
	f.Add(zipOf(f, entry{name: "x", body: []byte("1\n")}))
	f.Add(tarOf(f, tar.FormatPAX, entry{name: "x", body: []byte("1\n")}))
	f.Fuzz(func(t *testing.T, packed []byte) {
		s := site("/a", packed)
		paths, _ := s.Members("/a")
		for _, path := range paths {
			h, err := s.Open(path)
			if err != nil {
				continue
			}
			stat, err := h.Stat()
			require.NoError(t, err)
			n, err := io.Copy(io.Discard, io.NewSectionReader(h, 0, stat.Size))
			require.NoError(t, err)
			require.Equal(t, stat.Size, n)
			h.Close()
		}
	})
}
