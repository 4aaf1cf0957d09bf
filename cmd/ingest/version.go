package main

import (
	"runtime"
	"runtime/debug"

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
	b := buildOf()
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

// develVersion is the version of a program that was built from a folder.
const develVersion = "devel"

// programVersion is the version of this program.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return develVersion
	}
	return info.Main.Version
}

// buildOf says which program this is.
func buildOf() service.Build {
	b := service.Build{Version: programVersion(), Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Go = info.GoVersion
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}
