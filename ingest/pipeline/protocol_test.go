package pipeline

import "testing"

const abc = "a1\nb2\nc3\n"

func TestProtocol_OneWriter_Crashes(t *testing.T) {
	explore(t, newScene(t, map[string]string{"f": abc}, budget{crash: 2}, loader(3, "f")), 0)
}
