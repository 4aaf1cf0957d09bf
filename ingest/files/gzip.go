package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// errTrailing is the fault of a gzip file that goes on with something else.
var errTrailing = errors.New("data after the last gzip member that is no gzip")

// gzipReader reads the members of a gzip file as one. Zero bytes after the last one are padding,
// as for gzip(1); anything else there is an error, after all that the members held.
type gzipReader struct {
	br     *bufio.Reader
	z      *gzip.Reader
	inside bool // a member's header was read, its end was not
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		if !g.inside {
			if err := g.next(); err != nil {
				return 0, err
			}
			g.inside = true
		}
		n, err := g.z.Read(p)
		if err == io.EOF {
			g.inside, err = false, nil
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// next begins the next member; it returns io.EOF when there is none.
func (g *gzipReader) next() (err error) {
	first := g.z == nil
	if first {
		g.z, err = gzip.NewReader(g.br)
	} else {
		if err = g.check(); err != nil {
			return err
		}
		err = g.z.Reset(g.br)
	}
	switch {
	case err == nil:
		g.z.Multistream(false)
	case err == io.EOF: // the header breaks off; that there is one is known
		err = io.ErrUnexpectedEOF
	case first:
		err = fmt.Errorf("first gzip header: %w", err)
	default:
		err = fmt.Errorf("next gzip header: %w", err)
	}
	return err
}

// check looks at what stands after a member: nil for another one, io.EOF for none.
func (g *gzipReader) check() error {
	b, err := g.br.Peek(1)
	if err != nil {
		return err
	}
	if b[0] == 0 {
		return g.skipPadding()
	}
	b, err = g.br.Peek(2)
	if b[0] != 0x1f || len(b) == 2 && b[1] != 0x8b {
		return errTrailing
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skipPadding reads zero bytes up to the end of the file.
func (g *gzipReader) skipPadding() error {
	for {
		c, err := g.br.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return errTrailing
		}
	}
}
