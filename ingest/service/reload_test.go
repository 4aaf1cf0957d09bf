package service

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestService_Reload(t *testing.T) {
	r := startService(t, t.TempDir())
	for _, c := range []struct{ name, config, said string }{
		{"another stream", runningConfig + "# more\n", "config reloaded"},
		{"a mistake", "streams: [{name: app, format: ap}]", "unknown format"},
		{"a sink", strings.Replace(runningConfig, "lake", "pond", 1), "the sink cannot change"},
		{"a state", strings.Replace(runningConfig, "ROOT/state", "ROOT/else", 1),
			"the state cannot change"},
		{"an origin", strings.Replace(runningConfig, "web-1", "web-2", 1),
			"the origin cannot change from web-1 to web-2"},
		{"links", "symlinks: follow\n" + runningConfig, "symlinks cannot change"},
		{"a mode", "sink_mode: 0600\n" + runningConfig, "sink_mode cannot change"},
		{"a spool", "spool: {max_bytes: 1GiB}\n" + runningConfig, "spool.max_bytes cannot change"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(r.said.String())
			was := len(r.fake.reloads)
			old := r.current.Load()
			r.write(t, c.config)
			r.hangups <- syscall.SIGHUP
			r.manager.Hears(t, "RELOADING=1\nMONOTONIC_USEC=")
			if c.name == "another stream" {
				r.manager.Hears(t, "READY=1\nSTATUS=following")
				require.Len(t, r.fake.reloads, was+1)
				require.Equal(t, "web-1", r.fake.reloads[was].Streams[0].Origin)
				require.NotSame(t, old, r.current.Load())
			} else {
				r.manager.Hears(t, "READY=1\nSTATUS=following; the last config reload was rejected")
				require.Len(t, r.fake.reloads, was)
			}
			require.Contains(t, r.said.String()[before:], c.said)
		})
	}
	require.Contains(t, scrape(t, r.Service), `logseal_reloads_total{result="refused"} 7`)
	require.Contains(t, scrape(t, r.Service), "\nlogseal_config_refused 1\n")

	old := r.current.Load()
	r.fake.refusal = errors.New("another meaning")
	r.write(t, runningConfig)
	r.hangups <- syscall.SIGHUP
	r.manager.Hears(t, "RELOADING=1\nMONOTONIC_USEC=")
	r.manager.Hears(t, "READY=1\nSTATUS=following; the last config reload was rejected")
	require.Contains(t, r.said.String(), "another meaning")
	require.Same(t, old, r.current.Load())
}
