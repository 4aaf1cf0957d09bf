package follow_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// One follows while others look, and what they see is right at any time.
func TestFile_Concurrently(t *testing.T) {
	l, fsys := openFile(t, "")
	line := []byte(strings.Repeat("0123456789abcde\n", 1000))
	var wg sync.WaitGroup
	done := make(chan struct{})
	for seed := range 3 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), 0))
			for {
				select {
				case <-done:
					return
				default:
				}
				end := l.Taken()
				f, err := l.Handle(end)
				if err != nil {
					t.Error(err)
					return
				}
				off := r.Int64N(end + 1)
				b := make([]byte, min(end-off, 100_000))
				_, err = f.ReadAt(b, off)
				for i := 0; err == nil && i < len(b); i += 4001 {
					if b[i] != line[(off+int64(i))%16] {
						err = errors.New("wrong byte")
					}
				}
				if err = errors.Join(err, f.Close()); err != nil {
					t.Error(err)
					return
				}
				_, _, _ = l.Held(), l.Lost(), l.Compressed()
			}
		})
	}
	for i := range 200 {
		fsys.Append("app.log", line)
		catchUp(t, l)
		if i%20 == 0 {
			l.Release(l.Taken() - int64(i*100))
		}
	}
	close(done)
	wg.Wait()
}
