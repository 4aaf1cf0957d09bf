package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// secretMax is the longest file that ${file:…} takes; a secret is a line or a key.
const secretMax = 1 << 20

var envNameRE = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expandEnv replaces ${NAME} by the environment's value and ${file:PATH} by the file's content less
// one final newline; $${ stands for a plain ${. What is put in is not looked at again. A relative PATH
// starts from folder.
func expandEnv(s string, env func(string) (string, bool), folder string) (string, error) {
	var out strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			out.WriteString(s)
			return out.String(), nil
		}
		if i > 0 && s[i-1] == '$' {
			out.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		out.WriteString(s[:i])
		name, rest, ok := strings.Cut(s[i+2:], "}")
		if !ok {
			return "", fmt.Errorf("%q has no closing brace; write $${ for a plain ${", s[i:])
		}
		value, err := lookup(name, env, folder)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		s = rest
	}
}

func lookup(name string, env func(string) (string, bool), folder string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		return readSecret(inFolder(folder, path))
	}
	if !envNameRE.MatchString(name) {
		return "", fmt.Errorf("${%s} names no environment variable; write $${ for a plain ${", name)
	}
	value, ok := env(name)
	if !ok {
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	return value, nil
}

// readBounded reads a file that may be a pipe or a device, of which nobody knows how long it is.
func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return b, err
}

func readSecret(path string) (string, error) {
	b, err := readBounded(path, secretMax)
	if err == nil && !utf8.Valid(b) {
		err = errors.New("it is not UTF-8 text")
	}
	if err != nil {
		return "", fmt.Errorf("${file:%s}: %w", path, err)
	}
	b, ended := bytes.CutSuffix(b, []byte("\n"))
	if ended {
		b = bytes.TrimSuffix(b, []byte("\r"))
	}
	return string(b), nil
}
