package archive_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/archive"
	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

// tarWith is an archive of just these headers, each with its body.
func tarWith(t *testing.T, headers ...*tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		require.NoError(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write(bytes.Repeat([]byte("a\n"), int(h.Size)/2))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

var one = entry{name: "one.log", body: []byte("1\n")}

// Of two zip archives that were put together only the second directory is found: the first one's members are
// missing, and that is said.
func TestFS_ZipBehindAZip(t *testing.T) {
	s := site("/a", append(zipOf(t, one), zipOf(t, entry{name: "two.log", body: []byte("2\n")})...))
	_, err := s.Members("/a")
	require.ErrorAs(t, err, new(*archive.DamagedError))
	require.ErrorContains(t, err, "listed nowhere")
}

// A zip archive that says that it has too many members is not read into memory.
func TestFS_ZipOfTooMany(t *testing.T) {
	packed := zipOf(t, one)
	end := bytes.LastIndex(packed, []byte("PK\x05\x06"))
	binary.LittleEndian.PutUint32(packed[end+12:], 33<<20)
	_, err := site("/a", packed).Members("/a")
	require.ErrorContains(t, err, "32 MiB")
}

// The larger end record is read, too.
func TestFS_Zip64(t *testing.T) {
	packed := zipOf(t, one)
	end := bytes.LastIndex(packed, []byte("PK\x05\x06"))
	le := binary.LittleEndian
	big := append([]byte("PK\x06\x06"), make([]byte, 52)...)
	le.PutUint64(big[4:], 44)
	le.PutUint64(big[24:], 1)
	le.PutUint64(big[32:], 1)
	le.PutUint64(big[40:], uint64(le.Uint32(packed[end+12:])))
	le.PutUint64(big[48:], uint64(le.Uint32(packed[end+16:])))
	locator := append([]byte("PK\x06\x07"), make([]byte, 16)...)
	le.PutUint64(locator[8:], uint64(end))
	le.PutUint32(locator[16:], 1)
	small := bytes.Clone(packed[end:])
	le.PutUint16(small[8:], 1<<16-1)
	le.PutUint16(small[10:], 1<<16-1)
	le.PutUint32(small[12:], 1<<32-1)
	le.PutUint32(small[16:], 1<<32-1)
	s := site("/a", slices.Concat(packed[:end], big, locator, small))
	require.Equal(t, "1\n", string(content(t, s, "/a/one.log")))
	paths, err := s.Members("/a")
	require.NoError(t, err)
	require.Len(t, paths, 1)
}

// A header without a member, as of a long name, ends a listing and does not begin it again.
func TestFS_TarOfAHeaderAlone(t *testing.T) {
	long := tarOf(t, tar.FormatGNU, entry{name: string(bytes.Repeat([]byte("n"), 200)), body: []byte("1\n")})
	header := append(bytes.Clone(long[:1024]), make([]byte, 1024)...) // the name, and no member
	for _, packed := range [][]byte{header, append(tarOf(t, tar.FormatPAX, one), header...)} {
		paths, _ := site("/a", packed).Members("/a")
		require.LessOrEqual(t, len(paths), 1)
	}
}

// Behind a sparse member, which is shorter in the archive than it is, others are found, and so is the end.
func TestFS_TarBehindASparseMember(t *testing.T) {
	sparse := tarOf(t, tar.FormatGNU, entry{name: "x", body: make([]byte, 512)})
	copy(sparse[156:], "S")
	copy(sparse[386:], "00000000000\x0000000001000\x00")
	copy(sparse[483:], "00000100000\x00") // its real size, 32 KiB
	resum(sparse[:512])
	s := site("/a", append(sparse, tarOf(t, tar.FormatGNU, one)...))
	paths, err := s.Members("/a")
	require.NoError(t, err)
	require.Equal(t, []string{"/a/x", "/a/one.log"}, paths)
	require.Equal(t, "1\n", string(content(t, s, "/a/one.log")))
}

// What has bytes and is no regular file is named when it is opened; what has none is passed over.
func TestFS_MembersOfOtherKinds(t *testing.T) {
	s := site("/a", tarWith(t, &tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "x"},
		&tar.Header{Name: "folder/", Typeflag: tar.TypeDir}))
	paths, err := s.Members("/a")
	require.NoError(t, err)
	require.NotNil(t, paths)
	require.Empty(t, paths)

	vendor := tarOf(t, tar.FormatGNU, one)
	vendor[156] = 'V'
	resum(vendor[:512])
	folder := bytes.ReplaceAll(zipOf(t, entry{name: "folder_", body: []byte("1\n")}), []byte("folder_"), []byte("folder/"))
	for what, packed := range map[string][]byte{
		"of type 'V'": vendor, "a folder with bytes of its own": folder,
	} {
		s := site("/a", packed)
		paths, err := s.Members("/a")
		require.NoError(t, err)
		require.Len(t, paths, 1, what)
		_, err = files.Open(s, paths[0])
		require.ErrorContains(t, err, what)
	}
}

// Sizes that no archive has room for are those of members that are cut off.
func TestFS_TarOfAHugeMember(t *testing.T) {
	for _, size := range []int64{1<<63 - 1, 1 << 62} {
		var b bytes.Buffer
		require.NoError(t, tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "x", Size: size, Format: tar.FormatPAX}))
		s := site("/a", append(b.Bytes(), make([]byte, 1024)...))
		paths, err := s.Members("/a")
		require.ErrorAs(t, err, new(*archive.DamagedError))
		require.Equal(t, []string{"/a/x"}, paths)
		_, err = files.Open(s, "/a/x")
		require.ErrorContains(t, err, "past the end of its archive")
	}
}

// An archive that is written anew between the look at it and its opening is not read at the old places.
func TestFS_WrittenAnewWhenItIsOpened(t *testing.T) {
	m := filestest.New()
	m.Write("/a", zipOf(t, one))
	s := archive.New(m)
	_, err := s.Members("/a")
	require.NoError(t, err)
	m.SetFault(func(op filestest.Op, path string, _ int64) error {
		if op == filestest.OpOpen && path == "/a" {
			m.SetFault(nil)
			m.Overwrite("/a", zipOf(t, entry{name: "other", body: []byte("2\n")}, one))
		}
		return nil
	})
	_, err = s.Open("/a/one.log")
	require.ErrorContains(t, err, "rewritten")
	require.Equal(t, "1\n", string(content(t, s, "/a/one.log")))
}

func TestFS_ManyOfOneName(t *testing.T) {
	entries := slices.Repeat([]entry{one}, 5000)
	s := site("/a", zipOf(t, entries...))
	paths, err := s.Members("/a")
	require.NoError(t, err)
	require.Equal(t, "/a/one.log", paths[0])
	require.Equal(t, "/a/one.log#5000", paths[4999])
}

// What cannot be read now says nothing about an archive.
func TestFS_FaultOfTheDisk(t *testing.T) {
	for _, packed := range [][]byte{zipOf(t, one), tarOf(t, tar.FormatPAX, one)} {
		m := filestest.New()
		m.Write("/a", packed)
		broken := errors.New("the disk is broken")
		reads := 0
		m.SetFault(func(op filestest.Op, _ string, off int64) error {
			if op == filestest.OpRead {
				if reads++; reads > 1 {
					return broken
				}
			}
			return nil
		})
		_, err := archive.New(m).Members("/a")
		require.ErrorIs(t, err, broken)
		require.False(t, errors.As(err, new(*archive.DamagedError)))
	}
}
