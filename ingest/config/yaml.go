package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// node is a YAML value with its place in the file. Scalars are kept as the text that was written,
// so that what reads them decides what they are: `007` is a fine enum value and `no` a string.
type node struct {
	kind  nodeKind
	text  string  // of a scalar
	items []*node // of a list
	pairs []pair  // of a mapping, in the order of the file
	place
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mappingNode
	nullNode
)

// String is the kind as errors have it.
func (k nodeKind) String() string {
	return [...]string{"a value", "a list", "a mapping", "nothing"}[k]
}

type pair struct {
	key   string
	at    place
	value *node
}

type place struct{ line, column int }

// yamlError is what is wrong at one place of a YAML file.
type yamlError struct {
	file string
	at   place
	err  error
}

// Error implements error.
func (e *yamlError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", e.file, e.at.line, e.at.column, e.err)
}

// Unwrap gives what is wrong without its place.
func (e *yamlError) Unwrap() error { return e.err }

// nodeDepthMax bounds how deep values may be nested; a config needs five levels.
const nodeDepthMax = 50

// parseYAML reads the one document in body; name is the file's, for errors. A panic of the parser,
// which is not ours, is an error in the file.
func parseYAML(name string, body []byte) (n *node, err error) {
	defer func() {
		if v := recover(); v != nil {
			n, err = nil, fmt.Errorf("%s: no YAML that can be parsed: %v", name, v)
		}
	}()
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	file, err := parser.ParseBytes(body, 0)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	r := &yamlReader{file: name, anchors: map[string]*node{}}
	switch len(file.Docs) {
	case 0:
		return &node{kind: nullNode, place: place{1, 1}}, nil
	case 1:
		return r.read(file.Docs[0].Body, 0)
	}
	return nil, r.fail(file.Docs[1].Body, "a second document; want one")
}

func syntaxError(name string, err error) error {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return &yamlError{name, placeOf(syntax.Token), errors.New(syntax.Message + syntaxAdvice(syntax.Message))}
}

// syntaxAdvice says what to do about the mistakes that are made most.
func syntaxAdvice(message string) string {
	switch {
	case strings.Contains(message, "unknown escape character"):
		return "; write a regex in single quotes"
	case strings.Contains(message, "'\t' that cannot start") || strings.Contains(message, "'	' that cannot start"):
		return "; indent with blanks"
	}
	return ""
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}

// yamlReader turns the syntax tree into nodes. An alias gives the node of its anchor, which is
// shared, so many aliases cost nothing.
type yamlReader struct {
	file    string
	anchors map[string]*node
}

func (r *yamlReader) fail(n ast.Node, format string, args ...any) error {
	at := place{1, 1}
	if n != nil {
		at = placeOf(n.GetToken())
	}
	return &yamlError{r.file, at, fmt.Errorf(format, args...)}
}

func (r *yamlReader) read(n ast.Node, depth int) (*node, error) {
	if n == nil {
		return &node{kind: nullNode, place: place{1, 1}}, nil
	}
	if depth > nodeDepthMax {
		return nil, r.fail(n, "nested deeper than %d levels", nodeDepthMax)
	}
	at := placeOf(n.GetToken())
	scalar := func(text string) (*node, error) { return &node{text: text, place: at}, nil }
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.readMapping(n.Values, at, depth)
	case *ast.MappingValueNode:
		return r.readMapping([]*ast.MappingValueNode{n}, at, depth)
	case *ast.SequenceNode:
		out := &node{kind: listNode, place: at}
		for _, v := range n.Values {
			item, err := r.read(v, depth+1)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
		return out, nil
	case *ast.AnchorNode:
		value, err := r.read(n.Value, depth+1)
		if err == nil {
			r.anchors[n.Name.GetToken().Value] = value
		}
		return value, err
	case *ast.AliasNode:
		value, ok := r.anchors[n.Value.GetToken().Value]
		if !ok {
			return nil, r.fail(n, "there is no anchor &%s before this", n.Value.GetToken().Value)
		}
		return value, nil
	case *ast.NullNode:
		return &node{kind: nullNode, place: at}, nil
	case *ast.StringNode:
		return scalar(n.Value)
	case *ast.LiteralNode:
		return scalar(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return scalar(n.GetToken().Value)
	}
	return nil, r.fail(n, "%s is nothing a config needs", n.Type())
}

func (r *yamlReader) readMapping(
	values []*ast.MappingValueNode, at place, depth int,
) (*node, error) {
	out := &node{kind: mappingNode, place: at}
	seen := map[string]bool{}
	for _, v := range values {
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			return nil, r.fail(v.Key, "want a plain word as key")
		}
		if seen[key.Value] {
			return nil, r.fail(key, "key %q stands twice", key.Value)
		}
		seen[key.Value] = true
		value, err := r.read(v.Value, depth+1)
		if err != nil {
			return nil, err
		}
		out.pairs = append(out.pairs, pair{key.Value, placeOf(key.GetToken()), value})
	}
	if len(out.pairs) > 0 {
		out.place = out.pairs[0].at // the tree places a mapping at its first colon
	}
	return out, nil
}
