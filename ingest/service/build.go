package service

import (
	"runtime"
	"runtime/debug"
)

// Build describes a program.
type Build struct {
	Version  string
	Revision string // empty when the build does not say
	Go       string
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

// ThisBuild describes the program that runs.
func ThisBuild() Build {
	b := Build{Version: programVersion(), Go: runtime.Version()}
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
