package table

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/goldentest"
	"logseal/ingest/source"
)

func TestLoss_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genLoss().Draw(t, "loss")
		require.NoError(t, want.Validate())
		got, err := ParseLoss(want.JSON())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, string(want.JSON()), string(got.JSON()))
		require.NoError(t, got.ValidateFor(want.Key()))
		require.Error(t, got.ValidateFor(FoundKey(want.SourceKey(), want.Start)))
	})
}

func goldenLoss() *Loss {
	m := goldenManifest()
	end := m.End
	return &Loss{Format: 1, Stream: m.Stream, Version: m.Version, Origin: m.Origin, SID: m.SID,
		K: m.K, Kind: Lost, Start: m.Start, End: &end, Reason: Deleted,
		ChainIn: m.ChainIn, ChainOut: &m.ChainOut, ChainState: &m.ChainState, Marks: m.Marks}
}

// restOf is what follows a record that begins at an offset.
func restOf(at int64) source.Carry {
	return source.Carry{{Kind: source.Continued, Of: at}}
}

func TestLoss_TellsWhatIsCarriedOver(t *testing.T) {
	l := goldenLoss()
	plain := string(l.JSON())
	l.Rest = restOf(l.Start)
	require.NotContains(t, plain, "rest")
	require.Contains(t, string(l.JSON()), fmt.Sprintf(`"rest":"stdout:continued:%d"`, l.Start))
	got, err := ParseLoss(l.JSON())
	require.NoError(t, err)
	require.Equal(t, l, got)
}

func goldenNote() *Loss {
	l := goldenLoss()
	least := l.Start + 1
	l.Kind, l.End, l.AtLeast, l.Reason = Note, nil, &least, Truncated
	l.Origin, l.ChainOut, l.ChainState = "", nil, nil
	return l
}

func TestLoss_Golden(t *testing.T) {
	goldentest.Require(t, "loss.json", goldenLoss().JSON())
	goldentest.Require(t, "note.json", goldenNote().JSON())
}

func TestLoss_Validate_KnowsEachRule(t *testing.T) {
	for want, change := range map[string]func(l *Loss){
		"format 0":                    func(l *Loss) { l.Format = 0 },
		"start -1 is negative":        func(l *Loss) { l.Start = -1 },
		"is not after start":          func(l *Loss) { *l.End = l.Start },
		"chain_in at 0":               func(l *Loss) { l.Start = 0 },
		"reason \"gone\"":             func(l *Loss) { l.Reason = "gone" },
		"kind \"x\"":                  func(l *Loss) { l.Kind = "x" },
		"has an end":                  func(l *Loss) { l.End = nil },
		"no at_least":                 func(l *Loss) { l.AtLeast = l.End },
		"has the chain at its end":    func(l *Loss) { l.ChainOut = nil },
		"chain_state does not give":   func(l *Loss) { *l.End = 128 },
		"a note knows nothing of its": func(l *Loss) { l.Kind = Note },
		"bytes were never read":       func(l *Loss) { *l = *goldenNote(); l.Rest = restOf(1) },
		"marks: 256 is not the next":  func(l *Loss) { l.Marks = markedManifest().Marks },
		"its bytes were never read": func(l *Loss) {
			*l = *goldenNote()
			l.Marks = markedManifest().Marks
		},
		"rest of ":                    func(l *Loss) { l.Rest = restOf(*l.End) },
		"such bytes are a range":      func(l *Loss) { l.Kind, l.Reason = Note, NotWanted },
		"want at_least where":         func(l *Loss) { *l = *goldenNote(); l.AtLeast = nil },
		"at_least 3 is before start":  func(l *Loss) { *l = *goldenNote(); *l.AtLeast = 3 },
		"want at_least where there i": func(l *Loss) { *l = *goldenNote(); l.End = l.AtLeast },
	} {
		l := goldenLoss()
		change(l)
		require.ErrorContains(t, l.Validate(), want)
	}
}

func TestLoss_Marks(t *testing.T) {
	m := markedManifest()
	l := goldenLoss()
	l.Start, l.End, l.Marks = m.Start, &m.End, m.Marks
	l.ChainIn, l.ChainOut, l.ChainState = m.ChainIn, &m.ChainOut, &m.ChainState
	got, err := ParseLoss(l.JSON())
	require.NoError(t, err)
	require.Equal(t, l, got)
	require.Contains(t, string(l.JSON()), string(m.JSON()[bytes.Index(m.JSON(), []byte(`"marks"`)):][:90]))
	l.Marks = l.Marks[:1]
	require.ErrorContains(t, l.Validate(), "marks: the one at 1024 is missing")
	lost, note := string(goldenLoss().JSON()), string(goldenNote().JSON())
	for want, body := range map[string]string{
		"want an array": strings.Replace(lost, `"marks":[]`, `"marks":null`, 1),
		"want null":     strings.Replace(note, `"marks":null`, `"marks":[]`, 1),
	} {
		_, err := ParseLoss([]byte(body))
		require.ErrorContains(t, err, want)
	}
}

func TestParseCommit(t *testing.T) {
	m, lost, note := goldenManifest(), goldenLoss(), goldenNote()
	key := ManifestKey(m.SourceKey(), m.Start)
	found := FoundKey(m.SourceKey(), m.Start)

	c, err := ParseCommit(key, m.JSON())
	require.NoError(t, err)
	require.Equal(t, Commit{Manifest: m}, c)
	c, err = ParseCommit(found, m.JSON())
	require.NoError(t, err)
	require.Equal(t, Commit{Manifest: m}, c)
	c, err = ParseCommit(key, lost.JSON())
	require.NoError(t, err)
	require.Equal(t, Commit{Loss: lost}, c)
	c, err = ParseCommit(note.Key(), note.JSON())
	require.NoError(t, err)
	require.Equal(t, Commit{Loss: note}, c)

	for _, bad := range []struct {
		key  string
		body []byte
	}{
		{found, lost.JSON()}, {note.Key(), lost.JSON()}, {key, note.JSON()},
		{note.Key(), m.JSON()}, {ManifestKey(m.SourceKey(), 0), m.JSON()}, {"x", m.JSON()},
		{EpochKey(m.Table(), source.Digest{}), m.JSON()}, {key, nil}, {key, RootJSON()},
	} {
		_, err := ParseCommit(bad.key, bad.body)
		require.Error(t, err, "%s at %s", bad.body, bad.key)
	}
}

func TestParseRoot(t *testing.T) {
	require.Equal(t, "{\"format\":1}\n", string(RootJSON()))
	require.NoError(t, ParseRoot(RootJSON()))
	require.NoError(t, ParseRoot([]byte("{\"format\":1,\"new\":true}\n")))
	var unknown *FormatError
	require.ErrorAs(t, ParseRoot([]byte("{\"format\":2}\n")), &unknown)
	require.Equal(t, int64(2), unknown.Have)
	require.Error(t, ParseRoot(nil))
	require.Error(t, ParseRoot([]byte("{}\n")))
}

func FuzzParseLoss(f *testing.F) {
	f.Add(goldenLoss().JSON())
	f.Add(goldenNote().JSON())
	f.Fuzz(func(t *testing.T, body []byte) {
		l, err := ParseLoss(body)
		if err != nil {
			return
		}
		again, err := ParseLoss(l.JSON())
		require.NoError(t, err)
		require.Equal(t, l, again)
	})
}
