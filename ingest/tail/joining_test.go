package tail

import (
	"testing"
	"time"

	"logseal/ingest/parse"
)

const (
	criPart = "2024-06-01T12:00:00Z stdout P "
	criFull = "2024-06-01T12:00:00Z stdout F "
)

func TestTail_RecordOfSeveralLinesWaitsForItsLastPart(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.framed = parse.CRI
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte(criFull+"a1\n"+criPart+"a\n"))
		p.start()
		p.pass(30 * time.Second)
		p.wantLines("a1")
		p.fs.Append("/logs/a", []byte(criPart+"2\n"))
		p.pass(20 * time.Second)
		p.wantLines("a1")
		p.fs.Append("/logs/a", []byte(criFull+"3\n"))
		p.pass(20 * time.Second)
		p.wantLines("a1", "a23")
	})
}

func TestTail_RecordOfSeveralLinesEndsWhenItsLastPartDoesNotCome(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.framed = parse.CRI
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte(criFull+"a1\n"+criPart+"a2\n"))
		p.start()
		p.pass(30 * time.Second)
		p.wantLines("a1")
		p.pass(time.Minute)
		p.wantLines("a1", "a2")
		p.fs.Append("/logs/a", []byte(criFull+"3\n"+criFull+"a4\n"))
		p.pass(20 * time.Second)
		p.wantLines(criFull+"3", "a1", "a2", "a4") // what comes too late is a reject
	})
}
