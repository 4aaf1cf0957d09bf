package files_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

var text = []byte("first line\r\n\nthe second line, a longer one\nlast, without an end")

// readStored reads all of a file that holds stored.
func readStored(t tester, stored []byte) (data []byte, compressed bool, err error) {
	f, fsys := openBytes(t, stored)
	defer closeAll(t, f, fsys)
	data, err = filestest.ReadAll(newReader(t, f, 100), 20)
	return data, f.Compressed(), err
}

func TestCorrupt_Table(t *testing.T) {
	one, two := filestest.Gzip([]byte("one\n")), filestest.Gzip([]byte("two\nhalf"))
	bone, btwo := filestest.Bzip2([]byte("one\n")), filestest.Bzip2([]byte("two\nhalf"))
	badSum := slices.Clone(btwo)
	badSum[10] ^= 1
	zone, ztwo := filestest.SkippedZstd([]byte("one\n")), filestest.SkippedZstd([]byte("two\nhalf"))
	const cut = "unexpected EOF"
	named := []byte("\x1f\x8b\x08\x18\x00\x00\x00\x00\x00\x03app.log\x00comment")
	badCRC := slices.Clone(two)
	badCRC[len(badCRC)-5] ^= 1
	for name, c := range map[string]struct {
		stored []byte
		want   string
		offset int64 // of the fault; -1 for none
		msg    string
	}{
		"gzip, nothing in it": {filestest.Gzip(nil), "", -1, ""},
		"gzip, empty members": {filestest.Gzip(nil, nil, nil), "", -1, ""},
		"gzip, magic only":    {[]byte("\x1f\x8b"), "", 0, cut},
		"gzip, broken header": {
			[]byte("\x1f\x8b\x01\x00\x00\x00\x00\x00\x00\x00\x00"), "", 0, "header"},
		"gzip, zero padding": {
			slices.Concat(one, two, make([]byte, 100<<10)), "one\ntwo\nhalf", -1, ""},
		"gzip, padding then data":    {slices.Concat(one, make([]byte, 10), two), "one\n", 4, "no gzip"},
		"gzip, garbage at the end":   {slices.Concat(one, []byte("garbage")), "one\n", 4, "no gzip"},
		"gzip, garbage like a start": {slices.Concat(one, []byte("\x1fgarbage")), "one\n", 4, "no gzip"},
		"gzip, a member's start":     {slices.Concat(one, two[:1]), "one\n", 4, cut},
		"gzip, a member's header":    {slices.Concat(one, two[:9]), "one\n", 4, cut},
		"gzip, cut in a name":        {named[:14], "", 0, cut},
		"gzip, cut in a comment":     {slices.Concat(one, named), "one\n", 4, cut},
		"gzip, bad checksum":         {slices.Concat(one, badCRC), "one\ntwo\n", 12, "checksum"},
		"gzip, no checksum":          {slices.Concat(one, two[:len(two)-8]), "one\ntwo\n", 12, cut},
		"gzip, then zstd":            {slices.Concat(one, ztwo), "one\n", 4, "no gzip"},
		"zstd, nothing in it":        {filestest.SkippedZstd(nil), "", -1, ""},
		"zstd, skippable frames only": {
			[]byte("\x50\x2a\x4d\x18\x01\x00\x00\x00x\x5f\x2a\x4d\x18\x00\x00\x00\x00"), "", -1, ""},
		"zstd, cut skippable frame": {[]byte("\x50\x2a\x4d\x18\x02\x00\x00\x00x"), "", 0, cut},
		"zstd, magic only":          {[]byte("\x28\xb5\x2f\xfd"), "", 0, cut},
		"bzip2, nothing in it":      {filestest.Bzip2(nil), "", -1, ""},
		"bzip2, bad checksum":       {slices.Concat(bone, badSum), "one\ntwo\n", 12, "checksum"},
		"bzip2, cut":                {slices.Concat(bone, btwo[:len(btwo)-9]), "one\ntwo\n", 12, cut},
		"bzip2, a stream's start":   {slices.Concat(bone, btwo[:1]), "one\n", 4, cut},
		"bzip2, garbage at the end": {slices.Concat(bone, []byte("garbage")), "one\n", 4, "magic"},
		"bzip2, then gzip":          {slices.Concat(bone, two), "one\n", 4, "magic"},
		"zstd, padding":             {slices.Concat(zone, make([]byte, 4)), "one\n", 4, "magic"},
		"zstd, garbage at the end":  {slices.Concat(zone, []byte("garbage")), "one\n", 4, "magic"},
		"zstd, a frame's start":     {slices.Concat(zone, ztwo[11:12]), "one\n", 4, cut},
		"zstd, then gzip":           {slices.Concat(zone, two), "one\n", 4, "magic"},
		// A window of 2 GiB, and a single segment that says it holds 1 GiB.
		"zstd, large window": {
			slices.Concat(zone, []byte("\x28\xb5\x2f\xfd\x00\xa8\x11\x00\x00a\n")),
			"one\n", 4, "window"},
		"zstd, large segment": {
			slices.Concat(zone, []byte("\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x11\x00\x00a\n")),
			"one\n", 4, "size exceed"},
		"zstd, dictionary": {
			slices.Concat(zone, []byte("\x28\xb5\x2f\xfd\x01\x00\x07\x11\x00\x00a\n")),
			"one\n", 4, "dictionary"},
	} {
		t.Run(name, func(t *testing.T) {
			got, compressed, err := readStored(t, c.stored)
			require.True(t, compressed)
			require.Equal(t, c.want, string(got))
			if c.offset < 0 {
				require.NoError(t, err)
				return
			}
			var corrupt *files.CorruptError
			require.ErrorAs(t, err, &corrupt)
			require.Equal(t, c.offset, corrupt.Offset)
			require.Equal(t, "app.log", corrupt.Path)
			require.ErrorContains(t, err, c.msg)
		})
	}
}

// The range before a fault ends as it would at the end of a file; the fault comes after it.
func TestCorrupt_TheRangeBeforeIsWhole(t *testing.T) {
	f, fsys := openBytes(t, filestest.Gzip([]byte("one\ntwo\nhalf"))[:30])
	defer closeAll(t, f, fsys)
	r := newReader(t, f, 100)
	r.Begin(0, 0)
	n, err := readOn(r)
	require.NoError(t, err)
	require.Equal(t, int(r.Point().Offset), n)
	require.False(t, r.AtEnd(), "an error follows")
	require.False(t, r.LeftHalf())
	for range 3 {
		r.Begin(0, 0)
		_, err = r.Next()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		_, err = r.Next()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, int64(n), r.Point().Offset)
		require.False(t, r.AtEnd())
	}
}

// A half line and a BOM before a fault are left: a whole copy may go on otherwise.
func TestCorrupt_WhatIsNotCertainIsLeft(t *testing.T) {
	for data, want := range map[string]string{
		"\xef\xbb\xbf":           "",
		"\xef\xbb\xbfhalf":       "",
		"\xef\xbb":               "",
		"line\r":                 "",
		"line\r\nhalf":           "line\r\n",
		strings.Repeat("x", 250): strings.Repeat("x", 200), // fragments are certain
		strings.Repeat("x", 200): strings.Repeat("x", 100),
	} {
		got, _, err := readStored(t, append(filestest.Gzip([]byte(data)), "garbage"...))
		var corrupt *files.CorruptError
		require.ErrorAs(t, err, &corrupt)
		require.Equal(t, int64(len(data)), corrupt.Offset)
		require.Equal(t, want, string(got))
	}
}

func TestCorrupt_CutOffAtEveryByte(t *testing.T) {
	big := bytes.Repeat(text, 2000)
	for name, c := range map[string]struct {
		data   []byte
		stored []byte
		whole  map[int]int // lengths at which the file is whole, and its content's length there
		step   int
	}{
		"gzip": {text, filestest.Gzip(text[:20], text[20:]), map[int]int{len(filestest.Gzip(text[:20])): 20}, 1},
		"zstd": {text, filestest.SkippedZstd(text[:20], text[20:]),
			map[int]int{11: 0, len(filestest.SkippedZstd(text[:20])): 20, len(filestest.SkippedZstd(text[:20])) + 11: 20}, 1},
		"bzip2": {text, filestest.Bzip2(text[:20], text[20:]),
			map[int]int{len(filestest.Bzip2(text[:20])): 20}, 1},
		"larger gzip":  {big, filestest.Gzip(big), nil, 7},
		"larger zstd":  {big, filestest.SkippedZstd(big), map[int]int{11: 0}, 1},
		"larger bzip2": {big, filestest.Bzip2(big), nil, 7},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 15; n < len(c.stored); n += c.step {
				got, compressed, err := readStored(t, c.stored[:n])
				require.True(t, compressed)
				if size, ok := c.whole[n]; ok {
					require.NoError(t, err, n)
					require.Equal(t, string(c.data[:size]), string(got), n)
					continue
				}
				require.ErrorIs(t, err, io.ErrUnexpectedEOF, n)
				var corrupt *files.CorruptError
				require.ErrorAs(t, err, &corrupt)
				require.True(t, bytes.HasPrefix(c.data, got), n)
				require.True(t, len(got) == 0 || got[len(got)-1] == '\n', n)
				require.LessOrEqual(t, bytes.LastIndexByte(c.data[:corrupt.Offset], '\n')+1, len(got))
			}
		})
	}
}

// A flipped bit is noticed, or does no harm; it never ends the program.
func TestCorrupt_EveryBitFlipped(t *testing.T) {
	for name, stored := range map[string][]byte{
		"gzip": filestest.Gzip(text[:20], text[20:]), "zstd": filestest.SkippedZstd(text[:20], text[20:]),
		"bzip2": filestest.Bzip2(text[:20], text[20:]),
	} {
		t.Run(name, func(t *testing.T) {
			harmless := 0
			for bit := range 8 * len(stored) {
				bad := slices.Clone(stored)
				bad[bit/8] ^= 1 << (bit % 8)
				got, compressed, err := readStored(t, bad)
				switch {
				case !compressed:
					require.NoError(t, err)
					require.Equal(t, string(bad), string(got))
				case err == nil:
					harmless++
					require.Equal(t, string(text), string(got), bit)
				default:
					var corrupt *files.CorruptError
					require.ErrorAs(t, err, &corrupt, bit)
					require.False(t, errors.Is(err, io.EOF), bit)
				}
			}
			require.Less(t, harmless, len(stored)*4, "most flips are noticed")
		})
	}
}
