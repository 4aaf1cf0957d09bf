package files

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// UnsupportedError says that a file holds no text that could be read as a log. It is a property of the
// file's first bytes, and of its name where those bytes are no text of any kind.
type UnsupportedError struct {
	Path string
	What string // the kind, with its article
	Do   string // the command that unpacks FILE; empty for none
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("read %s: %s", e.Path, e.Advice())
}

// Advice says what the file is and what to do, without its path.
func (e *UnsupportedError) Advice() string {
	if e.Do == "" {
		return fmt.Sprintf("it is %s; bring a whole copy of it", e.What)
	}
	return fmt.Sprintf("it is %s, which is not read: unpack it (`%s`) and read what comes of it",
		e.What, e.Do)
}

// Member is an open file that lies in an archive.
type Member interface {
	Handle
	// Archive says what the archive is, with its article, and what unpacks an ARCHIVE.
	Archive() (what, do string)
}

// ofMember has an error about a member of an archive say how to unpack that: what is in it cannot be reached
// otherwise. A member that is compressed there is given as gzip.
func ofMember(h Handle, err error) error {
	m, ok := h.(Member)
	if e, is := errors.AsType[*UnsupportedError](err); ok && is && e.Do != "" {
		what, do := m.Archive()
		return &UnsupportedError{Path: e.Path, What: strings.TrimSuffix(e.What, " within gzip") + " in " + what, Do: do}
	}
	return err
}

// firstBytes is how many first bytes tell what a file holds: a tar header is 512 bytes, and of a
// deflated block or of lines in UTF-16 there must be some.
const firstBytes = 4 << 10

// kind is something that a file may hold and that is no text.
type kind struct {
	what string
	do   string // the command that unpacks FILE; of one in another it reads standard input without FILE
	is   func(b []byte) bool
}

// kinds are what is told by its first bytes. Each test is of the whole magic and of what must follow
// it.
var kinds = []kind{
	{"xz", "xz -dc FILE", func(b []byte) bool { return begins(b, "\xfd7zXZ\x00") }},
	{"lzma", "xz --format=lzma -dc FILE", isLZMA},
	{"lzip", "lzip -dc FILE", func(b []byte) bool { return begins(b, "LZIP\x01") }},
	{"lz4", "lz4 -dc FILE", isLZ4},
	{"compress (.Z)", "gzip -dc FILE",
		func(b []byte) bool { return begins(b, "\x1f\x9d") && b[2]&0x60 == 0 && b[2]&0x1f <= 16 }},
	{"zlib", "pigz -dc < FILE", isZlib},
	{"snappy", "snzip -dc FILE", func(b []byte) bool { return begins(b, "\xff\x06\x00\x00sNaPpY") }},
	{"a zip archive", "unzip FILE", IsZip},
	{"a 7z archive", "7z x FILE", func(b []byte) bool { return begins(b, "7z\xbc\xaf\x27\x1c\x00") }},
	{"a rar archive", "unrar x FILE", func(b []byte) bool { return begins(b, "Rar!\x1a\x07") }},
	{"a tar archive", "tar -xf FILE", IsTar},
	{"Parquet", `duckdb -json -c "FROM read_parquet('FILE')"`, isParquet},
	{"a journal of systemd", "journalctl --file FILE -o json", isJournal},
	{"text in UTF-32", "iconv -f UTF-32 -t UTF-8 FILE",
		func(b []byte) bool { return begins(b, "\xff\xfe\x00\x00") || begins(b, "\x00\x00\xfe\xff") }},
	{"text in UTF-16", "iconv -f UTF-16 -t UTF-8 FILE",
		func(b []byte) bool { return begins(b, "\xff\xfe") || begins(b, "\xfe\xff") }},
	{"text in UTF-32", "iconv -f UTF-32LE -t UTF-8 FILE",
		func(b []byte) bool { return isUTF32(b, binary.LittleEndian) }},
	{"text in UTF-32", "iconv -f UTF-32BE -t UTF-8 FILE",
		func(b []byte) bool { return isUTF32(b, binary.BigEndian) }},
	{"text in UTF-16", "iconv -f UTF-16LE -t UTF-8 FILE",
		func(b []byte) bool { return isUTF16(b, binary.LittleEndian) }},
	{"text in UTF-16", "iconv -f UTF-16BE -t UTF-8 FILE",
		func(b []byte) bool { return isUTF16(b, binary.BigEndian) }},
}

// compressions are how a file may be stored that is read: its name, and what unpacks it.
var compressions = map[Encoding]struct{ what, do string }{
	gzipped:   {"gzip", "gzip -dc"},
	zstandard: {"zstd", "zstd -dc"},
	bzipped:   {"bzip2", "bzip2 -dc"},
}

// endings are what names say of files whose bytes do not say it.
var endings = map[string]string{
	".gz": "gzip", ".tgz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".tbz2": "bzip2", ".xz": "xz",
	".txz": "xz", ".lzma": "lzma", ".lz": "lzip", ".lz4": "lz4", ".z": "compress", ".br": "brotli",
	".sz": "snappy", ".zip": "zip", ".7z": "7z", ".rar": "rar", ".tar": "tar", ".parquet": "Parquet",
}

func begins(b []byte, magic string) bool {
	return bytes.HasPrefix(b, []byte(magic)) && len(b) > len(magic)
}

// isText says whether b may be text in UTF-8, in Latin-1 or in any other charset of single bytes: it
// has no control characters but those that logs have. Nothing that is text is taken for anything else.
func isText(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && !isTextControl(rune(c)) {
			return false
		}
	}
	return true
}

// isTextControl is true of bell, backspace, the white space and escape.
func isTextControl(r rune) bool { return r >= '\a' && r <= '\r' || r == 0x1b }

// unsupported tells what no log begins with b, the first firstBytes bytes of the content of the file
// at p or all of them: nil for what is read.
func unsupported(p string, stored Encoding, b []byte) *UnsupportedError {
	if isText(b) {
		return nil
	}
	outer, packed := compressions[stored]
	for f, c := range compressions {
		if packed && sniff(b) == f {
			return &UnsupportedError{Path: p, What: c.what + " within " + outer.what,
				Do: outer.do + " FILE | " + c.do}
		}
	}
	for _, k := range kinds {
		switch {
		case !k.is(b):
		case !packed:
			return &UnsupportedError{Path: p, What: k.what, Do: k.do}
		case k.do == "tar -xf FILE": // tar unpacks both
			return &UnsupportedError{Path: p, What: k.what + " within " + outer.what, Do: k.do}
		default:
			return &UnsupportedError{Path: p, What: k.what + " within " + outer.what,
				Do: outer.do + " FILE > UNPACKED; " + strings.ReplaceAll(k.do, "FILE", "UNPACKED")}
		}
	}
	if what, ok := endings[strings.ToLower(path.Ext(p))]; ok && stored == plain && !maybeUTF8(b) {
		return &UnsupportedError{Path: p, What: "neither " + what +
			", which its name says, nor text: its first bytes are damaged"}
	}
	return nil
}

// maybeUTF8 says whether b may be the begin of text in UTF-8 that has control characters. Text does not begin
// with NUL, where a head was lost.
func maybeUTF8(b []byte) bool {
	for i := 0; i < utf8.UTFMax && len(b) > 0 && !utf8.RuneStart(b[len(b)-1]); i++ {
		b = b[:len(b)-1] // a character may be cut off at the end of b
	}
	if r, _ := utf8.DecodeLastRune(b); r == utf8.RuneError && len(b) > 0 {
		b = b[:len(b)-1]
	}
	return len(b) > 0 && b[0] != 0 && utf8.Valid(b)
}

// Supported is an *UnsupportedError when the file holds no log. Open calls it. A caller that has a File from
// Of calls it itself.
func (f *File) Supported() error {
	s := f.open()
	defer s.Close()
	b, err := readUpTo(s, firstBytes)
	if errors.As(err, new(*CorruptError)) {
		return nil // what a damaged file gives says nothing
	}
	if err != nil {
		return err
	}
	if what := unsupported(f.path, f.encoding, b); what != nil {
		return what
	}
	return nil
}

// isLZMA: properties that nobody changes, the size of a dictionary, and a size that is unknown or less
// than 2^48.
func isLZMA(b []byte) bool {
	if !begins(b, "\x5d\x00") || len(b) < 14 {
		return false
	}
	dict, size := binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint64(b[5:])
	return dict >= 1<<12 && dict&(dict-1) == 0 && (size == 1<<64-1 || size < 1<<48) && b[13] == 0
}

// isLZ4: a frame of version 1, or one of the old kind.
func isLZ4(b []byte) bool {
	return begins(b, "\x04\x22\x4d\x18") && b[4]>>6 == 1 || begins(b, "\x02\x21\x4c\x18")
}

// IsZip: the header of a member with a name, the end of an archive without any, or the mark of one in
// parts before the header.
func IsZip(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("PK\x07\x08"))
	if len(b) >= 22 && begins(b, "PK\x05\x06") {
		return len(bytes.Trim(b[4:20], "\x00")) == 0
	}
	return len(b) > 30 && begins(b, "PK\x03\x04") && binary.LittleEndian.Uint16(b[26:]) > 0
}

// isZlib: the header that everybody writes, and data that can be inflated, to its checksum if all of
// it is there.
func isZlib(b []byte) bool {
	if len(b) < 8 || b[0] != 0x78 || b[1]&0x20 != 0 {
		return false
	}
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return false
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(r, 64*firstBytes))
	return err == nil || errors.Is(err, io.ErrUnexpectedEOF) && n > 0 && len(b) == firstBytes
}

// IsTar: a header whose checksum is right, as every kind of tar has it.
func IsTar(b []byte) bool {
	if len(b) < 512 || b[0] == 0 {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(b[148:156]), " \x00"), 8, 32)
	if err != nil {
		return false
	}
	sum := 8 * int64(' ')
	for i, c := range b[:512] {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	return sum == want
}

// isParquet: the magic, and the header of a page: field 1, the kind of page, field 2.
func isParquet(b []byte) bool {
	return begins(b, "PAR1") && len(b) > 6 && b[4] == 0x15 && b[5] <= 6 && b[5]&1 == 0 && b[6] == 0x15
}

// isJournal: the magic and few flags.
func isJournal(b []byte) bool {
	return len(b) > 16 && begins(b, "LPKSHHRH") && len(bytes.Trim(b[9:12], "\x00")) == 0 &&
		len(bytes.Trim(b[13:16], "\x00")) == 0
}

// isUTF32: all of it is characters.
func isUTF32(b []byte, order binary.ByteOrder) bool {
	if len(b) < 8 {
		return false
	}
	for ; len(b) >= 4; b = b[4:] {
		if c := order.Uint32(b); c > 0x10ffff || !isCharacter(rune(c)) || utf16.IsSurrogate(rune(c)) {
			return false
		}
	}
	return true
}

// isUTF16: all of it is characters, and most of them are of one byte, or many are, besides the line ends. A
// low byte that is NUL makes no character but of the scripts of East Asia: NULs between bytes of
// text are at both places.
func isUTF16(b []byte, order binary.ByteOrder) bool {
	units, single, lines := 0, 0, 0
	for ; len(b) >= 2; b = b[2:] {
		c := order.Uint16(b)
		switch {
		case c&0xff == 0 && c < 0x3000:
			return false
		case utf16.IsSurrogate(rune(c)):
			if len(b) < 4 {
				break // the other half is cut off
			}
			if utf16.DecodeRune(rune(c), rune(order.Uint16(b[2:]))) == '\ufffd' {
				return false
			}
			b = b[2:]
		case !isCharacter(rune(c)):
			return false
		case c == '\n':
			lines++
		}
		units++
		if c <= 0xff {
			single++
		}
	}
	return units > 1 && (2*single > units || lines > 1 && 8*(single-lines) >= units)
}

func isCharacter(r rune) bool { return r >= 0x20 && r&0xfffe != 0xfffe || isTextControl(r) }
