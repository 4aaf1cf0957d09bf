package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"logseal/ingest/config"
	"logseal/ingest/input"
	"logseal/ingest/location"
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
	settings := kinds["ConfigMap"].Data["ingest.yaml"]
	c, err := config.Parse("ingest.yaml", []byte(settings))
	require.NoError(t, err)
	require.NotEmpty(t, c.State)
	at, err := location.ParseSinkURL(c.Sink)
	require.NoError(t, err)
	require.NotNil(t, at.Bucket)
	for _, s := range c.Streams {
		require.NoError(t, s.Epoch().Validate())
		require.True(t, input.IsObject(s.Paths[0]))
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

// alertRules is deploy/prometheus/alerts.yaml.
type alertRules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert       string
			Expr        string
			For         string
			Labels      struct{ Severity string }
			Annotations map[string]string
		}
	}
}

// documentedMetrics are all metrics: the service's own test holds the document to them.
func documentedMetrics(t *testing.T) []string {
	body, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(logseal_[a-z_]+)").FindAllStringSubmatch(string(body), -1) {
		names = append(names, m[1])
	}
	require.Greater(t, len(names), 25)
	return names
}

const alertsFile = "../../deploy/prometheus/alerts.yaml"

// Every alert is about metrics that there are, and the runbook says what to do about each.
func TestDeploy_Alerts(t *testing.T) {
	body, err := os.ReadFile(alertsFile)
	require.NoError(t, err)
	var all alertRules
	require.NoError(t, yaml.UnmarshalWithOptions(body, &all, yaml.Strict()))
	names := documentedMetrics(t)
	var alerts []string
	for _, r := range all.Groups[0].Rules {
		alerts = append(alerts, r.Alert)
		used := regexp.MustCompile(`logseal_[a-z_]+`).FindAllString(r.Expr, -1)
		for _, name := range used {
			require.Contains(t, names, strings.TrimSuffix(name, "_count"), r.Alert)
		}
		require.True(t, len(used) > 0 || strings.Contains(r.Expr, `job="logseal"`), r.Alert)
		require.Contains(t, []string{"page", "ticket"}, r.Labels.Severity, r.Alert)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.Equal(t, "docs/runbook.md#"+strings.ToLower(r.Alert), r.Annotations["runbook_url"])
	}
	require.Greater(t, len(alerts), 10)
	book, err := os.ReadFile("../../docs/runbook.md")
	require.NoError(t, err)
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllSubmatch(book, -1) {
		sections = append(sections, string(m[1]))
	}
	require.Equal(t, alerts, sections)
}

// The rules page for what stops sealing or shipping, and for nothing in the first half hour.
func TestDeploy_AlertsFire(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("promtool is missing: install Debian's package prometheus")
	}
	require.NoError(t, err)
	for _, args := range [][]string{
		{"check", "rules", alertsFile},
		{"test", "rules", "../../deploy/prometheus/alerts_test.yaml"},
	} {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}
