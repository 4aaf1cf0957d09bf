package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"logseal/ingest/parse"
	"logseal/ingest/usage"
)

// parserNodes are the keys of a stream that together say how it is parsed.
type parserNodes struct {
	at *node // the stream
	// Nil where the key is left out.
	format, regex, schema, unknown, window *node
	container                              containerNodes
	contained                              bool // they stand inside of a container
}

// formatJSON is the format of lines that are JSON objects.
const formatJSON = "json"

// parserDecoder is a decoder of how a stream is parsed.
type parserDecoder struct{ *decoder }

// parser reads them and checks them against each other. What the parser itself finds wrong is
// placed at the column it speaks of, else at the pattern.
func (d parserDecoder) parser(p *parserNodes) parse.Definition {
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
func (d parserDecoder) pattern(p *parserNodes) (parse.Definition, *node) {
	name := d.formatName(p.format)
	if f, ok := containerNamed(name); ok && !p.contained {
		return d.inContainer(p, f)
	}
	d.noContainer(p)
	isJSON := name == formatJSON
	if p.unknown != nil && !isJSON {
		d.fail(p.unknown.place, "unknown_keys is for `format: json`")
	}
	switch {
	case isJSON:
		return d.json(p), p.format
	case p.format != nil && (p.regex != nil || p.schema != nil):
		if _, err := p.preset(name); name != "" && err != nil {
			d.fail(p.format.place, "%w (or leave format out and have regex and schema)", err)
			break
		}
		d.fail(p.format.place, "format says it all: want either format, or regex and schema")
	case p.format != nil:
		var def parse.Definition
		d.of("format", func() { into(d.decoder, &def, p.preset)(p.format) })
		return def, p.format
	case p.regex == nil && p.schema != nil:
		d.fail(p.schema.place, "a schema needs a regex with a named group for each column")
	case p.regex == nil:
		if p.at.kind == mappingNode {
			d.fail(p.at.place, "no format: want `format:` (one of %s) or `regex:`",
				strings.Join(p.formats(), ", "))
		}
	default:
		var def parse.Definition
		d.of("regex", func() { def = d.regex(p) })
		return def, p.regex
	}
	return parse.Definition{}, nil
}

func (d parserDecoder) regex(p *parserNodes) parse.Definition {
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
	if p.schema.kind == listNode && len(p.schema.items) == 0 {
		d.fail(p.schema.place, "schema is empty: leave the key out to have all groups as strings")
	}
	return parse.Definition{Pattern: pattern, Columns: d.columns(p.schema)}
}

// formatName is a stream's format, empty for none. An error is said where the value is read.
func (d parserDecoder) formatName(format *node) string {
	if format == nil || format.kind != scalarNode {
		return ""
	}
	name, err := expandEnv(format.text, d.env, d.folder)
	if err != nil {
		return ""
	}
	return name
}

// json gives the definition of lines that are JSON objects.
func (d parserDecoder) json(p *parserNodes) parse.Definition {
	def := parse.Definition{Kind: parse.JSON}
	if p.regex != nil {
		d.fail(p.regex.place, "format json has no regex: a column's `key` says where its value is")
	}
	if p.unknown != nil {
		d.of("unknown_keys", func() {
			into(d.decoder, &def.UnknownKeys, parse.ParseUnknownKeys)(p.unknown)
		})
	}
	switch {
	case p.schema == nil:
		d.fail(p.format.place, "format json needs a `schema:`, a column for each key that is wanted")
		return def
	case p.schema.kind == listNode && len(p.schema.items) == 0:
		d.fail(p.schema.place, "schema is empty: want a column for each key that is wanted")
		return def
	}
	def.Columns = d.columns(p.schema)
	for i, c := range def.Columns {
		if c.Name == parse.ExtraName && i < len(p.schema.items) {
			d.fail(p.schema.items[i].place, "column %q is made by `unknown_keys: keep`: leave it out",
				c.Name)
		}
	}
	return def.Canonical()
}

func (d parserDecoder) columns(schema *node) (columns []parse.Column) {
	d.of("schema", func() {
		d.list(schema, func(n *node) { columns = append(columns, d.column(n)) })
	})
	return columns
}

// column reads one column of a schema.
func (d parserDecoder) column(n *node) parse.Column {
	var c parse.Column
	length := intBetween(0, math.MaxInt32)
	d.fields(n, "a column", map[string]func(*node){
		"name":        into(d.decoder, &c.Name, func(s string) (string, error) { return s, nil }),
		"type":        into(d.decoder, &c.Type, parseType),
		"key":         d.intoText(&c.Key),
		"layout":      into(d.decoder, &c.Layout, checkedLayout),
		"zone":        d.intoText(&c.Zone),
		"event_time":  into(d.decoder, &c.EventTime, parseBool),
		"optional":    into(d.decoder, &c.Optional, parseBool),
		"null_values": func(n *node) { c.NullValues = d.texts(n) },
		"enum":        func(n *node) { c.Enum = d.texts(n) },
		"min":         d.intoText(&c.Min),
		"max":         d.intoText(&c.Max),
		"min_length":  into(d.decoder, &c.MinLength, length),
		"max_length":  into(d.decoder, &c.MaxLength, length),
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

// otherFraction is a fraction of a second as other languages write it.
var otherFraction = regexp.MustCompile(`05([.,])([SsfFn]+|%[fLN])`)

// checkedLayout refuses a layout whose fraction Go's time package would take for letters that stand in
// each line, so that no line would fit. All else is for the parser to say.
func checkedLayout(s string) (string, error) {
	if s == "" {
		return "", errors.New("no text: leave the key out for its default")
	}
	if m := otherFraction.FindStringSubmatch(s); m != nil {
		return "", fmt.Errorf("%q: %s stands for these letters: write a fraction of a second with a zero "+
			"for each digit, 05%s000", s, m[2], m[1])
	}
	return s, nil
}

func parseType(s string) (parse.Type, error) {
	t, err := parse.ParseType(s)
	if err != nil {
		var names []string
		for t := parse.String; t <= parse.Duration; t++ {
			names = append(names, t.String())
		}
		err = fmt.Errorf("unknown type %q%s", s, usage.DidYouMean(s, slices.Values(names)))
	}
	return t, err
}

// window reads time_window: a list of its first instant and the first after it.
func (d parserDecoder) window(n *node) parse.Window {
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

// Preset gives the definition of the format with this name.
func Preset(name string) (parse.Definition, error) {
	def, ok := parse.Preset(name)
	switch {
	case ok:
		return def, nil
	case name == formatJSON:
		return def, errors.New("format json needs a schema: give a config with -c")
	}
	if f, ok := containerNamed(name); ok {
		return parse.Framed(f, def, nil), nil
	}
	return def, fmt.Errorf("unknown format %q%s", name, usage.DidYouMean(name, slices.Values(formats())))
}

// preset is the function preset for a format of these keys.
func (p *parserNodes) preset(name string) (parse.Definition, error) {
	if _, ok := containerNamed(name); ok && p.contained {
		return parse.Definition{}, fmt.Errorf("format %s is not inside of another: want one of %s", name,
			strings.Join(p.formats(), ", "))
	}
	return Preset(name)
}

// formats lists what `format` may be.
func formats() []string {
	return slices.Concat(parse.Presets(), []string{formatJSON}, containerNames())
}

// FlagFormats lists the formats that --format takes: those that need no schema.
func FlagFormats() string {
	return strings.Join(append(parse.Presets(), containerNames()...), ", ")
}

// formats lists what `format` may be among these keys.
func (p *parserNodes) formats() []string {
	if p.contained {
		return append(parse.Presets(), formatJSON)
	}
	return formats()
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
func (d parserDecoder) placeIn(p *parserNodes, at *node, err error) place {
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
