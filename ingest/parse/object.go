package parse

import (
	"fmt"
	"unicode/utf8"
)

// ExtraName is the column that keeps the members of an object that no other column reads: an
// object of just these, in their order, names and values byte for byte as they stood; null when
// there are none. Of objects that columns read in part it holds the rest.
const ExtraName = "_extra"

// extraColumn is the last of a definition that keeps unknown keys.
func extraColumn() Column { return Column{Name: ExtraName, Optional: true} }

// isExtra reports whether c is extraColumn.
func isExtra(c *Column) bool {
	return c.Name == ExtraName && c.Type == String && c.Optional && c.Key == "" &&
		c.NullValues == nil && c.Enum == nil && c.MinLength == 0 && c.MaxLength == 0 &&
		c.Pattern == ""
}

// appendObject adds the values of a JSON object to t's columns, or nothing. The content is UTF-8.
func (p *Parser) appendObject(content []byte, t *Table) failure {
	d := &t.document
	d.tree, d.unknown = p.tree, p.def.UnknownKeys
	if !d.scan(content) {
		return failure{fault: fault{BadJSON, atByte(d.badAt) + ": " + d.bad}, column: -1, at: d.badAt}
	}
	rows := t.Rows()
	for i, f := range p.fields {
		bad, at := fault{}, 0
		if i < p.outer {
			bad = f.append(&t.Columns[i], t.outer[i])
		} else if m := p.tree.leaves[i]; m != nil {
			bad, at = d.append(f, m, &t.Columns[i])
		} else {
			d.appendExtra(&t.Columns[i])
		}
		if bad.reason != "" {
			truncate(t.Columns[:i], rows)
			return failure{bad, i, f.Name, at}
		}
	}
	if d.odd.reason != "" {
		truncate(t.Columns, rows)
		return d.oddFailure()
	}
	return failure{}
}

// append adds the value of a member to its column, or nothing: then it gives the fault and its
// place.
func (d *document) append(f *field, m *member, v *Vector) (fault, int) {
	val := &d.values[m.index]
	switch bad, at := d.again(m); {
	case bad.reason != "" && (val.kind != absent || f.Optional):
		return bad, at
	case val.kind == absent:
		return d.appendAbsent(f, m, v)
	case val.kind == nullValue:
		return f.appendNull(v, "it is null"), int(val.start)
	case val.kind == objectValue || val.kind == arrayValue:
		return f.wrongKind(val.kind), int(val.start)
	}
	text := d.line[val.start:val.end]
	if val.kind == stringValue {
		text = text[1 : len(text)-1]
	}
	if val.escaped {
		d.text = unescape(d.text[:0], text)
		text = d.text
	}
	switch {
	case f.isNull(text):
		return f.appendNull(v, f.detail.null), int(val.start)
	case !f.takes(val.kind):
		return f.wrongKind(val.kind), int(val.start)
	}
	return f.appendText(v, text), int(val.start)
}

// appendAbsent adds the null of a member that the line does not have, unless the object that it
// should lie in is something else.
func (d *document) appendAbsent(f *field, m *member, v *Vector) (fault, int) {
	in := m.parent
	for d.values[in.index].kind == absent {
		in = in.parent // at the latest the outermost object, which is there
	}
	where := d.values[in.index]
	switch where.kind {
	case objectValue:
		return f.appendNull(v, f.detail.missing), int(where.end) - 1
	case nullValue:
		return f.appendNull(v, f.detail.missing), int(where.start)
	}
	return fault{BadType, in.key + " is a JSON " + valueKindNames[where.kind] + ", not an object"},
		int(where.start)
}

// again finds out whether a column's member stands twice, or an object that it lies in does: that
// is the fault of the first column in it.
func (d *document) again(m *member) (fault, int) {
	for at := m; at.parent != nil && at.column == m.column; at = at.parent {
		if twice := int(d.values[at.index].again); twice > 0 {
			return fault{DuplicateField, at.key + " stands twice, again " + atByte(twice)}, twice
		}
	}
	return fault{}, 0
}

// appendExtra adds the members that no column reads.
func (d *document) appendExtra(v *Vector) {
	if len(d.extra) == len("{") {
		v.AppendNull()
		return
	}
	d.extra = append(d.extra, '}')
	v.AppendBytes(d.extra)
}

// fieldMax bounds the key of a reject's field, which may be as long as the line.
const fieldMax = 200

// oddFailure is the fault of a member that no column reads.
func (d *document) oddFailure() failure {
	at := int(d.odd.at)
	name := string(d.names.bytes(d.odd.name))
	field := clip(joinKey(d.odd.parent.key, name), fieldMax)
	detail := "no column reads it, " + atByte(at)
	if d.odd.reason == DuplicateField {
		detail = "a name stands twice, again " + atByte(at)
	}
	return failure{fault{d.odd.reason, detail}, -1, field, at}
}

// clip shortens s to so many bytes at most, in front of a mark that it was longer.
func clip(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size] + "…"
}

// takes reports whether a value of a column may be written as a JSON value of that kind.
func (f *field) takes(k valueKind) bool {
	switch f.Type {
	case Int32, Int64, Float64:
		return k == numberValue
	case Bool:
		return k == boolValue
	case Timestamp:
		layout := f.time.layout
		return k == stringValue ||
			k == numberValue && (layout == LayoutEpochS || layout == LayoutEpochMS)
	}
	return k == stringValue
}

func (f *field) wrongKind(k valueKind) fault {
	return fault{BadType, fmt.Sprintf("a JSON %s is %s", valueKindNames[k], f.detail.badType)}
}
