package parse

// maxDepth is how deep objects and arrays may lie in each other, the outermost object counted. Logs
// need a handful; it bounds the stack that a line can make the scanner use.
const maxDepth = 64

// What is wrong in more places than one.
const (
	tooDeep   = "want no more than 64 objects and arrays in each other"
	wantName  = "want the name of a member"
	wantValue = "want a value"
)

// valueKind is what a JSON value is.
type valueKind uint8

const (
	absent valueKind = iota
	nullValue
	boolValue
	numberValue
	stringValue
	objectValue
	arrayValue
)

var valueKindNames = [...]string{absent: "nothing", nullValue: "null", boolValue: "bool",
	numberValue: "number", stringValue: "string", objectValue: "object", arrayValue: "array"}

// value is where the value of a member stands in the line.
type value struct {
	kind       valueKind
	escaped    bool  // a string has escapes
	start, end int32 // quotes included
	// again is where the quote of its name stands the second time; 0 for never, as a brace is first.
	again int32
}

// document is a line taken apart as one JSON object, with the memory for it.
type document struct {
	line    []byte
	tree    *tree
	unknown UnknownKeys

	values []value // by member.index
	names  names
	extra  []byte // the members that no column reads, as an object that is not closed yet
	text   []byte // a string without its escapes

	// The scan is in the member inner of the object parent, of which columns read some members.
	parent *member
	inner  span
	// The first member without a column that makes the line a reject.
	odd oddMember

	// Where and why the line is no JSON object.
	badAt int
	bad   string
}

// oddMember is a fault of a member that no column reads.
type oddMember struct {
	reason Reason
	parent *member
	name   span
	at     int32 // where the quote of the name at fault stands
}

// scan takes a line of valid UTF-8 apart. It reports false when that is not one JSON object, and
// then badAt and bad say why.
func (d *document) scan(line []byte) bool {
	d.line = line
	d.names.begin(line)
	d.odd = oddMember{}
	d.extra = d.extra[:0]
	if cap(d.values) < d.tree.size {
		d.values = make([]value, d.tree.size)
	}
	d.values = d.values[:d.tree.size]
	clear(d.values)

	start := d.space(0)
	if start == len(line) || line[start] != '{' {
		d.fail(start, "want an object")
		return false
	}
	d.extra = append(d.extra, '{')
	end := d.object(start, d.tree.root, 1)
	if end < 0 {
		return false
	}
	d.values[0] = value{kind: objectValue, start: int32(start), end: int32(end)}
	if rest := d.space(end); rest < len(line) {
		d.fail(rest, "want nothing after the object")
		return false
	}
	return true
}

// fail notes why the line is no JSON; it gives -1, which every caller hands on.
func (d *document) fail(at int, why string) int {
	d.badAt, d.bad = at, why
	return -1
}

// space is where the blanks end that begin at i.
func (d *document) space(i int) int {
	for i < len(d.line) && d.line[i] <= ' ' {
		switch d.line[i] {
		case ' ', '\t', '\r', '\n':
			i++
		default:
			return i
		}
	}
	return i
}

// is reports whether c stands at i.
func (d *document) is(i int, c byte) bool { return i < len(d.line) && d.line[i] == c }

// key is where the name of a member stands.
type key struct {
	at, end int32 // with its quotes
	name    span  // without them, and without escapes
}

// object scans the object that begins at i and is so many deep; m says what columns name in it,
// nil for nothing. It gives where the object ends, -1 for a fault.
func (d *document) object(i int, m *member, depth int) int {
	if depth > maxDepth {
		return d.fail(i, tooDeep)
	}
	number, base := d.names.open()
	next := 0
	for i = d.space(i + 1); !d.is(i, '}'); {
		k, colon := d.key(i)
		if colon < 0 {
			return -1
		}
		start := d.space(colon + 1)
		var child *member
		if m != nil {
			child = m.find(d.names.bytes(k.name), &next)
		}
		if child != nil {
			i = d.named(start, child, k, depth)
		} else {
			if d.names.add(number, base, k.name) {
				d.twice(m, k)
			}
			i = d.unnamed(start, m, k, depth)
		}
		if i < 0 {
			return -1
		}
		if i = d.space(i); d.is(i, ',') {
			if i = d.space(i + 1); d.is(i, '}') {
				return d.fail(i, wantName)
			}
		} else if !d.is(i, '}') {
			return d.fail(i, "want a comma or a closing brace")
		}
	}
	d.names.close(base)
	return i + 1
}

// key scans the name of a member at i, and gives the place of its colon, -1 for a fault.
func (d *document) key(i int) (k key, colon int) {
	if !d.is(i, '"') {
		return key{}, d.fail(i, wantName)
	}
	end, escaped := d.str(i)
	if end < 0 {
		return key{}, -1
	}
	if colon = d.space(end); !d.is(colon, ':') {
		return key{}, d.fail(colon, "want a colon")
	}
	k = key{int32(i), int32(end), span{int32(i + 1), int32(end - 1)}}
	if escaped {
		k.name = d.names.unescape(k.name)
	}
	return k, colon
}

// named scans the value at i of a member that a column reads, or reads a part of.
func (d *document) named(i int, m *member, k key, depth int) int {
	d.parent, d.inner = m.parent, k.name
	// Members of an object that no column reads are kept in one of the same name, if there are any.
	mark := len(d.extra)
	inner := mark
	if m.members != nil && d.unknown == KeepUnknown && d.is(i, '{') {
		d.keep(k)
		d.extra = append(d.extra, '{')
		inner = len(d.extra)
	}
	v := d.value(i, m, depth)
	switch {
	case v.end < 0:
		return -1
	case len(d.extra) > inner:
		d.extra = append(d.extra, '}')
	default:
		d.extra = d.extra[:mark]
	}
	if have := &d.values[m.index]; have.kind == absent {
		*have = v
	} else if have.again == 0 {
		have.again = k.at
	}
	return int(v.end)
}

// unnamed scans the value at i of a member that no column reads, of an object of which columns
// read m.
func (d *document) unnamed(i int, m *member, k key, depth int) int {
	if m == nil { // kept or not as part of what it lies in
		return int(d.value(i, nil, depth).end)
	}
	d.parent, d.inner = m, k.name
	if d.unknown == RejectUnknown {
		d.find(oddMember{UnknownField, m, k.name, k.at})
	}
	v := d.value(i, nil, depth)
	if v.end >= 0 && d.unknown == KeepUnknown {
		d.keep(k)
		d.extra = append(d.extra, d.line[v.start:v.end]...)
	}
	return int(v.end)
}

// keep appends a name and its colon to extra.
func (d *document) keep(k key) {
	if d.extra[len(d.extra)-1] != '{' {
		d.extra = append(d.extra, ',')
	}
	d.extra = append(d.extra, d.line[k.at:k.end]...)
	d.extra = append(d.extra, ':')
}

// twice notes that a name stands twice in an object of which columns read m, or which lies in a
// member that no column reads.
func (d *document) twice(m *member, k key) {
	if m != nil {
		d.find(oddMember{DuplicateField, m, k.name, k.at})
	} else {
		d.find(oddMember{DuplicateField, d.parent, d.inner, k.at})
	}
}

// find notes the first fault of a member that no column reads.
func (d *document) find(odd oddMember) {
	if d.odd.reason == "" {
		d.odd = odd
	}
}

// value scans the value at i; m says what columns name there. Its end is -1 for a fault.
func (d *document) value(i int, m *member, depth int) value {
	v := value{start: int32(i)}
	end := -1
	switch c := d.byteAt(i); c {
	case '"':
		v.kind = stringValue
		end, v.escaped = d.str(i)
	case '{':
		v.kind = objectValue
		if m != nil && m.members == nil {
			m = nil
		}
		end = d.object(i, m, depth+1)
	case '[':
		v.kind = arrayValue
		end = d.array(i, depth+1)
	case 't':
		v.kind = boolValue
		end = d.word(i, "true")
	case 'f':
		v.kind = boolValue
		end = d.word(i, "false")
	case 'n':
		v.kind = nullValue
		end = d.word(i, "null")
	default:
		v.kind = numberValue
		end = d.number(i)
	}
	v.end = int32(end)
	return v
}

// byteAt is the byte at i, 0 at the end: no value begins with that.
func (d *document) byteAt(i int) byte {
	if i < len(d.line) {
		return d.line[i]
	}
	return 0
}

// array scans the array that begins at i and is so many deep.
func (d *document) array(i, depth int) int {
	if depth > maxDepth {
		return d.fail(i, tooDeep)
	}
	for i = d.space(i + 1); !d.is(i, ']'); {
		v := d.value(i, nil, depth)
		if v.end < 0 {
			return -1
		}
		if i = d.space(int(v.end)); d.is(i, ',') {
			if i = d.space(i + 1); d.is(i, ']') {
				return d.fail(i, wantValue)
			}
		} else if !d.is(i, ']') {
			return d.fail(i, "want a comma or a closing bracket")
		}
	}
	return i + 1
}

// str scans the string whose quote stands at i, and reports whether it has escapes.
func (d *document) str(i int) (end int, escaped bool) {
	for i++; ; escaped = true {
		i = plain(d.line, i)
		switch d.byteAt(i) {
		case '"':
			return i + 1, escaped
		case '\\':
			_, n := readEscape(d.line[i:])
			if n == 0 {
				return d.fail(i, "want an escape that JSON has, surrogates in pairs"), false
			}
			i += n
		default:
			if i == len(d.line) {
				return d.fail(i, "want a closing quote"), false
			}
			return d.fail(i, "want no control characters in a string"), false
		}
	}
}

// word scans a word of JSON at i.
func (d *document) word(i int, word string) int {
	for k := range len(word) {
		if !d.is(i+k, word[k]) {
			return d.fail(i+k, "want "+word)
		}
	}
	return i + len(word)
}

// number scans what can only be a number.
func (d *document) number(i int) int {
	if c := d.byteAt(i); c != '-' && (c < '0' || c > '9') {
		return d.fail(i, wantValue)
	}
	end, ok := numberEnd(d.line, i)
	if !ok {
		return d.fail(end, "want a digit")
	}
	return end
}
