// Package sealtest prepares tests that seal within a synctest bubble.
package sealtest

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parquet"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// WarmUp seals a line and reads the object: the compressor makes channels then and keeps them for good, which
// must not happen within a bubble.
func WarmUp(t testing.TB) {
	d, err := parse.FromPattern(`(?P<x>[a-z]\d)`)
	require.NoError(t, err)
	p, err := parse.New(d)
	require.NoError(t, err)
	of := source.Table{Stream: "s", Version: 1}
	file := &memFile{}
	_, err = seal.Seal(seal.Input{Key: source.Key{Table: of}, Epoch: table.NewEpoch(of, d), Parser: p,
		Start: source.Origin(), MaxPartitions: 1}, &oneLine{}, file)
	require.NoError(t, err)
	f, err := parquet.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	require.NoError(t, err)
	_, err = f.Column(0, 0)
	require.NoError(t, err)
}

// line is what is sealed.
const line = "a1\n"

// oneLine is a range of one line.
type oneLine struct{ read bool }

func (c *oneLine) Next() (source.Chunk, error) {
	if c.read {
		return source.Chunk{}, io.EOF
	}
	c.read = true
	return source.Chunk{Kind: source.Lines, Data: []byte(line)}, nil
}

func (c *oneLine) Cut(int64) {}

func (c *oneLine) Point() source.Point {
	chain := source.NewChain()
	chain.Write([]byte(line))
	return chain.Point()
}

func (c *oneLine) Marks() []source.Mark { return nil }

// memFile is the one object, in memory.
type memFile struct{ bytes.Buffer }

func (f *memFile) Create(string) (io.WriteCloser, error) { return f, nil }

func (f *memFile) Close() error { return nil }
