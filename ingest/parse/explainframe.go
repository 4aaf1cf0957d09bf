package parse

import "bytes"

// explainFramed is Explain for lines of a frame.
func (p *Parser) explainFramed(lines []byte) (at int, r Reject, ok bool) {
	fr := newFramer(p.def.Frame)
	var parts []part
	var starts []int
	for from := 0; from < len(lines); {
		to := len(lines)
		if n := bytes.IndexByte(lines[from:], '\n'); n >= 0 {
			to = from + n + 1
		}
		if line := lines[from:to]; len(trimLineEnd(line)) > 0 {
			x, bad := fr.split(bytes.TrimSuffix(line, []byte("\n")))
			if bad.reason != "" {
				return from + bad.at, bad.reject(lines), true
			}
			parts, starts = append(parts, x), append(starts, from)
		}
		from = to
	}
	if len(parts) == 0 {
		return 0, Reject{}, false
	}
	content := fr.joined(parts, bytes.HasSuffix(lines, []byte("\n")))
	if len(content) == 0 && !p.whole {
		return 0, Reject{}, false
	}
	var t Table
	t.reset(p.def.Columns)
	first := parts[0]
	bad := p.appendFramed(&joined{stream: first.stream, time: first.time, attrs: first.attrs},
		content, &t)
	if bad.reason == "" {
		return 0, Reject{}, false
	}
	if bad.column >= 0 && bad.column < p.outer {
		return starts[0] + first.timeAt, bad.reject(lines), true
	}
	return placeIn(parts, starts, p.faultAt(bad, content)), bad.reject(lines), true
}

// joined is the content of the parts, whose last line has a line end or not.
func (fr *framer) joined(parts []part, ended bool) []byte {
	var content []byte
	for _, x := range parts {
		if x.escaped {
			content = unescape(content, x.text)
		} else {
			content = append(content, x.text...)
		}
	}
	return fr.trim(content, ended && parts[len(parts)-1].last)
}

// placeIn is where the byte at of the joined parts stands in the lines, which begin at starts.
func placeIn(parts []part, starts []int, at int) int {
	for i, x := range parts {
		size := len(x.text)
		if x.escaped {
			size = len(unescape(nil, x.text))
		}
		if at < size || i == len(parts)-1 {
			return starts[i] + x.textAt + x.escapedLen(at)
		}
		at -= size
	}
	return 0
}

// escapedLen is how many bytes of the part's text say the first n bytes of what it means.
func (x *part) escapedLen(n int) int {
	if !x.escaped {
		return min(n, len(x.text))
	}
	at := 0
	for n > 0 && at < len(x.text) {
		if x.text[at] != '\\' {
			n--
			at++
			continue
		}
		_, size := readEscape(x.text[at:])
		n -= len(unescape(nil, x.text[at:at+size]))
		if n < 0 {
			break
		}
		at += size
	}
	return at
}
