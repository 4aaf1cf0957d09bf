package parse

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// New validates and compiles d. Its error lists everything that is wrong.
func New(d Definition) (*Parser, error) {
	d = d.Canonical()
	p := &Parser{def: d, eventTime: -1}
	errs := []error{d.Window.check()}
	p.outer = len(d.Frame.Columns())
	if err := d.checkFrame(); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	if err := p.setKind(); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	names := make(map[string]string) // column names by their lower case
	for i, c := range d.Columns {
		bad := p.addField(i, c)
		if other, ok := names[strings.ToLower(c.Name)]; ok {
			bad = append(bad, fmt.Errorf("its name differs from column %q in no more than case", other))
		}
		names[strings.ToLower(c.Name)] = c.Name
		if c.EventTime && p.eventTime >= 0 {
			bad = append(bad, errors.New("there is another event_time already"))
		}
		if c.EventTime {
			p.eventTime = i
		}
		for _, err := range bad {
			errs = append(errs, fmt.Errorf("column %q: %w", c.Name, err))
		}
	}
	if d.Kind == Regex {
		errs = append(errs, d.checkGroups(p.re.SubexpNames()))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// setKind compiles what finds the columns' texts in a line.
func (p *Parser) setKind() error {
	d := &p.def
	switch {
	case d.Kind > JSON:
		return fmt.Errorf("there is no kind %d", uint8(d.Kind))
	case d.UnknownKeys > RejectUnknown:
		return fmt.Errorf("there is no unknown_keys %d", uint8(d.UnknownKeys))
	case d.Kind == Regex && d.UnknownKeys != 0:
		return errors.New("unknown_keys is for lines that are JSON, not for a pattern")
	case d.Kind == Regex:
		var err error
		if p.re, err = compileWhole(d.Pattern); err == nil {
			p.spans, p.whole = compileSpans(p.re.String()), d.Pattern == wholePattern
		}
		return err
	case d.Pattern != "":
		return errors.New("lines are either JSON or of a pattern, not both")
	case len(d.Columns) == p.outer || d.keepsUnknown() && len(d.Columns) == p.outer+1:
		return errors.New("there are no columns")
	}
	p.tree = newTree()
	p.tree.leaves = make([]*member, p.outer)
	return nil
}

// addField compiles column i into p.fields.
func (p *Parser) addField(i int, c Column) []error {
	if p.def.keepsUnknown() && i == len(p.def.Columns)-1 && isExtra(&c) {
		f, errs := newField(c, -1, p.def.Window)
		p.fields, p.tree.leaves = append(p.fields, f), append(p.tree.leaves, nil)
		return errs
	}
	if err := checkName(c.Name); err != nil {
		return []error{err}
	}
	if i < p.outer {
		f, errs := newField(c, -1, p.def.Window)
		p.fields = append(p.fields, f)
		return errs
	}
	group := -1
	var bad error
	if p.def.Kind == JSON {
		bad = p.tree.add(c.Key, c.Name)
	} else {
		group = p.re.SubexpIndex(c.Name)
		switch {
		case c.Key != "":
			bad = errors.New("key is for lines that are JSON, not for a pattern")
		case group < 0:
			bad = fmt.Errorf("the pattern has no group (?P<%s>...)", c.Name)
		}
	}
	f, errs := newField(c, group, p.def.Window)
	if bad != nil {
		errs = append(errs, bad)
	}
	p.fields = append(p.fields, f)
	return errs
}

// checkGroups holds that every named group is a column and that there is one at all.
func (d *Definition) checkGroups(groups []string) error {
	var errs []error
	named := false
	for _, name := range groups {
		if name == "" {
			continue
		}
		named = true
		found := false
		for _, c := range d.Columns[len(d.Frame.Columns()):] {
			found = found || c.Name == name
		}
		if !found {
			errs = append(errs, fmt.Errorf("group %q is no column of the schema: "+
				"add one, or do not name the group", name))
		}
	}
	if !named {
		errs = append(errs, errors.New("the pattern has no named group (?P<name>...), so no columns"))
	}
	return errors.Join(errs...)
}

// check returns an error unless w holds some time within the years 0000 to 9999.
func (w Window) check() error {
	switch {
	case w == (Window{}):
		return nil
	case w.From >= w.To:
		return errors.New("time window: its end is not after its start")
	case w.From < minMicros || w.To > maxMicros+1:
		return errors.New("time window: it reaches beyond the years 0000 to 9999")
	}
	return nil
}

// wholeLine gives the text of a pattern that matches where pattern does, but only from the first
// byte to the last. Groups keep their numbers.
func wholeLine(pattern string) (string, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return "", fmt.Errorf("pattern: %w", err)
	}
	// Pattern stands in a group of its own, so that its alternatives and flags end with it. If it
	// ends inside \Q that group does not close; \E on its own would be no valid escape.
	var err error
	for _, end := range []string{`)\z`, `\E)\z`} {
		whole := `\A(?:` + pattern + end
		if _, err = syntax.Parse(whole, syntax.Perl); err == nil {
			return whole, nil
		}
	}
	return "", fmt.Errorf("pattern: %w", err)
}

// compileWhole compiles pattern so that it matches a whole text or nothing.
func compileWhole(pattern string) (*regexp.Regexp, error) {
	whole, err := wholeLine(pattern)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(whole)
}

// optionalGroups finds the named groups that can be absent from a match: those within an
// alternative or a repetition that may happen zero times.
func optionalGroups(pattern string) (map[string]bool, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	found := make(map[string]bool)
	var walk func(re *syntax.Regexp, optional bool)
	walk = func(re *syntax.Regexp, optional bool) {
		switch re.Op {
		case syntax.OpAlternate, syntax.OpStar, syntax.OpQuest:
			optional = true
		case syntax.OpRepeat:
			optional = optional || re.Min == 0
		case syntax.OpCapture:
			if re.Name != "" && optional {
				found[re.Name] = true
			}
		}
		for _, sub := range re.Sub {
			walk(sub, optional)
		}
	}
	walk(re, false)
	return found, nil
}
