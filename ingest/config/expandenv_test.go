package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExpandEnv(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "1", "B_2": "${A}"}[name]
		return v, ok
	}
	for s, want := range map[string]string{
		"": "", "plain": "plain", "$": "$", "$A": "$A", "${A}": "1", "x${A}y${A}z": "x1y1z",
		"${B_2}": "${A}", "$${A}": "${A}", "$$${A}": "$${A}", "a$${": "a${", "${A}$": "1$", "}{": "}{",
	} {
		got, err := expandEnv(s, env, "")
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	for s, want := range map[string]string{
		"${": "no closing brace", "${A": "no closing brace", "${}": "names no environment variable",
		"${C}": "C is not set", "${A-b}": "names no", "${1}": "names no",
		"${file:/does/not/exist}": "${file:/does/not/exist}: open",
	} {
		_, err := expandEnv(s, env, "")
		require.ErrorContains(t, err, want, s)
	}
}

// A file that never ends is no secret, and no config.
func TestExpandEnv_OfAFileWithoutEnd(t *testing.T) {
	done := make(chan error, 2)
	go func() {
		_, err := readSecret("/dev/zero")
		done <- err
		_, err = Read("/dev/zero")
		done <- err
	}()
	for range 2 {
		select {
		case err := <-done:
			require.ErrorContains(t, err, "more than")
		case <-time.After(time.Minute):
			require.Fail(t, "it reads for ever")
		}
	}
}
