package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"logseal/ingest/config"
	"logseal/ingest/service"
)

// parseTail gives what a command line of a tail says.
func parseTail(t *testing.T, args []string) tailCmd {
	var all cli
	parser, err := kong.New(&all)
	require.NoError(t, err)
	command, err := parser.Parse(args)
	require.NoError(t, err)
	require.Equal(t, "tail", command.Command())
	return all.Tail
}

const unitFile = "../../deploy/systemd/logseal.service"

// readUnit gives the settings of a unit; one that is there several times has several values.
func readUnit(t *testing.T) (text string, settings map[string][]string) {
	body, err := os.ReadFile(unitFile)
	require.NoError(t, err)
	settings = map[string][]string{}
	for line := range strings.SplitSeq(string(body), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			settings[name] = append(settings[name], value)
		}
	}
	return string(body), settings
}

func seconds(t *testing.T, text string) time.Duration {
	v, err := time.ParseDuration(strings.ReplaceAll(text, "min", "m"))
	require.NoError(t, err)
	return v
}

// The unit runs the program as it wants to be run: it gives it time to end, waits for what it tells,
// and lets it read logs and write its state.
func TestDeploy_Unit(t *testing.T) {
	text, unit := readUnit(t)
	one := func(name string) string {
		require.Len(t, unit[name], 1, name)
		return unit[name][0]
	}
	require.Equal(t, "notify", one("Type"))
	require.Equal(t, "/bin/kill -HUP $MAINPID", one("ExecReload"))
	require.Equal(t, strconv.Itoa(exitUsage), one("RestartPreventExitStatus"))
	require.Greater(t, seconds(t, one("TimeoutStopSec")), config.Default().ShutdownGrace)
	require.Greater(t, seconds(t, one("WatchdogSec")), service.LookMost, "a look may take as long")

	start := strings.Fields(one("ExecStart"))
	tail := parseTail(t, start[1:])
	require.Equal(t, "/var/lib/"+one("StateDirectory"), tail.State)
	require.Equal(t, "/etc/"+one("ConfigurationDirectory")+"/ingest.yaml", tail.Config)
	require.Equal(t, "strict", one("ProtectSystem"))
	require.Contains(t, one("AmbientCapabilities"), "CAP_DAC_READ_SEARCH")
	require.Equal(t, one("AmbientCapabilities"), one("CapabilityBoundingSet"))
	require.NotContains(t, text, "InaccessiblePaths")
	require.NotContains(t, text, "TemporaryFileSystem")
	require.Contains(t, one("RestrictAddressFamilies"), "AF_UNIX", "for its socket and the manager's")
	require.NotContains(t, unit["SystemCallFilter"], "~@resources", "Go raises its limit of files")

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("no systemd-analyze here")
	}
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "logseal.service")
	text = strings.ReplaceAll(text, start[0], program)
	require.NoError(t, os.WriteFile(copied, []byte(text), 0o666))
	out, err := exec.Command(analyze, "verify", copied).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "logseal.service", "a warning")
}

// podManifest is what of a pod's manifest this program has a say in.
type podManifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		Template struct {
			Spec struct {
				TerminationGracePeriodSeconds int            `yaml:"terminationGracePeriodSeconds"`
				InitContainers                []podContainer `yaml:"initContainers"`
				Containers                    []podContainer
				Volumes                       []struct {
					Name     string
					HostPath struct{ Path string } `yaml:"hostPath"`
				}
			}
		}
	}
}

type podContainer struct {
	Name          string
	RestartPolicy string `yaml:"restartPolicy"`
	Args          []string
	Env           []struct{ Name string }
	Resources     struct{ Requests, Limits struct{ Memory string } }
	VolumeMounts  []struct {
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
	LivenessProbe struct {
		HTTPGet struct{ Path string } `yaml:"httpGet"`
	} `yaml:"livenessProbe"`
}

// The pods' command lines and configs are ones that the program takes, and it has time to end.
func TestDeploy_Pods(t *testing.T) {
	for name, kind := range map[string]string{"daemonset": "DaemonSet", "sidecar": "Deployment"} {
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile("../../deploy/kubernetes/" + name + ".yaml")
			require.NoError(t, err)
			kinds := map[string]podManifest{}
			for text := range strings.SplitSeq(string(body), "\n---\n") {
				var m podManifest
				require.NoError(t, yaml.Unmarshal([]byte(text), &m), text)
				kinds[m.Kind] = m
			}
			pod := kinds[kind].Spec.Template.Spec
			c := append(pod.InitContainers, pod.Containers...)[0]
			require.Equal(t, "ingest", c.Name)
			if kind == "Deployment" {
				require.Equal(t, "Always", c.RestartPolicy, "it must outlive what it follows")
			}
			for _, e := range c.Env {
				t.Setenv(e.Name, "node-1.example")
			}
			tail := parseTail(t, c.Args)
			require.NotEmpty(t, tail.Metrics)
			config := filepath.Join(t.TempDir(), "ingest.yaml")
			require.NoError(t, os.WriteFile(config, []byte(kinds["ConfigMap"].Data["ingest.yaml"]), 0o666))
			require.Equal(t, "/etc/logseal/ingest.yaml", tail.Config)
			tail.Config = config
			p, err := tail.plan()
			require.NoError(t, err)
			require.EqualValues(t, "node-1.example", p.Config.Origin)
			require.NotNil(t, p.Location.Bucket)
			require.Greater(t, time.Duration(pod.TerminationGracePeriodSeconds)*time.Second,
				p.Config.ShutdownGrace+20*time.Second)
			require.Equal(t, "/healthz", c.LivenessProbe.HTTPGet.Path)
			require.Equal(t, "64Mi", c.Resources.Requests.Memory)
			require.Equal(t, "256Mi", c.Resources.Limits.Memory)
			requireMounts(t, c, p)
			if of := p.Streams[0].OriginPath; of != nil {
				require.Equal(t, "billing-7d9c-x2x4z", of.FindStringSubmatch(
					"/var/log/pods/shop_billing-7d9c-x2x4z_0b5e/billing/0.log")[1])
			}
		})
	}
}

// requireMounts wants the logs mounted to read and the state to write.
func requireMounts(t *testing.T, c podContainer, p *service.Plan) {
	var logs, state bool
	for _, m := range c.VolumeMounts {
		for _, s := range p.Config.Streams {
			logs = logs || m.ReadOnly && slices.ContainsFunc(s.Paths, func(pattern string) bool {
				return strings.HasPrefix(pattern, m.MountPath+"/")
			})
		}
		state = state || !m.ReadOnly && m.MountPath == p.Config.State
	}
	require.True(t, logs, "the logs")
	require.True(t, state, "the state")
}

// What the snippet has logrotate ask keeps a file that is not in the sink, and lets one go that is.
func TestDeploy_Logrotate(t *testing.T) {
	body, err := os.ReadFile("../../deploy/logrotate/logseal")
	require.NoError(t, err)
	text := string(body)
	command := regexp.MustCompile(`(?m)^ +(/usr/local/bin/ingest) (status .*) "\$1"$`).FindStringSubmatch(text)
	require.NotNil(t, command)
	var all cli
	parser, err := kong.New(&all)
	require.NoError(t, err)
	_, err = parser.Parse(append(strings.Fields(command[2]), "/var/log/x"))
	require.NoError(t, err)
	require.Equal(t, "/var/log/x", all.Status.SafeToDelete)
	require.Contains(t, text, "\n    dateext\n", "numbered files that are kept would be written over")
	require.NotRegexp(t, `(?m)^ +copytruncate`, text)

	logrotate := findLogrotate(t)
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Chmod(root, 0o755))
	program, err := exec.LookPath("ingest")
	require.NoError(t, err)
	for old, by := range map[string]string{
		"/usr/local/bin/ingest": program, "/var/log/nginx": root + "/logs",
		"/etc/logseal/ingest.yaml": root + "/ingest.yaml", "/var/lib/logseal": root + "/state",
		"create 0640 www-data adm": "create", "rotate 7": "rotate 1",
		"/usr/sbin/invoke-rc.d nginx rotate": "true",
	} {
		require.Contains(t, text, old)
		text = strings.ReplaceAll(text, old, by)
	}
	conf := filepath.Join(root, "rotate.conf")
	require.NoError(t, os.WriteFile(conf, []byte(text), 0o644))
	require.NoError(t, os.WriteFile(root+"/ingest.yaml", []byte("sink: "+root+"/lake\nstate: "+root+
		"/state\nstreams: [{name: app, format: app, paths: ['"+root+"/logs/app.log-*']}]\n"), 0o666))
	require.NoError(t, os.Mkdir(root+"/logs", 0o755))
	logs := func(name string, from int) string {
		path := filepath.Join(root, "logs", name)
		require.NoError(t, os.WriteFile(path, []byte(genLines(from, from+50)), 0o644))
		return path
	}
	shipped := logs("app.log-20240101", 0)
	out, err := exec.Command("ingest", "load", "-c", root+"/ingest.yaml").CombinedOutput()
	require.NoError(t, err, "%s", out)
	missing, kept := logs("app.log-20240102", 100), logs("app.log-20240103", 200)
	logs("app.log", 300)
	// It fails, since it may not remove what it wants to.
	out, _ = exec.Command(logrotate, "-f", "-s", root+"/status", conf).CombinedOutput()
	require.NoFileExists(t, shipped, "%s", out)
	require.FileExists(t, missing, "%s", out)
	require.FileExists(t, kept)
	require.Contains(t, string(out), "not yet", "it says why")

	out, err = exec.Command("ingest", "load", "-c", root+"/ingest.yaml").CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(logrotate, "-f", "-s", root+"/status", conf).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoFileExists(t, missing)
}

func findLogrotate(t *testing.T) string {
	for _, path := range []string{"logrotate", "/usr/sbin/logrotate"} {
		if path, err := exec.LookPath(path); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("logrotate is missing: install the package logrotate")
	}
	t.Skip("not run: logrotate is missing; install the package logrotate")
	return ""
}
