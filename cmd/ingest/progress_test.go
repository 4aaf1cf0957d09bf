package main

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
)

func TestWatch_LogsALineNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		w := newApp(io.Discard, &stderr).watch(&commit.Config{})
		w.add(15 << 20)
		time.Sleep(progressEvery + time.Second) // in the bubble's time
		require.Regexp(t, `^time=\S+ level=INFO msg=load read="15 MiB" rate="1.5 MiB/s"\n$`,
			stderr.String())
		w.add(1 << 20)
		w.stop()
		time.Sleep(progressEvery)
		require.Equal(t, 1, bytes.Count(stderr.Bytes(), []byte("\n")), "it has stopped")
	})
}

func TestWatch_QuietSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		a := newApp(io.Discard, &stderr)
		a.setUp(false, true)
		w := a.watch(&commit.Config{})
		w.add(1 << 20)
		time.Sleep(progressEvery + time.Second)
		w.stop()
		require.Empty(t, stderr.String())
	})
}
