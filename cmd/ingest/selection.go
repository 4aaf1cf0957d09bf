package main

import (
	"cmp"
	"slices"
	"strings"

	"logseal/ingest/config"
	"logseal/ingest/input"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/usage"
)

// streamFlags say how lines are read.
type streamFlags struct {
	Format string `placeholder:"NAME" help:"Built-in format: combined, common, app, cri or docker_json."`
	Regex  string `placeholder:"RE" help:"Pattern of a whole line; its named groups become columns."`
	Stream string `placeholder:"NAME" help:"Stream to use (default: the format's name, or lines)."`
}

// bareRegexStream is the stream of --regex without a name.
const bareRegexStream = "lines"

// selection is a stream with its files.
type selection struct {
	config.Stream
	files *input.Selection
}

// choose gives the streams to work on: without a config the one that the flags describe, else
// --stream or all of the config; paths go to the only one of these.
func (f *streamFlags) choose(c *config.Config, paths []string) ([]selection, error) {
	if f.Format != "" && f.Regex != "" {
		return nil, usage.Errorf("--format and --regex: want one of them")
	}
	chosen, err := f.streams(c)
	if err != nil {
		return nil, err
	}
	if len(chosen) > 1 && (len(paths) > 0 || f.described()) {
		return nil, usage.Errorf("the config has several streams: choose one with --stream (%s)",
			strings.Join(streamNames(c), ", "))
	}
	if f.described() {
		if err := f.describe(&chosen[0]); err != nil {
			return nil, err
		}
	}
	var out []selection
	for _, s := range chosen {
		if len(paths) > 0 {
			out = append(out, selection{Stream: s, files: &input.Selection{Name: s.Name, Patterns: paths, Named: true}})
		} else {
			out = append(out, selection{Stream: s, files: s.Files()})
		}
	}
	return out, nil
}

// streams gives what --stream chooses, or a stream that is still to be described.
func (f *streamFlags) streams(c *config.Config) ([]config.Stream, error) {
	switch {
	case len(c.Streams) == 0:
		if !f.described() {
			return nil, usage.Errorf("no format: give --format (%s), --regex, or a config with -c",
				config.FlagFormats())
		}
		name := cmp.Or(f.Stream, f.Format, bareRegexStream)
		if err := source.CheckName(name); err != nil {
			return nil, usage.Errorf("--stream: %w", err)
		}
		return []config.Stream{config.DefaultStream(name)}, nil
	case f.Stream == "":
		return c.Streams, nil
	}
	for _, s := range c.Streams {
		if s.Name == f.Stream {
			return []config.Stream{s}, nil
		}
	}
	return nil, usage.Errorf("the config has no stream %q%s", f.Stream,
		usage.DidYouMean(f.Stream, slices.Values(streamNames(c))))
}

func (f *streamFlags) described() bool { return f.Format != "" || f.Regex != "" }

// describe lets the flags decide how the stream is parsed; its time window stays.
func (f *streamFlags) describe(s *config.Stream) error {
	var def parse.Definition
	var err error
	if f.Format != "" {
		if def, err = config.Preset(f.Format); err != nil {
			return usage.Errorf("--format: %w", err)
		}
	} else if def, err = parse.FromPattern(f.Regex); err != nil {
		return usage.Errorf("--regex: %w", err)
	}
	def.Window = s.Parser.Window
	s.Parser = def
	return nil
}

func streamNames(c *config.Config) []string {
	var names []string
	for _, s := range c.Streams {
		names = append(names, s.Name)
	}
	return names
}
