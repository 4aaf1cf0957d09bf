package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"logseal/ingest/usage"
)

// decoder reads values out of nodes strictly and gathers everything that is wrong, so that one
// run names all of it.
type decoder struct {
	file   string
	folder string // that relative paths start from; empty for the working folder
	env    func(name string) (string, bool)
	key    string // the key whose value is being read
	errs   []*yamlError
}

// newDecoder gives a decoder of the config file at a path. Relative paths in a config start from its
// folder, so that the config means the same wherever the program is started.
func newDecoder(file string) *decoder {
	return &decoder{file: file, folder: configFolder(file), env: os.LookupEnv}
}

func (d *decoder) fail(at place, format string, args ...any) {
	d.errs = append(d.errs, &yamlError{d.file, at, fmt.Errorf(format, args...)})
}

// failValue is fail for what is wrong with the value of the key that is being read.
func (d *decoder) failValue(n *node, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if !strings.HasPrefix(err.Error(), d.key+" ") { // it does not name the key by itself
		err = fmt.Errorf("%s: %w", d.key, err)
	}
	d.fail(n.place, "%w", err)
}

// err is nil, or all that was wrong in the order of the file.
func (d *decoder) err() error {
	slices.SortStableFunc(d.errs, func(a, b *yamlError) int {
		return cmp.Or(a.at.line-b.at.line, a.at.column-b.at.column)
	})
	var errs []error
	for _, e := range d.errs {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// fields hands the values of a mapping to the functions of their keys. A key without a function
// is an error that names the nearest one, as is a key without a value; what says what the mapping
// describes.
func (d *decoder) fields(n *node, what string, known map[string]func(*node)) {
	if n.kind != mappingNode {
		d.fail(n.place, "want %s with some of the keys %s; have %v", what,
			strings.Join(slices.Sorted(maps.Keys(known)), ", "), n.kind)
		return
	}
	for _, p := range n.pairs {
		read, ok := known[p.key]
		switch {
		case !ok:
			d.fail(p.at, "unknown key %q in %s%s", p.key, what, usage.DidYouMean(p.key, maps.Keys(known)))
		case p.value.kind == nullNode:
			d.fail(p.at, "%s has no value: leave the key out for its default", p.key)
		default:
			d.of(p.key, func() { read(p.value) })
		}
	}
}

// of reads the value of a key.
func (d *decoder) of(key string, read func()) {
	outer := d.key
	d.key = key
	read()
	d.key = outer
}

// list hands over the items of a list, none of which may be empty.
func (d *decoder) list(n *node, read func(*node)) {
	if n.kind != listNode {
		d.failValue(n, "want a list, have %v", n.kind)
		return
	}
	for _, item := range n.items {
		if item.kind == nullNode {
			d.failValue(item, "an item without a value: quote it if it is the word null")
			continue
		}
		read(item)
	}
}

// literal reads a scalar's text as it stands.
func (d *decoder) literal(n *node) string {
	if n.kind != scalarNode {
		d.failValue(n, "want one value, have %v", n.kind)
		return ""
	}
	return n.text
}

// text reads a scalar's text with ${…} expanded.
func (d *decoder) text(n *node) string {
	s, err := expandEnv(d.literal(n), d.env, d.folder)
	if err != nil {
		d.failValue(n, "%w", err)
	}
	return s
}

func (d *decoder) texts(n *node) (out []string) {
	d.list(n, func(item *node) { out = append(out, d.text(item)) })
	return out
}

// into gives a function that reads a scalar by parse into dst.
func into[T any](d *decoder, dst *T, parse func(string) (T, error)) func(*node) {
	return func(n *node) {
		before := len(d.errs)
		s := d.text(n)
		if len(d.errs) > before {
			return
		}
		v, err := parse(s)
		if err != nil {
			d.failValue(n, "%w", err)
			return
		}
		*dst = v
	}
}

func (d *decoder) intoText(dst *string) func(*node) {
	return into(d, dst, func(s string) (string, error) {
		if s == "" {
			return "", errors.New("no text: leave the key out for its default")
		}
		return s, nil
	})
}

func parseBool(s string) (bool, error) {
	switch s {
	case "true", "false":
		return s == "true", nil
	}
	return false, fmt.Errorf("%q: want true or false", s)
}

// intBetween gives a parser of whole numbers from lo to hi.
func intBetween(lo, hi int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < lo || n > hi {
			return 0, fmt.Errorf("%q: want a whole number from %d to %d", s, lo, hi)
		}
		return n, nil
	}
}
