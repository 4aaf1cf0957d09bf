package parse

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Column's Key names the one place of its value: names of members, from the outermost object
// inwards, with a dot between them. A dot that is part of a name is written `\.`, a backslash
// `\\`. So a key means the same in every line, whatever else the line holds.

// splitKey gives the names of a key.
func splitKey(key string) ([]string, error) {
	if !utf8.ValidString(key) {
		return nil, fmt.Errorf("key %q is not UTF-8", key)
	}
	var names []string
	var name strings.Builder
	end := func() error {
		if name.Len() == 0 {
			return fmt.Errorf("key %q: a name in it is empty", key)
		}
		names = append(names, name.String())
		name.Reset()
		return nil
	}
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == '.':
			if err := end(); err != nil {
				return nil, err
			}
		case c != '\\':
			name.WriteByte(c)
		case i+1 == len(key) || key[i+1] != '.' && key[i+1] != '\\':
			return nil, fmt.Errorf("key %q: want a dot or a backslash after a backslash", key)
		default:
			i++
			name.WriteByte(key[i])
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	if len(names) > maxDepth {
		return nil, fmt.Errorf("key %q: lines are at most %d objects deep", key, maxDepth)
	}
	return names, nil
}

var keyEscapes = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

// joinKey writes the key of a name within the object of key prefix, "" for the outermost.
func joinKey(prefix, name string) string {
	if prefix == "" {
		return keyEscapes.Replace(name)
	}
	return prefix + "." + keyEscapes.Replace(name)
}

// member is a place in an object that columns name: a column's value, or an object with members
// that are named.
type member struct {
	name   string
	key    string // as a Column has it; "" for the outermost object
	index  int    // in document.values
	rank   int    // in parent.ordered
	parent *member
	// column is the member's own or, of an object, the first in schema order that lies in it.
	column int
	// An object's: by name, and in the order of the schema. Nil for a column.
	members map[string]*member
	ordered []*member
}

// tree is what the columns of a definition name.
type tree struct {
	root   *member
	size   int       // how many members there are
	leaves []*member // of each column; nil for the one of ExtraName
}

func newTree() *tree {
	return &tree{root: &member{column: -1, members: make(map[string]*member)}, size: 1}
}

// add gives the next column, of name, its place.
func (t *tree) add(key, name string) error {
	if key == "" {
		key = name
	}
	names, err := splitKey(key)
	if err != nil {
		return err
	}
	column := len(t.leaves)
	at := t.root
	for i, name := range names {
		last := i == len(names)-1
		next := at.members[name]
		switch {
		case next == nil:
			next = t.newMember(at, name, column, last)
		case last && next.members == nil:
			return fmt.Errorf("key %s: another column reads it", key)
		case last || next.members == nil:
			return errors.New("key " + key + ": a column cannot hold an object of which another " +
				"reads a part")
		}
		at = next
	}
	t.leaves = append(t.leaves, at)
	return nil
}

func (t *tree) newMember(parent *member, name string, column int, leaf bool) *member {
	m := &member{name: name, key: joinKey(parent.key, name), index: t.size, rank: len(parent.ordered),
		parent: parent, column: column}
	t.size++
	if !leaf {
		m.members = make(map[string]*member)
	}
	parent.members[name] = m
	parent.ordered = append(parent.ordered, m)
	return m
}

// find gives the member of a name, nil for none. Next is which of m's members comes next if the
// line has them in the order of the schema.
func (m *member) find(name []byte, next *int) *member {
	if i := *next; i < len(m.ordered) && m.ordered[i].name == string(name) {
		*next = i + 1
		return m.ordered[i]
	}
	found := m.members[string(name)]
	if found != nil {
		*next = found.rank + 1
	}
	return found
}
