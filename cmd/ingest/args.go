package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// arrange puts the files together, because kong takes files from one run of arguments only.
// What kong refuses stays where it is. The word --version in the place of a command is the command.
func arrange(root *kong.Node, args []string) []string {
	node := root
	var words, flags, files []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--" && len(node.Children) == 0:
			return slices.Concat(words, flags, args[i:i+1], files, args[i+1:])
		case node == root && arg == "--version":
			node, words = childOf(root, "version"), append(words, "version")
		case isFlag(arg):
			flags = append(flags, arg)
			if i+1 < len(args) && wantsValue(node, arg) && !isFlag(args[i+1]) {
				i++
				flags = append(flags, args[i])
			}
		case len(node.Children) == 0:
			files = append(files, arg)
		default:
			if node = childOf(node, arg); node == nil {
				return args
			}
			words = append(words, arg)
		}
	}
	return slices.Concat(words, files, flags) // so that a flag without its value takes no file for it
}

// isFlag reports whether an argument is a flag, or the end of flags.
func isFlag(arg string) bool { return strings.HasPrefix(arg, "-") && arg != "-" }

func childOf(node *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return node.Children[i]
}

// flagOf finds the flag of a command that an argument gives; nil when there is none.
func flagOf(node *kong.Node, arg string) *kong.Flag {
	name, _, _ := strings.Cut(arg, "=")
	for _, f := range slices.Concat(node.AllFlags(false)...) {
		long, short := name == "--"+f.Name, f.Short != 0 && strings.HasPrefix(arg, "-"+string(f.Short))
		if long || short {
			return f
		}
	}
	return nil
}

// wantsValue reports whether an argument is a flag whose value is the next argument.
func wantsValue(node *kong.Node, arg string) bool {
	f := flagOf(node, arg)
	attached := strings.Contains(arg, "=") || !strings.HasPrefix(arg, "--") && len(arg) > 2
	return f != nil && !f.IsBool() && !attached
}

// checkFlags refuses a flag that stands twice and takes one value, for the second would win in silence, and one
// whose value is empty, as a variable of a shell is that is not set: it would count as not given.
func checkFlags(path []*kong.Path) error {
	seen := map[string]bool{}
	for _, p := range path {
		f := p.Flag
		if f == nil || f.IsBool() || f.IsSlice() {
			continue
		}
		if seen[f.Name] {
			return fmt.Errorf("--%s is given twice: give it once", f.Name)
		}
		if f.Target.Kind() == reflect.String && f.Target.Len() == 0 {
			return fmt.Errorf("--%s has an empty value: give one, or leave the flag out", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// noValue is how kong says that nothing stands after a flag that takes a value.
var noValue = regexp.MustCompile(`^(--[a-z-]+): expected \w+ value but got .*$`)

// plainly says what kong says in words of a user.
func plainly(message string, node *kong.Node, args []string) string {
	return suggestFlag(noValue.ReplaceAllString(message, "$1 has no value"), node, args)
}

// suggestFlag corrects what kong says of a flag that it does not know: it compares short flags by
// their letters, and takes a long one that is written with one dash for a short one.
func suggestFlag(message string, node *kong.Node, args []string) string {
	rest, ok := strings.CutPrefix(message, "unknown flag -")
	if !ok || strings.HasPrefix(rest, "-") {
		return message
	}
	short, _, _ := strings.Cut(rest, ",")
	for _, arg := range args {
		if strings.HasPrefix(arg, "-"+short) && flagOf(node, "-"+arg) != nil {
			name, _, _ := strings.Cut(arg, "=")
			return fmt.Sprintf("unknown flag %s, did you mean \"-%s\"?", name, name)
		}
	}
	return "unknown flag -" + short
}
