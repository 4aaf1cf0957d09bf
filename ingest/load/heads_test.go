package load

import (
	"testing"

	"logseal/ingest/widetest"
)

// The scenes here have files that begin alike, so that they contend for the k of one head.

func two(f, g string) map[string]string { return map[string]string{"f": f, "g": g} }

func TestHeads_OneWriter_DiesWithItsDisk(t *testing.T) {
	b := budget{crash: 1, loseLedger: 1, loseSpool: 1}
	explore(t, newScene(t, two("h1\na2\n", "h1\nb2\n"), b, loads(3, "f", "g")))
}

func TestHeads_OneWriter_FirstBatchesAreEqual_OldDisk(t *testing.T) {
	b := budget{crash: widetest.UpTo(1, 2), restore: 1}
	explore(t, newScene(t, two("h1\na2\n", "h1\nb2\n"), b, loads(3, "f", "g")))
}

func TestHeads_OneWriter_OneFileIsAnothersBeginning(t *testing.T) {
	s := newScene(t, two("h1\na2\n", "h1\n"), budget{crash: 1, loseLedger: 1, loseSpool: 1}, loads(3, "f", "g"))
	explore(t, s)
}

func TestHeads_OneWriter_Copies(t *testing.T) {
	s := newScene(t, two("h1\na2\n", "h1\na2\n"), budget{crash: 1, loseLedger: 1}, loads(3, "f", "g"))
	explore(t, s)
}

func TestHeads_OneWriter_OneHaltsAtItsFirstBatch(t *testing.T) {
	s := newScene(t, two("??\n??\n", "??\nb2\n"), budget{crash: 1, loseLedger: 1, loseSpool: 1}, loads(6, "f", "g"))
	s.unread = map[string]bool{"f": true}
	explore(t, s)
}

func TestHeads_OneWriter_OneHaltsAfterTheCommonBatch(t *testing.T) {
	s := newScene(t, two("h1\n??\n", "h1\nb2\n"), budget{crash: 1, loseLedger: 1, loseSpool: 1}, loads(3, "f", "g"))
	s.unread = map[string]bool{"f": true}
	explore(t, s)
}

func TestHeads_TwoWriters_OneFileEach(t *testing.T) {
	explore(t, newScene(t, two("h1\na2\n", "h1\nb2\n"), budget{crash: widetest.UpTo(0, 1)}, loads(6, "f"), loads(6, "g")))
}

func TestHeads_TwoWriters_SharedAndOwn(t *testing.T) {
	explore(t, newScene(t, two("h1\na2\n", "h1\nb2\n"), budget{}, loads(6, "f", "g"), loads(6, "g")))
}

func TestHeads_TwoWriters_EqualFirstBatches(t *testing.T) {
	explore(t, newScene(t, two("h1\na2\n", "h1\nb2\n"), budget{}, loads(3, "f"), loads(3, "g")))
}
