package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"logseal/ingest/parse"
)

// parserNodes are the keys of a stream that together say how it is parsed.
type parserNodes struct {
	at                            *node // the stream
	format, regex, schema, window *node // nil where the key is left out
}

// parser reads them and checks them against each other. What the parser itself finds wrong is
// placed at the column it speaks of, else at the pattern.
func (d *decoder) parser(p *parserNodes) parse.Definition {
	before := len(d.errs)
	def, at := d.pattern(p)
	if p.window != nil {
		d.of("time_window", func() { def.Window = d.window(p.window) })
	}
	if len(d.errs) > before || at == nil {
		return def
	}
	for _, err := range split(def.Validate()) {
		d.fail(d.placeIn(p, at, err), "%w", err)
	}
	return def
}

// pattern gives the definition but for its window, and the node that gave the pattern; nil when
// there is none.
func (d *decoder) pattern(p *parserNodes) (parse.Definition, *node) {
	switch {
	case p.format != nil && (p.regex != nil || p.schema != nil):
		d.fail(p.format.place, "format says it all: want either format, or regex and schema")
	case p.format != nil:
		var def parse.Definition
		d.of("format", func() { into(d, &def, preset)(p.format) })
		return def, p.format
	case p.regex == nil && p.schema != nil:
		d.fail(p.schema.place, "a schema needs a regex with a named group for each column")
	case p.regex == nil:
		if p.at.kind == mappingNode {
			d.fail(p.at.place, "no format: want `format:` (one of %s) or `regex:`",
				strings.Join(parse.Presets(), ", "))
		}
	default:
		var def parse.Definition
		d.of("regex", func() { def = d.regex(p) })
		return def, p.regex
	}
	return parse.Definition{}, nil
}

func (d *decoder) regex(p *parserNodes) parse.Definition {
	pattern := d.literal(p.regex)
	if strings.HasSuffix(pattern, "\n") {
		d.fail(p.regex.place, "regex ends in a newline, which no line holds: write |- or >-")
	}
	if p.schema == nil {
		def, err := parse.FromPattern(pattern)
		for _, err := range split(err) {
			d.fail(p.regex.place, "%w", err)
		}
		return def
	}
	def := parse.Definition{Pattern: pattern}
	d.of("schema", func() {
		d.list(p.schema, func(n *node) { def.Columns = append(def.Columns, d.column(n)) })
	})
	if p.schema.kind == listNode && len(p.schema.items) == 0 {
		d.fail(p.schema.place, "schema is empty: leave the key out to have all groups as strings")
	}
	return def
}

// column reads one column of a schema.
func (d *decoder) column(n *node) parse.Column {
	var c parse.Column
	length := intBetween(0, math.MaxInt32)
	d.fields(n, "a column", map[string]func(*node){
		"name":        into(d, &c.Name, func(s string) (string, error) { return s, nil }),
		"type":        into(d, &c.Type, parseType),
		"layout":      d.intoText(&c.Layout),
		"zone":        d.intoText(&c.Zone),
		"event_time":  into(d, &c.EventTime, parseBool),
		"optional":    into(d, &c.Optional, parseBool),
		"null_values": func(n *node) { c.NullValues = d.texts(n) },
		"enum":        func(n *node) { c.Enum = d.texts(n) },
		"min":         d.intoText(&c.Min),
		"max":         d.intoText(&c.Max),
		"min_length":  into(d, &c.MinLength, length),
		"max_length":  into(d, &c.MaxLength, length),
		"pattern":     func(n *node) { c.Pattern = d.literal(n) },
	})
	if n.kind == mappingNode {
		for _, key := range []string{"name", "type"} {
			if !slices.ContainsFunc(n.pairs, func(p pair) bool { return p.key == key }) {
				d.fail(n.place, "a column without a %s", key)
			}
		}
	}
	return c
}

func parseType(s string) (parse.Type, error) {
	t, err := parse.ParseType(s)
	if err != nil {
		var names []string
		for t := parse.String; t <= parse.Duration; t++ {
			names = append(names, t.String())
		}
		err = fmt.Errorf("unknown type %q%s", s, didYouMean(s, slices.Values(names)))
	}
	return t, err
}

// window reads time_window: a list of its first instant and the first after it.
func (d *decoder) window(n *node) parse.Window {
	texts := d.texts(n)
	if n.kind != listNode {
		return parse.Window{}
	}
	if len(n.items) != 2 {
		d.failValue(n, "want a list of two times, the second excluded")
		return parse.Window{}
	}
	if len(texts) != 2 {
		return parse.Window{}
	}
	w, err := parseWindow(texts[0], texts[1])
	if err != nil {
		d.failValue(n, "%w", err)
	}
	return w
}

// preset gives the definition of a format by name.
func preset(name string) (parse.Definition, error) {
	def, ok := parse.Preset(name)
	if !ok {
		return def, fmt.Errorf("unknown format %q%s", name,
			didYouMean(name, slices.Values(parse.Presets())))
	}
	return def, nil
}

// split gives the errors that err joins, or err alone; none for nil.
func split(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, split(err)...)
	}
	return all
}

// placeIn finds the column that err, of the parser, speaks of.
func (d *decoder) placeIn(p *parserNodes, at *node, err error) place {
	if p.schema == nil {
		return at.place
	}
	for _, item := range p.schema.items {
		for _, pair := range item.pairs {
			about := fmt.Sprintf("column %q:", pair.value.text)
			if pair.key == "name" && strings.HasPrefix(err.Error(), about) {
				return item.place
			}
		}
	}
	return at.place
}
