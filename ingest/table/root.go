package table

import (
	"errors"
	"fmt"
)

// RootJSON gives the bytes of a sink's logseal.json.
func RootJSON() []byte {
	p := &printer{}
	p.open('{')
	p.int("format", Format)
	p.close('}')
	return append(p.b, '\n')
}

// ParseRoot reads a sink's logseal.json: nil when this program knows the sink's format, a
// *FormatError when it does not, another error when the body is none of ours.
func ParseRoot(body []byte) error {
	s := scanDocument(body)
	s.format()
	if s.err != nil {
		return fmt.Errorf("%s: %w", RootKey, s.err)
	}
	return nil
}

// Commit is what stands at the place of a manifest: a batch or the declared loss of a range. One
// of the two is nil.
type Commit struct {
	Manifest *Manifest
	Loss     *Loss
}

// ParseCommit reads what stands at key, which ManifestKey, FoundKey or NoteKey gives, and holds
// it against the key: a found batch is no loss, and a note is never in a manifest's place.
func ParseCommit(key string, body []byte) (Commit, error) {
	c, err := parseCommit(key, body)
	if err != nil {
		return Commit{}, fmt.Errorf("%s: %w", key, err)
	}
	return c, nil
}

func parseCommit(key string, body []byte) (Commit, error) {
	k, err := ParseKey(key)
	if err != nil {
		return Commit{}, err
	}
	s := scanDocument(body)
	s.format()
	if s.err != nil {
		return Commit{}, s.err
	}
	if s.has("kind") {
		l, err := ParseLoss(body)
		if err != nil {
			return Commit{}, err
		}
		return Commit{Loss: l}, l.ValidateFor(key)
	}
	if k.Kind != ManifestKind && k.Kind != FoundKind {
		return Commit{}, errors.New("want a loss, have none")
	}
	m, err := ParseManifest(body)
	if err != nil {
		return Commit{}, err
	}
	return Commit{Manifest: m}, m.ValidateFor(key)
}
