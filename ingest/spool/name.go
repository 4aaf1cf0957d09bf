package spool

import (
	"fmt"
	"strings"

	"logseal/ingest/source"
)

// Name is the name of the batch of a source's range: <sid>-<start>-<end>-<seal>.
func Name(id source.ID, r source.Range, seal source.Seal) string {
	return id.String() + "-" + r.Name() + "-" + seal.String()
}

// ParseName reads what Name gives.
func ParseName(name string) (id source.ID, r source.Range, seal source.Seal, err error) {
	bad := func(err error) (source.ID, source.Range, source.Seal, error) {
		return source.ID{}, source.Range{}, source.Seal{}, fmt.Errorf("batch name %q: %w", name, err)
	}
	parts := strings.Split(name, "-")
	if len(parts) != 4 {
		return bad(fmt.Errorf("want <sid>-<start>-<end>-<seal>"))
	}
	if id, err = source.ParseID(parts[0]); err != nil {
		return bad(err)
	}
	if r, err = source.ParseRange(parts[1] + "-" + parts[2]); err != nil {
		return bad(err)
	}
	if seal, err = source.ParseSeal(parts[3]); err != nil {
		return bad(err)
	}
	return id, r, seal, nil
}

// checkName keeps what is no batch's name, such as a path, away from the disk.
func checkName(name string) error {
	_, _, _, err := ParseName(name)
	return err
}
