package filestest

import (
	"errors"
	"io"

	"logseal/ingest/files"
)

// ReadAll takes a file in ranges of at most maxBytes until it ends or fails.
func ReadAll(r *files.Reader, maxBytes int64) (data []byte, err error) {
	for !r.AtEnd() {
		r.Begin(maxBytes, 0)
		for {
			c, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return data, err
			}
			data = append(data, c.Data...)
		}
	}
	return data, nil
}
