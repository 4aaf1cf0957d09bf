package parse

import "bytes"

// Streams is how many streams a frame has: stdout and stderr.
const Streams = 2

var (
	streamNames = [Streams]string{"stdout", "stderr"}
	streamTexts = [Streams][]byte{[]byte(streamNames[0]), []byte(streamNames[1])}
)

// part is a line of a frame taken apart.
type part struct {
	stream int
	last   bool // the line of the program ends with it
	time   []byte
	attrs  []byte // nil for none
	// text is the part of the program's line; where escaped is set with the escapes of JSON.
	text    []byte
	escaped bool
	timeAt  int // where time begins in the line
	textAt  int // where text does
}

// framer takes lines of a frame apart. Its memory is used again, so one goroutine uses it.
type framer struct {
	frame  Frame
	docker document
}

func newFramer(f Frame) *framer {
	fr := &framer{frame: f}
	if f == DockerJSON {
		fr.docker.tree, fr.docker.unknown = dockerTree(), RejectUnknown
	}
	return fr
}

// Parts gives a function that tells what a line, without its LF, is of its record: the stream, -1
// for a line that is no part of any, and whether it is the last part. One goroutine uses it. It is
// nil for a format whose lines are records.
func (p *Parser) Parts() func(line []byte) (stream int, last bool) {
	if p.def.Frame == NoFrame {
		return nil
	}
	fr := newFramer(p.def.Frame)
	return func(line []byte) (int, bool) {
		x, bad := fr.split(line)
		if bad.reason != "" {
			return -1, false
		}
		return x.stream, x.last
	}
}

// split takes a line without its LF apart, or says why it is none of the frame.
func (fr *framer) split(line []byte) (part, failure) {
	if fr.frame == DockerJSON {
		return fr.splitDocker(line)
	}
	x, at := splitCRI(line)
	if at < 0 {
		return x, failure{}
	}
	if bad := invalidUTF8(line); bad >= 0 {
		return x, failure{fault: fault{InvalidUTF8, atByte(bad)}, column: -1, at: bad}
	}
	return x, failure{fault: fault{reason: NoMatch}, column: -1, at: at}
}

// criTime is the shape of the time in digits (0) and what stands between them. Whether it is a time
// is the column's matter.
const criTime = "0000-00-00T00:00:00"

// splitCRI takes a line apart that is `<time> <stdout|stderr> <P|F>[:<tag>]... <text>`. At is the
// byte where it is not, -1 if it is.
func splitCRI(line []byte) (x part, at int) {
	for i := range len(criTime) {
		if i == len(line) {
			return x, i
		}
		if c := line[i]; c != criTime[i] && (criTime[i] != '0' || c < '0' || c > '9') {
			return x, i
		}
	}
	end := bytes.IndexByte(line, ' ')
	if end < 0 {
		return x, len(line)
	}
	x.time = line[:end:end]
	at = end + 1
	rest := line[at:]
	for s, name := range streamNames {
		if len(rest) > len(name) && string(rest[:len(name)]) == name && rest[len(name)] == ' ' {
			x.stream = s
			return x.tags(line, at+len(name)+1)
		}
	}
	return x, at
}

// tags takes what follows the stream, from at on.
func (x part) tags(line []byte, at int) (part, int) {
	if at == len(line) || line[at] != 'P' && line[at] != 'F' {
		return x, at
	}
	x.last = line[at] == 'F'
	at++
	if at < len(line) && line[at] == ':' {
		n := bytes.IndexByte(line[at:], ' ')
		if n < 0 {
			return x, len(line)
		}
		at += n
	}
	if at == len(line) || line[at] != ' ' {
		return x, at
	}
	x.textAt = at + 1
	x.text = line[x.textAt:]
	return x, -1
}

// The members of a line of DockerJSON.
const (
	dockerLog = iota
	dockerStream
	dockerTime
	dockerAttrs
)

func dockerTree() *tree {
	t := newTree()
	for _, key := range []string{"log", "stream", "time", "attrs"} {
		if err := t.add("", key); err != nil {
			panic("parse: key of docker_json: " + err.Error())
		}
	}
	return t
}

// splitDocker takes a line apart that is one object of log, stream, time and, at times, attrs.
func (fr *framer) splitDocker(line []byte) (x part, bad failure) {
	if at := invalidUTF8(line); at >= 0 {
		return x, failure{fault: fault{InvalidUTF8, atByte(at)}, column: -1, at: at}
	}
	d := &fr.docker
	if !d.scan(line) {
		return x, failure{fault{BadJSON, atByte(d.badAt) + ": " + d.bad}, -1, "", d.badAt}
	}
	for _, m := range [...]struct {
		i    int
		want valueKind
	}{{dockerTime, stringValue}, {dockerStream, stringValue}, {dockerAttrs, objectValue},
		{dockerLog, stringValue}} {
		if bad := d.checkMember(d.tree.leaves[m.i], m.want, m.i == dockerAttrs); bad.reason != "" {
			return x, bad
		}
	}
	stream := d.member(dockerStream)
	if x.stream = streamOf(d.textOf(stream)); x.stream < 0 {
		return x, failure{fault{NotInSet, "want stdout or stderr"}, -1, "stream", int(stream.start)}
	}
	if d.odd.reason != "" {
		return x, d.oddFailure()
	}
	log, time, attrs := d.member(dockerLog), d.member(dockerTime), d.member(dockerAttrs)
	x.textAt, x.timeAt = int(log.start)+1, int(time.start)+1
	x.text, x.escaped = line[x.textAt:log.end-1:log.end-1], log.escaped
	x.last = log.escaped && endsInNewline(x.text)
	x.time = d.textOf(time)
	if attrs.kind == objectValue {
		x.attrs = line[attrs.start:attrs.end:attrs.end]
	}
	return x, failure{}
}

func streamOf(name []byte) int {
	for s, known := range streamNames {
		if string(name) == known {
			return s
		}
	}
	return -1
}

// member is the value of one of the members that the tree has.
func (d *document) member(i int) *value { return &d.values[d.tree.leaves[i].index] }

// textOf is the text of a string, which is of the line or new.
func (d *document) textOf(v *value) []byte {
	text := d.line[v.start+1 : v.end-1 : v.end-1]
	if v.escaped {
		return unescape(nil, text)
	}
	return text
}

// checkMember holds a member against the kind that its value must have.
func (d *document) checkMember(m *member, want valueKind, optional bool) failure {
	v := &d.values[m.index]
	bad, at := d.again(m)
	switch {
	case bad.reason != "":
	case v.kind == want, optional && (v.kind == absent || v.kind == nullValue):
		return failure{}
	case v.kind == absent:
		bad, at = fault{MissingField, "the line does not have it"}, int(d.values[0].end)-1
	case v.kind == nullValue:
		bad, at = fault{MissingField, "it is null"}, int(v.start)
	default:
		bad = fault{BadType, "a JSON " + valueKindNames[v.kind] + ", not a " + valueKindNames[want]}
		at = int(v.start)
	}
	return failure{bad, -1, m.name, at}
}

// endsInNewline reports whether the text of a JSON string, with its escapes, ends in a newline.
func endsInNewline(text []byte) bool {
	escape := 0
	switch n := len(text); {
	case n >= 2 && text[n-1] == 'n':
		escape = 2
	case n >= 6 && (string(text[n-5:]) == "u000a" || string(text[n-5:]) == "u000A"):
		escape = 6
	default:
		return false
	}
	slashes := 0
	for i := len(text) - escape; i >= 0 && text[i] == '\\'; i-- {
		slashes++
	}
	return slashes%2 == 1
}
