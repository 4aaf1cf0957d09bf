package commit

import (
	"fmt"

	"logseal/ingest/source"
)

// OriginOf takes the origin from a file's path, else it is the stream's.
func (s *Stream) OriginOf(path string) (string, error) {
	if s.OriginPath == nil {
		return s.Origin, nil
	}
	m := s.OriginPath.FindStringSubmatch(path)
	if m == nil {
		return "", fmt.Errorf("the stream's origin_path %q does not match its path; it was left alone: "+
			"let origin_path match it, or leave it out with `exclude`", s.OriginPath)
	}
	origin := m[min(1, len(m)-1)]
	if err := source.CheckName(origin); err != nil {
		return "", fmt.Errorf("the stream's origin_path %q finds no origin in its path: %w; it was left "+
			"alone: let origin_path match another part, or leave it out with `exclude`", s.OriginPath, err)
	}
	return origin, nil
}
