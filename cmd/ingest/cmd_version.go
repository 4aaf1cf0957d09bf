package main

import (
	"runtime"

	"logseal/ingest/service"
)

// versionCmd is `ingest version`.
type versionCmd struct{}

// Help is what --help says besides the flags.
func (*versionCmd) Help() string {
	return help(`
A program that was built from a folder and not as a release has the version devel.

Examples:
  ingest version
  ingest version --json`)
}

// versionResult is the JSON object of `version`.
type versionResult struct {
	outcome
	Version  string `json:"version"`
	Revision string `json:"revision"` // empty when the build does not say
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run implements the command.
func (*versionCmd) Run(a *app) error {
	b := service.ThisBuild()
	res := &versionResult{Version: b.Version, Revision: b.Revision, Go: b.Go,
		Platform: runtime.GOOS + "/" + runtime.GOARCH}
	a.result = res
	revision := b.Revision
	if revision != "" {
		revision += " "
	}
	a.show("ingest %s %s%s %s", res.Version, revision, res.Go, res.Platform)
	return nil
}
