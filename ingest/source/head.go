package source

import "bytes"

// BOM is the UTF-8 byte order mark that a source may begin with.
const BOM = "\xef\xbb\xbf"

// HeadWindow is how many of a file's first bytes decide its head: a head begins in the first
// HeadMax bytes and holds HeadMax bytes at most.
const HeadWindow = 2 * HeadMax

// Head finds the head in the first bytes of a file: the first line, after a BOM, that begins
// before HeadMax, is not blank and does not start with '#'. The head holds its line end and is cut
// at HeadMax. Without such a line it is the file's first HeadMax bytes.
//
// first is the whole file or its first HeadWindow bytes; finished says that the file does not
// grow. It reports false when there is no head yet (a growing file whose line has not ended), or
// none at all (an empty file).
func Head(first []byte, finished bool) ([]byte, bool) {
	if len(first) > HeadWindow {
		first = first[:HeadWindow]
	}
	at := 0
	if bytes.HasPrefix(first, []byte(BOM)) {
		at = len(BOM)
	}
	for at < len(first) && at < HeadMax {
		i := bytes.IndexByte(first[at:], '\n')
		end := at + i + 1
		if i < 0 {
			end = len(first)
		}
		line := first[at:end]
		ended := i >= 0 || len(line) >= HeadMax
		if !ended && !finished {
			return nil, false
		}
		content := TrimLineEnd(line)
		if len(content) > 0 && content[0] != '#' {
			return line[:min(len(line), HeadMax)], true
		}
		at = end
	}
	if len(first) >= HeadMax {
		return first[:HeadMax], true
	}
	return first, finished && len(first) > 0
}

// TrimLineEnd returns line without its LF or CRLF. A lone CR at the end is content.
func TrimLineEnd(line []byte) []byte {
	n := len(line)
	if n == 0 || line[n-1] != '\n' {
		return line
	}
	if n > 1 && line[n-2] == '\r' {
		return line[:n-2]
	}
	return line[:n-1]
}
