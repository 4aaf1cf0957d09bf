package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/verify"
)

func TestWatchVerify_LogsALineNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		w := newApp(io.Discard, &stderr).watchVerify()
		w.set(verify.Progress{Objects: 2000, Bytes: 40 << 20})
		time.Sleep(progressEvery + time.Second) // in the bubble's time
		w.set(verify.Progress{Objects: 3000, Bytes: 60 << 20, Listed: true})
		w.set(verify.Progress{Objects: 3000, Bytes: 60 << 20, Listed: true, Done: 700,
			DoneSize: 15 << 20})
		time.Sleep(progressEvery)
		w.stop()
		time.Sleep(progressEvery)
		lines := strings.Split(stderr.String(), "\n")
		require.Len(t, lines, 3)
		require.Regexp(t, `^time=\S+ level=INFO msg=verify listed=2000$`, lines[0])
		require.Regexp(t, `^time=\S+ level=INFO msg=verify checked="700 of 3000" bytes="15 MiB" `+
			`of="60 MiB" rate="1.5 MiB/s"$`, lines[1])
		require.Empty(t, lines[2])
	})
}

func TestWatchVerify_QuietSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		a := newApp(io.Discard, &stderr)
		a.setUp(false, true)
		w := a.watchVerify()
		w.set(verify.Progress{Objects: 1, Bytes: 1})
		time.Sleep(progressEvery + time.Second)
		w.stop()
		require.Empty(t, stderr.String())
	})
}

// On a terminal there is a bar for the list and one for the checks, and none for nothing.
func TestWatchVerify_Bar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		show := func(steps ...verify.Progress) string {
			stderr.Reset()
			w := newApp(io.Discard, &stderr).watchVerify()
			w.shown = true
			for _, p := range steps {
				w.set(p)
				time.Sleep(time.Second) // more than a bar waits between two drawings
			}
			w.stop()
			return stderr.String()
		}
		drawn := show(verify.Progress{Objects: 1, Bytes: 1 << 20},
			verify.Progress{Objects: 2, Bytes: 2 << 20},
			verify.Progress{Objects: 2, Bytes: 2 << 20, Listed: true},
			verify.Progress{Objects: 2, Bytes: 2 << 20, Listed: true, Done: 1, DoneSize: 1 << 20})
		require.Contains(t, drawn, "list")
		_, drawn, _ = strings.Cut(drawn, "verify")
		require.Contains(t, drawn, "50%")
		require.NotContains(t, drawn, "list")
		require.Empty(t, show(verify.Progress{Listed: true}))
	})
}
