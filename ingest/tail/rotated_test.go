package tail

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
)

// slowPut takes its time over each put.
type slowPut struct {
	sink.Store
	takes time.Duration
}

func (s slowPut) Put(ctx context.Context, o sink.Object) error {
	time.Sleep(s.takes)
	return s.Store.Put(ctx, o)
}

// A log is rotated, and its older files are packed and removed, while all of them ship slowly: with the
// race detector this finds what the goroutines of a file and of its lane touch at once.
func TestTail_RotatesWhileItShips(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = time.Second
		p.cfg.CloseWait = 3 * time.Second
		p.store = func(s sink.Store) sink.Store { return slowPut{s, 700 * time.Millisecond} }
		p.start()
		var want []string
		for i := range 40 {
			line := fmt.Sprintf("a%d", i)
			want = append(want, line)
			p.fs.Write("/logs/a", []byte(line+"\n"))
			p.pass(1300 * time.Millisecond)
			p.fs.Rename("/logs/a", fmt.Sprintf("/logs/a.%d", i))
			if i >= 2 {
				old := fmt.Sprintf("/logs/a.%d", i-2)
				p.fs.Write(old+".gz", filestest.Gzip(p.fs.Bytes(old)))
				p.fs.Remove(old)
			}
			if i%7 == 0 { // of this one the archive is all there is
				line := fmt.Sprintf("b%d", i)
				want = append(want, line)
				p.fs.Write("/logs/b.gz", filestest.Gzip([]byte(line+"\n")))
			}
		}
		p.pass(5 * time.Minute)
		p.wantLines(want...)
	})
}

// Many logs grow while their batches ship, and looks fall together with the ends of puts.
func TestTail_GrowsWhileItShips(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = time.Millisecond
		p.cfg.PollInterval = 10 * time.Millisecond
		p.store = func(s sink.Store) sink.Store { return slowPut{s, 5 * time.Millisecond} }
		p.fs.SetFault(func(filestest.Op, string, int64) error {
			runtime.Gosched()
			return nil
		})
		p.start()
		var want []string
		for i := range 30 {
			for log := range 20 {
				line := fmt.Sprintf("%c%d", 'a'+log, i)
				path := fmt.Sprintf("/logs/%d", log)
				if i == 0 {
					p.fs.Write(path, nil)
				}
				p.fs.Append(path, []byte(line+"\n"))
				want = append(want, line)
			}
			p.pass(5 * time.Millisecond)
		}
		p.pass(time.Minute)
		p.wantLines(want...)
	})
}
