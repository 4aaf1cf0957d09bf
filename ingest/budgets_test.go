package ingest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// budgets are how large a thing may be: what the good small packages of the field keep to. A test
// file has the budget of its lines only: its tables of cases and its models are long by nature.
var budgets = map[string]int{
	"lines of a file":         400,
	"lines of a function":     60,
	"nesting of a function":   3,
	"methods of a type":       30,
	"fields of a struct":      20,
	"files of a package":      25,
	"methods of an interface": 6,
}

// overBudget lists the things that may be larger, each with its reason: at most ten.
var overBudget = map[string]string{
	"fields of a struct: ingest/table.Manifest": "a stored format: it has the fields that a manifest has",
}

// A thing that is over its budget is split, or has a reason.
func TestBudgets(t *testing.T) {
	require.LessOrEqual(t, len(overBudget), 10)
	found := sizes{}
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "..":
			return fs.SkipDir
		case strings.HasSuffix(path, ".go"):
			return found.measure(path)
		}
		return nil
	}))
	for what, reason := range overBudget {
		require.NotEmpty(t, reason, what)
		require.True(t, found.over(what), "%s is within its budget: it needs no reason", what)
	}
	for _, what := range slices.Sorted(maps.Keys(found)) {
		if found.over(what) && overBudget[what] == "" {
			t.Errorf("%s: %d, the budget is %d", what, found[what], budgets[kind(what)])
		}
	}
}

func TestBudgets_SizesAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.go")
	require.NoError(t, os.WriteFile(path, []byte(`package x

type S[T any] struct {
	a, b int
	error
}

type I interface {
	error
	F()
}

func (s *S[T]) M() {
	if s.a > 0 {
	} else if s.b > 0 {
		for range s.a {
		}
	} else {
		go func() {
			switch {
			}
		}()
	}
}

func (s S[T]) N() {}
`), 0o600))
	got := sizes{}
	require.NoError(t, got.measure(path))
	dir := filepath.Dir(path)
	require.Equal(t, sizes{
		"lines of a file: " + path:               26,
		"files of a package: " + dir:             1,
		"fields of a struct: " + dir + ".S":      3,
		"methods of an interface: " + dir + ".I": 2,
		"methods of a type: " + dir + ".S":       2,
		"lines of a function: " + dir + ".S.M":   12,
		"nesting of a function: " + dir + ".S.M": 2,
		"lines of a function: " + dir + ".S.N":   1,
		"nesting of a function: " + dir + ".S.N": 0,
	}, got)
}

// sizes are the sizes of what was measured, by "kind: name".
type sizes map[string]int

// kind is the budget that counts for what.
func kind(what string) string {
	kind, _, _ := strings.Cut(what, ": ")
	return kind
}

// over reports whether what is over its budget.
func (s sizes) over(what string) bool { return s[what] > budgets[kind(what)] }

// measure adds the sizes of a file and of what is in the file.
func (s sizes) measure(path string) error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	lines := func(n ast.Node) int { return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1 }
	name := strings.TrimPrefix(filepath.ToSlash(path), "../")
	s["lines of a file: "+name] = fset.File(file.FileStart).LineCount()
	if strings.HasSuffix(name, "_test.go") {
		return nil
	}
	dir := filepath.ToSlash(filepath.Dir(name))
	s["files of a package: "+dir]++
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			s.function(dir, n, lines(n))
		case *ast.TypeSpec:
			s.typ(dir+"."+n.Name.Name, n.Type)
		}
		return true
	})
	return nil
}

// function adds the sizes of a function, and counts it for the type that it is a method of.
func (s sizes) function(dir string, f *ast.FuncDecl, lines int) {
	name := dir + "." + f.Name.Name
	if f.Recv != nil {
		of := dir + "." + receiver(f.Recv.List[0].Type)
		s["methods of a type: "+of]++
		name = of + "." + f.Name.Name
	}
	deepest := 0
	ast.Walk(nest{&deepest, map[*ast.IfStmt]bool{}, 0}, f)
	// Each system may have its own function of that name.
	s["lines of a function: "+name] = max(lines, s["lines of a function: "+name])
	s["nesting of a function: "+name] = max(deepest, s["nesting of a function: "+name])
}

// receiver is the name of the type of a receiver.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// typ adds the size of a type.
func (s sizes) typ(name string, t ast.Expr) {
	switch t := t.(type) {
	case *ast.StructType:
		s["fields of a struct: "+name] = t.Fields.NumFields()
	case *ast.InterfaceType:
		s["methods of an interface: "+name] = t.Methods.NumFields()
	}
}

// nest visits the blocks of a function, and finds how deep they lie within each other. A function
// within the function counts from its own start, and an "else if" lies as deep as its "if".
type nest struct {
	deepest *int
	elseIfs map[*ast.IfStmt]bool
	depth   int
}

// Visit implements ast.Visitor.
func (n nest) Visit(x ast.Node) ast.Visitor {
	switch x := x.(type) {
	case *ast.FuncLit:
		n.depth = 0
		return n
	case *ast.IfStmt:
		if e, ok := x.Else.(*ast.IfStmt); ok {
			n.elseIfs[e] = true
		}
		if n.elseIfs[x] {
			return n
		}
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
	default:
		return n
	}
	n.depth++
	*n.deepest = max(*n.deepest, n.depth)
	return n
}
