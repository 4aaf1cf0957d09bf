package main

import (
	"runtime"
	"runtime/debug"
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
	revision, goVersion := buildOf()
	res := &versionResult{Version: programVersion(), Revision: revision, Go: goVersion,
		Platform: runtime.GOOS + "/" + runtime.GOARCH}
	a.result = res
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

// buildOf gives the revision that the program was built from, empty when nothing says so, and the
// version of Go.
func buildOf() (revision, goVersion string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", runtime.Version()
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return revision, info.GoVersion
}
