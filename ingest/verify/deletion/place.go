package deletion

import (
	"slices"

	"logseal/ingest/source"
)

// Place is a table and an origin in which a file may be. Wanted says that the file should be there.
type Place struct {
	Table  source.Table
	Origin string
	Wanted bool
}

// places lists where a file may be: wherever the ledger has sources, and where the streams of the config
// have or want the file. A place that wants the file must hold it.
func (j *Judge) places(path, named string) ([]Place, error) {
	var out []Place
	add := func(x Place) {
		for i := range out {
			if out[i].Table == x.Table && out[i].Origin == x.Origin {
				out[i].Wanted = out[i].Wanted || x.Wanted
				return
			}
		}
		out = append(out, x)
	}
	keys, err := j.Ledger.Origins()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		add(Place{Table: key.Table, Origin: key.Origin})
	}
	more, err := j.Streams(path, named)
	if err != nil {
		return nil, err
	}
	for _, x := range more {
		add(x)
	}
	return out, nil
}

func tablesOf(places []Place) (tables []source.Table) {
	for _, x := range places {
		if !slices.Contains(tables, x.Table) {
			tables = append(tables, x.Table)
		}
	}
	return tables
}
