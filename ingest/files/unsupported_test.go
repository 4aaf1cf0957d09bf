package files_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

const logLine = "2024-01-15T10:30:00.123Z INFO billing.api: charge accepted\n"

// Files of logLine as xz, xz --format=lzma, lz4, lz4 -l and bzip2 make them.
const (
	xzFile     = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQA6MjAyNC0wMS0xNVQxMDozMDowMC4xMjNaIElORk8gYmlsbGluZy5hcGk6IGNoYXJnZSBhY2NlcHRlZAoAAJG0d1w0+E10AAFTO5hSGwAftvN9AQAAAAAEWVo="
	lzmaFile   = "XQAAgAD//////////wAZDAKSg4Ax1n3LWeJQT+Hkw6OKQL2Y0W9rlazQx1CzKh13rdde9f+UHvnllSOOnX8yPt7CND9ltSPP2WMwun//nUGAAA=="
	lz4File    = "BCJNGGRApzsAAIAyMDI0LTAxLTE1VDEwOjMwOjAwLjEyM1ogSU5GTyBiaWxsaW5nLmFwaTogY2hhcmdlIGFjY2VwdGVkCgAAAADpyEHt"
	oldLZ4File = "AiFMGD0AAADwLDIwMjQtMDEtMTVUMTA6MzA6MDAuMTIzWiBJTkZPIGJpbGxpbmcuYXBpOiBjaGFyZ2UgYWNjZXB0ZWQK"
)

func unbase64(t testing.TB, s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}

func zipOf(t testing.TB, names ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write([]byte(logLine))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func tarOf(t testing.TB, format tar.Format) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(
		&tar.Header{Name: "app.log", Mode: 0o644, Size: int64(len(logLine)), Format: format}))
	_, err := w.Write([]byte(logLine))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// oldTar is a header of tar as of 1979: the magic is not there.
func oldTar(t testing.TB) []byte {
	b := tarOf(t, tar.FormatUSTAR)
	clear(b[257:512])
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:156], []byte{
		byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7),
		byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' '})
	return b
}

func zlibOf(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func inUTF16(order binary.AppendByteOrder, s string) (b []byte) {
	for _, c := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, c)
	}
	return b
}

func inUTF32(order binary.AppendByteOrder, s string) (b []byte) {
	for _, c := range s {
		b = order.AppendUint32(b, uint32(c))
	}
	return b
}

// noise is what compresses badly.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = "0123456789abcdef"[x>>28]
	}
	return b
}

type unsupportedCase struct {
	name, path string
	data       []byte
	what, do   string
}

// unsupportedCases are what is not read, each as its own tool makes it.
func unsupportedCases(t testing.TB) []unsupportedCase {
	little, big := binary.LittleEndian, binary.BigEndian
	const mixed = "2024-01-15 10:30:00 警告 计费服务一次超时，请求已经重新排队等待处理\n"
	return []unsupportedCase{
		{"xz", "a", unbase64(t, xzFile), "xz", "xz -dc FILE"},
		{"lzma", "a", unbase64(t, lzmaFile), "lzma", "xz --format=lzma -dc FILE"},
		{"lzip", "a", []byte("LZIP\x01\x0c\x00\x19\x0a"), "lzip", "lzip -dc FILE"},
		{"zip", "a", zipOf(t, "app.log"), "a zip archive", "unzip FILE"},
		{"zip, empty", "a", zipOf(t), "a zip archive", "unzip FILE"},
		{"7z", "a", []byte("7z\xbc\xaf\x27\x1c\x00\x04\x00\x00\x00\x00"), "a 7z archive", "7z x FILE"},
		{"rar", "a", []byte("Rar!\x1a\x07\x01\x00\x33"), "a rar archive", "unrar x FILE"},
		{"lz4", "a", unbase64(t, lz4File), "lz4", "lz4 -dc FILE"},
		{"lz4 -l", "a", unbase64(t, oldLZ4File), "lz4", "lz4 -dc FILE"},
		{"snappy", "a", []byte("\xff\x06\x00\x00sNaPpY\x01\x00"), "snappy", "snzip -dc FILE"},
		{"compress", "a", []byte("\x1f\x9d\x90\x68\xca\xb0\x61\xf3\x06"), "compress (.Z)", "gzip -dc FILE"},
		{"zlib", "a", zlibOf(t, []byte(logLine)), "zlib", "pigz -dc < FILE"},
		{"zlib, long", "a", zlibOf(t, noise(1<<20)), "zlib", "pigz -dc < FILE"},
		{"tar", "a", tarOf(t, tar.FormatUSTAR), "a tar archive", "tar -xf FILE"},
		{"tar of GNU", "a", tarOf(t, tar.FormatGNU), "a tar archive", "tar -xf FILE"},
		{"tar of POSIX", "a", tarOf(t, tar.FormatPAX), "a tar archive", "tar -xf FILE"},
		{"tar, old", "a", oldTar(t), "a tar archive", "tar -xf FILE"},
		{"Parquet", "a", []byte("PAR1\x15\x04\x15\x20\x15\x24\x4c"), "Parquet", "duckdb -json -c"},
		{"journal", "a", []byte("LPKSHHRH\x00\x00\x00\x00\x0c\x00\x00\x00\x01"), "a journal of systemd", "journalctl --file FILE"},
		{"UTF-16, BOM", "a", inUTF16(little, "\ufeff"+logLine), "text in UTF-16", "iconv -f UTF-16 -t UTF-8 FILE"},
		{"UTF-16, BOM, big", "a", inUTF16(big, "\ufeff"+logLine), "text in UTF-16", "iconv -f UTF-16 "},
		{"UTF-16", "a", inUTF16(little, logLine), "text in UTF-16", "iconv -f UTF-16LE "},
		{"UTF-16, big", "a", inUTF16(big, logLine), "text in UTF-16", "iconv -f UTF-16BE "},
		{"UTF-16, short", "a", inUTF16(little, "ab\n"), "text in UTF-16", "iconv -f UTF-16LE "},
		{"UTF-16, Chinese", "a", inUTF16(little, strings.Repeat(mixed, 50)), "text in UTF-16", "iconv -f UTF-16LE "},
		{"UTF-16, Chinese, big", "a", inUTF16(big, strings.Repeat(mixed, 50)), "text in UTF-16", "iconv -f UTF-16BE "},
		{"UTF-16, emoji", "a", inUTF16(little, "done 🎉 "+logLine), "text in UTF-16", "iconv -f UTF-16LE "},
		{"UTF-32, BOM", "a", inUTF32(little, "\ufeff"+logLine), "text in UTF-32", "iconv -f UTF-32 "},
		{"UTF-32, BOM, big", "a", inUTF32(big, "\ufeff"+logLine), "text in UTF-32", "iconv -f UTF-32 "},
		{"UTF-32", "a", inUTF32(little, logLine), "text in UTF-32", "iconv -f UTF-32LE "},
		{"UTF-32, big", "a", inUTF32(big, logLine), "text in UTF-32", "iconv -f UTF-32BE "},
		{"tar.gz", "a", filestest.Gzip(tarOf(t, tar.FormatGNU)), "a tar archive within gzip", "tar -xf FILE"},
		{"tar.zst", "a", filestest.SkippedZstd(tarOf(t, tar.FormatGNU)), "a tar archive within zstd", "tar -xf FILE"},
		{"gzip in gzip", "a", filestest.Gzip(filestest.Gzip([]byte(logLine))), "gzip within gzip", "gzip -dc FILE | gzip -dc"},
		{"gzip in zstd", "a", filestest.SkippedZstd(filestest.Gzip([]byte(logLine))), "gzip within zstd", "zstd -dc FILE | gzip -dc"},
		{"tar.bz2", "a", filestest.Bzip2(tarOf(t, tar.FormatGNU)), "a tar archive within bzip2", "tar -xf FILE"},
		{"bzip2 in gzip", "a", filestest.Gzip(filestest.Bzip2([]byte(logLine))), "bzip2 within gzip", "gzip -dc FILE | bzip2 -dc"},
		{"bzip2, its head gone", "/logs/a.bz2", append(make([]byte, 10), filestest.Bzip2(noise(9000))[10:]...), "neither bzip2", ""},
		{"UTF-16 in gzip", "a", filestest.Gzip(inUTF16(little, logLine)), "text in UTF-16 within gzip",
			"gzip -dc FILE > UNPACKED; iconv -f UTF-16LE -t UTF-8 UNPACKED"},
		{"gzip, its head gone", "/logs/App.LOG.GZ", append(make([]byte, 512), filestest.Gzip(noise(9000))[512:]...), "neither gzip", ""},
		{"gzip, all gone", "/logs/a.gz", make([]byte, 9000), "neither gzip", ""},
		{"zstd, its head gone", "/logs/a.zst", append(make([]byte, 4), filestest.SkippedZstd(noise(9000))[4:]...), "neither zstd", ""},
	}
}

func TestOpen_WhatIsNoText(t *testing.T) {
	for _, c := range unsupportedCases(t) {
		t.Run(c.name, func(t *testing.T) {
			fsys := filestest.New()
			fsys.Write(c.path, c.data)
			_, err := files.Open(fsys, c.path)
			var unsupported *files.UnsupportedError
			require.ErrorAs(t, err, &unsupported)
			require.Equal(t, c.path, unsupported.Path)
			require.Contains(t, unsupported.What, c.what)
			if c.do == "" {
				require.Empty(t, unsupported.Do)
			}
			require.Contains(t, unsupported.Do, c.do)
			require.Equal(t, 0, fsys.OpenHandles())
		})
	}
}

// What begins as those do and is text, and what has NULs and is no text in UTF-16, is read.
func TestOpen_TextIsText(t *testing.T) {
	tarred := tarOf(t, tar.FormatGNU)
	tarred[0]++
	for name, data := range map[string]string{
		"empty":                    "",
		"BZh":                      "BZh91AY&SY is how bzip2 begins\n",
		"BZh only":                 "BZh9",
		"PK":                       "PK is short for primary key\n",
		"PK, magic only":           "PK\x03\x04\n",
		"7z":                       "7z x app.7z\n",
		"Rar":                      "Rar! is a cry\n",
		"zlib":                     "x^2 + y^2\n",
		"zlib, Latin-1":            "x\xda is no word, x\x9c neither\n",
		"zlib, colours":            "x^2 \x1b[31mred\x1b[0m\n",
		"zlib, broken":             "x\x9cabcdefgh\x00\n",
		"PAR1":                     "PAR1 is first\n",
		"PAR1, a control":          "PAR1\x01 is first\n",
		"journal":                  "LPKSHHRH\n",
		"lzip":                     "LZIP me\n",
		"tar, a wrong sum":         string(tarred),
		"UTF-8, BOM":               "\xef\xbb\xbf" + logLine,
		"Latin-1 like a BOM":       "\xff\xfe is y with dots and thorn\n",
		"Latin-1":                  "2024-01-15 caf\xe9\n",
		"a hole":                   strings.Repeat("\x00", 600) + logLine,
		"a hole of one":            "\x00" + logLine,
		"nothing but a hole":       strings.Repeat("\x00", 9000),
		"NULs for ends":            "abc\x00def\x00ghi\x00\n",
		"NULs before the line end": "abcd\x00\nab\x00\nabc\x00\n",
		"NULs between":             strings.Repeat("2024\x00INFO\x00billing\x00charge accepted\n", 200),
	} {
		for _, path := range []string{"a", "/logs/a.log"} {
			fsys := filestest.New()
			fsys.Write(path, []byte(data))
			f, err := files.Open(fsys, path)
			require.NoError(t, err, name)
			require.False(t, f.Compressed(), name)
			require.NoError(t, f.Close())
		}
	}
}

// A name says nothing about text, be there control characters in it.
func TestOpen_TextUnderTheNameOfAnArchive(t *testing.T) {
	cutOff := strings.Repeat("\x01", 4095) + "é" // in the first 4 KiB there is half of it
	for _, data := range []string{logLine, "\x01" + logLine, logLine + "\x00", cutOff, "a\x01�\n"} {
		for _, path := range []string{"a.gz", "a.zst", "a.Z", "a.br"} {
			fsys := filestest.New()
			fsys.Write(path, []byte(data))
			f, err := files.Open(fsys, path)
			require.NoError(t, err, "%q", data[:2])
			require.NoError(t, f.Close())
		}
	}
}

// Text in whatever charset of single bytes, or in UTF-8, is never taken for anything else.
func FuzzOpen_TextIsText(f *testing.F) {
	for _, c := range unsupportedCases(f) {
		f.Add(c.data)
	}
	f.Add([]byte("BZh91AY&SY"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text := slices.Clone(data)
		for i, c := range text {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != 0x1b {
				text[i] = '.'
			}
		}
		if bytes.HasPrefix(text, []byte("\x28\xb5\x2f\xfd")) {
			return // zstd is told by four bytes
		}
		for _, path := range []string{"app.log", "app.log.gz"} {
			fsys := filestest.New()
			fsys.Write(path, text)
			f, err := files.Open(fsys, path)
			require.NoError(t, err)
			require.False(t, f.Compressed())
			require.NoError(t, f.Close())
		}
	})
}
