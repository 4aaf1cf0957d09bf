package load

import (
	"testing"

	"logseal/ingest/commit"
	"logseal/ingest/widetest"
)

// The scenes here have an id given up and taken again: the k under which a file was sealed is another
// file's in the bucket by the time it is to ship; or a file comes, goes or comes back, and is settled
// anew among others; or the ledger is one of before. Then the source gives its k back, and whichever
// file is next takes it.
//
// A file of which a batch waits for that of a lower k, which is shipped later in the same run, is left
// for the next run: that is named, and loses nothing. A file that is deleted while it is open can still
// be cut: what was sealed of it is not lost when its source gives up its k.

func three(f, g, h string) map[string]string { return map[string]string{"f": f, "g": g, "h": h} }

const (
	ha, hb, hc = "h1\na2\n", "h1\nb2\n", "h1\nc2\n"
)

// again is a scene whose writer has others load, at some moment each, what they see.
func again(s *scene, others ...commit.Config) *scene {
	s.again, s.elsewhere = true, others
	return s
}

func TestHeadsAgain_FilesComeAndGo(t *testing.T) {
	b := budget{crash: 2, away: 2, loseLedger: 1}
	explore(t, again(newScene(t, two(ha, hb), b, loads(6, "f", "g"))))
}

func TestHeadsAgain_FilesComeAndGo_OldDisk(t *testing.T) {
	b := budget{crash: 2, away: widetest.UpTo(1, 2), restore: 1}
	explore(t, again(newScene(t, two(ha, hb), b, loads(6, "f", "g"))))
}

func TestHeadsAgain_ThreeFilesComeAndGo(t *testing.T) {
	b := budget{crash: 2, away: 1, loseSpool: 1, loseLedger: widetest.UpTo(0, 1)}
	explore(t, again(newScene(t, three(ha, hb, hc), b, loads(6, "f", "g", "h"))))
}

func TestHeadsAgain_OthersLoadOneOfThem(t *testing.T) {
	b := budget{crash: 2, away: widetest.UpTo(1, 2), elsewhere: 1}
	explore(t, again(newScene(t, two(ha, hb), b, loads(6, "f", "g")), loads(6, "g"), loads(6, "f")))
}

func TestHeadsAgain_OthersLoadOneOfThem_OldDisk(t *testing.T) {
	b := budget{crash: 1, restore: 1, elsewhere: widetest.UpTo(1, 2)}
	explore(t, again(newScene(t, two(ha, hb), b, loads(6, "f", "g")), loads(6, "g"), loads(6, "f")))
}

func TestHeadsAgain_OthersLoadOneOfThem_DiskLost(t *testing.T) {
	b := budget{crash: 1, loseLedger: 1, loseSpool: 1, elsewhere: 1}
	explore(t, again(newScene(t, two(ha, hb), b, loads(6, "f", "g")), loads(6, "g")))
}

// What was sealed as k 0 cannot be shipped: the spool has lost it, and its file is not there. Another is
// k 1 meanwhile, and somebody else loads that one, as k 0.
func TestHeadsAgain_OthersLoadOneOfThem_SpoolLost(t *testing.T) {
	explore(t, spoolLost(t))
}

func spoolLost(t *testing.T) *scene {
	b := budget{crash: 2, away: 1, loseSpool: 1, elsewhere: 1}
	s := again(newScene(t, two(ha, hb), b, loads(6, "f", "g")), loads(6, "g"))
	s.offDisk = true
	return s
}

func TestHeadsAgain_OthersLoadOneOfThem_ItIsGone(t *testing.T) {
	b := budget{gone: 1, elsewhere: 1}
	explore(t, again(newScene(t, two(ha, hb), b, loads(6, "f", "g")), loads(6, "g")))
}

func TestHeadsAgain_OthersLoadThemInAnotherOrder(t *testing.T) {
	b := budget{crash: widetest.UpTo(0, 1), away: 1, elsewhere: 2}
	explore(t, again(newScene(t, three(ha, hb, hc), b, loads(6, "f", "g", "h")), loads(6, "g"), loads(6, "h")))
}

func TestHeadsAgain_OthersLoadOneOfThem_EqualFirstBatches(t *testing.T) {
	b := budget{crash: 1, elsewhere: 1}
	explore(t, again(newScene(t, two(ha, hb), b, loads(3, "f", "g")), loads(6, "g"), loads(3, "f")))
}

func TestHeadsAgain_TwoWriters_OtherFilesVisible(t *testing.T) {
	explore(t, again(newScene(t, three(ha, hb, hc), budget{}, loads(6, "f", "g"), loads(6, "g", "h"))))
}

func TestHeadsAgain_TwoWriters_OneMachineLost(t *testing.T) {
	b := budget{lost: 1, away: widetest.UpTo(0, 1)}
	explore(t, again(newScene(t, two(ha, hb), b, loads(6, "f", "g"), loads(6, "g", "f"))))
}

func TestHeadsAgain_ShipBehind_OthersLoadOneOfThem(t *testing.T) {
	b := budget{crash: 1, elsewhere: 1}
	s := newScene(t, two(ha, hb), b, loads(6, "f", "g"))
	explore(t, shipsBehind(again(s, loads(6, "g"))))
}

func TestHeadsAgain_ShipBehind_FilesComeAndGo_OldDisk(t *testing.T) {
	b := budget{crash: 1, away: 1, restore: 1}
	explore(t, shipsBehind(again(newScene(t, two(ha, hb), b, loads(3, "f", "g")))))
}

func TestHeadsAgain_ShipBehind_OthersLoadOneOfThem_SpoolLost(t *testing.T) {
	explore(t, shipsBehind(spoolLost(t)))
}
