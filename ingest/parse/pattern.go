package parse

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

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
