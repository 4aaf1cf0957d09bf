package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// manifest is what of the objects in deploy/kubernetes this program has a say in.
type manifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		Completions      int
		PodFailurePolicy struct {
			Rules []struct {
				Action      string
				OnExitCodes struct{ Values []int } `yaml:"onExitCodes"`
			}
		} `yaml:"podFailurePolicy"`
		Template struct {
			Spec struct{ Containers []container }
		}
	}
}

type container struct {
	Args      []string
	Env       []struct{ Name, Value string }
	Resources struct{ Requests struct{ CPU string } }
}

// The Job's command line and config are ones that the program takes.
func TestDeploy_Job(t *testing.T) {
	body, err := os.ReadFile("../../deploy/kubernetes/load.yaml")
	require.NoError(t, err)
	kinds := map[string]manifest{}
	for text := range strings.SplitSeq(string(body), "\n---\n") {
		var m manifest
		require.NoError(t, yaml.Unmarshal([]byte(text), &m), text)
		kinds[m.Kind] = m
	}
	config := kinds["ConfigMap"].Data["ingest.yaml"]
	c, err := parseConfig("ingest.yaml", []byte(config))
	require.NoError(t, err)
	require.NotEmpty(t, c.State)
	at, err := parseTarget(c.Sink)
	require.NoError(t, err)
	require.NotNil(t, at.bucket)
	for _, s := range c.Streams {
		require.NoError(t, s.Epoch().Validate())
		require.True(t, isObject(s.Paths[0]))
	}

	job := kinds["Job"].Spec
	var all cli
	parser, err := kong.New(&all)
	require.NoError(t, err)
	for index := range job.Completions {
		var args []string
		for _, arg := range job.Template.Spec.Containers[0].Args {
			args = append(args, strings.ReplaceAll(arg, "$(JOB_COMPLETION_INDEX)",
				string(rune('0'+index))))
		}
		_, err := parser.Parse(args)
		require.NoError(t, err)
		require.Equal(t, shard{Index: index, Count: job.Completions}, all.Load.Shard)
		require.Regexp(t, regexp.MustCompile(`^/etc/logseal/`), all.Load.Config)
	}
	// Memory goes with cores, so a node of many would be too much for the limit.
	load := job.Template.Spec.Containers[0]
	require.NotEmpty(t, load.Env)
	require.Equal(t, "GOMAXPROCS", load.Env[0].Name)
	require.Equal(t, load.Resources.Requests.CPU, load.Env[0].Value)
	require.Equal(t, []int{exitUsage, exitLook}, job.PodFailurePolicy.Rules[0].OnExitCodes.Values)
}
