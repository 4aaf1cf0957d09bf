package parse

import (
	"bytes"
	"hash/maphash"
)

// span is bytes of the line; with start below 0 of the names that were unescaped, from ^start on.
type span struct{ start, end int32 }

// names finds names that stand twice in one object, in time linear in the line. The names of the
// objects that are open lie on a stack; those of an object with many are in a table too. What is
// found never depends on the hash, only how soon.
type names struct {
	line      []byte
	unescaped []byte
	stack     []span

	// Objects are numbered through all lines, so that what the table holds of lines before, below
	// first, counts as free.
	objects uint32
	first   uint32
	table   []slot // its length is 0 or a power of two
	used    int    // by this line
	seed    maphash.Seed
}

// slot is a name in an object.
type slot struct {
	object uint32
	name   span
}

// few is how many names are compared one by one: looking at that many lengths costs about as much
// as one hash.
const few = 16

// begin takes a new line.
func (s *names) begin(line []byte) {
	if s.table != nil && s.objects > 1<<31 { // a line has less than 1<<31 objects
		clear(s.table)
		s.objects = 0
	}
	s.line, s.unescaped, s.stack = line, s.unescaped[:0], s.stack[:0]
	s.first, s.used = s.objects+1, 0
}

// open begins an object: its number, and where its names begin on the stack.
func (s *names) open() (object uint32, base int) {
	s.objects++
	return s.objects, len(s.stack)
}

// close ends the object whose names begin at base.
func (s *names) close(base int) { s.stack = s.stack[:base] }

// bytes gives what n spans, until the next line.
func (s *names) bytes(n span) []byte {
	if n.start < 0 {
		return s.unescaped[^n.start:n.end]
	}
	return s.line[n.start:n.end]
}

// unescape gives the name that stands, with escapes, between the quotes at n.
func (s *names) unescape(n span) span {
	start := len(s.unescaped)
	s.unescaped = unescape(s.unescaped, s.bytes(n))
	return span{^int32(start), int32(len(s.unescaped))}
}

// add adds a name to the innermost object and reports whether it has it already.
func (s *names) add(object uint32, base int, name span) (again bool) {
	mine := s.stack[base:]
	s.stack = append(s.stack, name)
	if len(mine) > few {
		return !s.insert(object, name)
	}
	if len(mine) == few {
		for _, other := range mine {
			s.insert(object, other)
		}
		return !s.insert(object, name)
	}
	text := s.bytes(name)
	for _, other := range mine {
		if bytes.Equal(text, s.bytes(other)) {
			return true
		}
	}
	return false
}

// insert adds a name to the table and reports whether it is new to the object.
func (s *names) insert(object uint32, name span) bool {
	if 2*s.used >= len(s.table) {
		s.grow()
	}
	text := s.bytes(name)
	for at := s.hash(object, text); ; at++ {
		slot := &s.table[at&uint64(len(s.table)-1)]
		switch {
		case slot.object < s.first:
			slot.object, slot.name = object, name
			s.used++
			return true
		case slot.object == object && bytes.Equal(text, s.bytes(slot.name)):
			return false
		}
	}
}

func (s *names) hash(object uint32, text []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15 // spreads the objects' numbers over all bits
	return maphash.Bytes(s.seed, text) ^ uint64(object)*odd
}

// grow doubles the table.
func (s *names) grow() {
	old := s.table
	if old == nil {
		s.seed = maphash.MakeSeed()
	}
	s.table = make([]slot, max(8*few, 2*len(old)))
	s.used = 0
	for _, slot := range old {
		if slot.object >= s.first {
			s.insert(slot.object, slot.name)
		}
	}
}
