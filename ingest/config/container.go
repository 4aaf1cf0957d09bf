package config

import (
	"slices"
	"strings"

	"logseal/ingest/parse"
)

// containers are the formats around what a program writes.
var containers = []parse.Frame{parse.CRI, parse.DockerJSON}

func containerNames() []string {
	var names []string
	for _, f := range containers {
		names = append(names, f.String())
	}
	return names
}

// containerNamed gives a container by the name of its format.
func containerNamed(name string) (parse.Frame, bool) {
	i := slices.Index(containerNames(), name)
	if i < 0 {
		return parse.NoFrame, false
	}
	return containers[i], true
}

// containerNodes are the keys of a stream that say what a container has.
type containerNodes struct {
	inside, rename *node // nil where the key is left out
}

// noContainer refuses the keys of a container in a stream of another format.
func (d parserDecoder) noContainer(p *parserNodes) {
	for key, n := range map[string]*node{"inside": p.container.inside, "rename": p.container.rename} {
		if n != nil {
			d.fail(n.place, "%s is for `format: %s`", key, strings.Join(containerNames(), "` and `format: "))
		}
	}
}

// inContainer gives the definition of lines of a container, and the node that what is wrong with it is about.
func (d parserDecoder) inContainer(p *parserNodes, f parse.Frame) (parse.Definition, *node) {
	for key, n := range map[string]*node{"regex": p.regex, "schema": p.schema,
		"unknown_keys": p.unknown} {
		if n != nil {
			d.fail(n.place, "format %s has columns of its own: put %s under `inside:`, it is about "+
				"what the program writes", f, key)
		}
	}
	names := d.rename(p.container.rename, f)
	var inside parse.Definition
	at := p.format
	if n := p.container.inside; n != nil {
		d.of("inside", func() { inside, at = d.inside(p, n) })
	}
	def := parse.Framed(f, inside, names)
	d.checkClashes(p, f, at, def.Columns)
	return def, at
}

// inside reads what is inside of a container.
func (d parserDecoder) inside(p *parserNodes, n *node) (parse.Definition, *node) {
	in := &parserNodes{at: n, contained: true}
	d.fields(n, "inside", map[string]func(*node){
		"format":       func(n *node) { in.format = n },
		"regex":        func(n *node) { in.regex = n },
		"schema":       func(n *node) { in.schema = n },
		"unknown_keys": func(n *node) { in.unknown = n },
	})
	p.schema = in.schema // where its columns are found
	def, at := d.pattern(in)
	if at == nil {
		at = n
	}
	return def, at
}

// rename reads the other names of a container's columns.
func (d parserDecoder) rename(n *node, f parse.Frame) map[string]string {
	if n == nil {
		return nil
	}
	names, known := map[string]string{}, map[string]func(*node){}
	for _, c := range f.Columns() {
		known[c.Name] = func(n *node) {
			var to string
			d.intoText(&to)(n)
			names[c.Name] = to
		}
	}
	d.of("rename", func() { d.fields(n, "rename", known) })
	return names
}

// checkClashes says of columns inside that have the name of one of the container's what to do.
func (d parserDecoder) checkClashes(p *parserNodes, f parse.Frame, at *node, columns []parse.Column) {
	outer := f.Columns()
	for i, c := range columns[len(outer):] {
		for j, o := range columns[:len(outer)] {
			if !strings.EqualFold(c.Name, o.Name) {
				continue
			}
			place := at.place
			if p.schema != nil && i < len(p.schema.items) {
				place = p.schema.items[i].place
			}
			other := strings.TrimSuffix(f.String(), "_json") + "_" + outer[j].Name
			d.fail(place, "column %q: format %s has a column %q, too: give that one another name, like "+
				"`rename: {%s: %s}` beside `format:`", c.Name, f, o.Name, outer[j].Name, other)
		}
	}
}
