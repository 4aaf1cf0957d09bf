package load

import (
	"testing"

	"logseal/ingest/widetest"
)

const (
	ab  = "a1\nb2\n"
	abc = "a1\nb2\nc3\n"
)

func one(body string) map[string]string { return map[string]string{"f": body} }

func TestProtocol_OneWriter_Crashes(t *testing.T) {
	explore(t, newScene(t, one(abc), budget{crash: widetest.UpTo(2, 4)}, loads(3, "f")))
}

func TestProtocol_OneWriter_LosesItsDisk(t *testing.T) {
	b := budget{crash: 2, loseLedger: widetest.UpTo(1, 2), loseSpool: widetest.UpTo(1, 2)}
	explore(t, newScene(t, one(abc), b, loads(3, "f")))
}

func TestProtocol_OneWriter_OldDiskAndNewEncoder(t *testing.T) {
	b := budget{crash: widetest.UpTo(1, 2), restore: 1, upgrade: 1}
	explore(t, newScene(t, one(abc), b, loads(3, "f")))
}

func TestProtocol_OneWriter_FailuresAndLateRequests(t *testing.T) {
	b := budget{fail: widetest.UpTo(1, 2), delay: 1, upgrade: 1}
	explore(t, newScene(t, one(abc), b, loads(3, "f")))
}

func TestProtocol_OneWriter_DiesWithItsDisk_OtherCutsAfter(t *testing.T) {
	b := budget{crash: 1, loseLedger: 1, loseSpool: 1, upgrade: 1, delay: 1}
	explore(t, newScene(t, one(ab), b, loads(6, "f")))
}

func TestProtocol_OneWriter_FileGoneOnceSealed(t *testing.T) {
	explore(t, newScene(t, one(abc), budget{crash: 2, restore: 1, gone: 1}, loads(3, "f")))
}

func TestProtocol_TwoWriters_FileGoneOnceSealed(t *testing.T) {
	b := budget{gone: 1}
	explore(t, newScene(t, one(ab), b, loads(3, "f"), loads(6, "f")))
}

func TestProtocol_TwoWriters_SameCuts(t *testing.T) {
	explore(t, newScene(t, one(ab), budget{crash: widetest.UpTo(0, 1)}, loads(3, "f"), loads(3, "f")))
}

func TestProtocol_TwoWriters_OtherCuts(t *testing.T) {
	explore(t, newScene(t, one(ab), budget{crash: 1}, loads(3, "f"), loads(6, "f")))
}

func TestProtocol_TwoWriters_OtherCuts_LongerFile(t *testing.T) {
	body := map[bool]string{false: abc, true: abc + "d4\n"}[widetest.Wide]
	explore(t, newScene(t, one(body), budget{}, loads(3, "f"), loads(6, "f")))
}

func TestProtocol_TwoWriters_OneMachineLost(t *testing.T) {
	explore(t, newScene(t, one(abc), budget{lost: 1}, loads(3, "f"), loads(6, "f")))
}

func TestProtocol_TwoWriters_LateRequest(t *testing.T) {
	explore(t, newScene(t, one(ab), budget{delay: 1}, loads(3, "f"), loads(6, "f")))
}

// shipsBehind makes the writers of a scene ship while they seal.
func shipsBehind(s *scene) *scene {
	s.shipBehind = true
	return s
}

func TestBehind_OneWriter_Crashes(t *testing.T) {
	explore(t, shipsBehind(newScene(t, one(abc), budget{crash: widetest.UpTo(2, 3)}, loads(3, "f"))))
}

func TestBehind_OneWriter_LosesItsDisk(t *testing.T) {
	b := budget{crash: widetest.UpTo(1, 2), loseLedger: 1, loseSpool: 1}
	explore(t, shipsBehind(newScene(t, one(abc), b, loads(3, "f"))))
}

func TestBehind_OneWriter_OldDiskAndNewEncoder(t *testing.T) {
	b := budget{crash: 1, restore: 1, upgrade: widetest.UpTo(0, 1)}
	explore(t, shipsBehind(newScene(t, one(ab), b, loads(3, "f"))))
}

func TestBehind_OneWriter_FailuresAndLateRequests(t *testing.T) {
	b := budget{fail: 1, delay: 1}
	explore(t, shipsBehind(newScene(t, one(abc), b, loads(3, "f"))))
}

func TestBehind_TwoWriters_SameCuts(t *testing.T) {
	s := newScene(t, one(ab), budget{crash: widetest.UpTo(0, 1)}, loads(3, "f"), loads(3, "f"))
	explore(t, shipsBehind(s))
}

func TestBehind_TwoWriters_OtherCuts(t *testing.T) {
	s := newScene(t, one(ab), budget{crash: widetest.UpTo(0, 1)}, loads(3, "f"), loads(6, "f"))
	explore(t, shipsBehind(s))
}

func TestBehind_TwoWriters_OneMachineLost(t *testing.T) {
	explore(t, shipsBehind(newScene(t, one(ab), budget{lost: 1}, loads(3, "f"), loads(6, "f"))))
}
