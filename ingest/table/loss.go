package table

import (
	"errors"
	"fmt"

	"logseal/ingest/source"
)

// LossKind tells the two declared losses apart.
type LossKind string

const (
	// Lost is a range that was sealed once, or hashed and not wanted. It stands at the place of a
	// manifest, so it has an end and both chains, and the source goes on after it.
	Lost LossKind = "lost"
	// Note is about bytes that were never sealed. It takes no place: nothing of its source follows
	// it but a batch at its start.
	Note LossKind = "note"
)

// LossReason says why bytes are lost.
type LossReason string

// The reasons of a Loss. NotWanted bytes were hashed and not parsed, so they are of kind Lost.
const (
	Deleted   LossReason = "deleted"
	Truncated LossReason = "truncated"
	NotWanted LossReason = "not_wanted"
)

// Loss declares bytes that are gone. Its fields are in the order of its JSON.
type Loss struct {
	Format  int
	Stream  string
	Version int
	Origin  string // empty for none
	SID     source.ID
	K       uint64
	Kind    LossKind
	Start   int64
	End     *int64 // nil if unknown: a Note only
	AtLeast *int64 // where End is unknown: an offset that it is not before
	Reason  LossReason

	ChainIn    source.Digest      // at Start
	ChainOut   *source.Digest     // at End, nil in a Note
	ChainState *source.ChainState // likewise
	Marks      []source.Mark      // as a Manifest has them; none in a Note, where they are null

	// Rest is what the batch would have carried over of records of several lines, as a Manifest has
	// it.
	Rest source.Carry
}

// Table is the table the loss belongs to.
func (l *Loss) Table() source.Table { return source.Table{Stream: l.Stream, Version: l.Version} }

// SourceKey names the loss's source.
func (l *Loss) SourceKey() source.Key {
	return source.Key{Table: l.Table(), Origin: l.Origin, ID: l.SID}
}

// Key is where the loss is put.
func (l *Loss) Key() string {
	if l.Kind == Note {
		return NoteKey(l.SourceKey(), l.Start)
	}
	return ManifestKey(l.SourceKey(), l.Start)
}

// JSON gives the canonical bytes of a loss that Validate finds nothing wrong with.
func (l *Loss) JSON() []byte {
	p := &printer{}
	p.open('{')
	p.int("format", int64(l.Format))
	p.str("stream", l.Stream)
	p.int("version", int64(l.Version))
	p.strOrNull("origin", l.Origin)
	p.text("sid", l.SID)
	p.uint("k", l.K)
	p.str("kind", string(l.Kind))
	p.int("start", l.Start)
	p.intOrNull("end", l.End)
	p.intOrNull("at_least", l.AtLeast)
	p.str("reason", string(l.Reason))
	p.text("chain_in", l.ChainIn)
	if l.ChainOut == nil {
		p.null("chain_out")
	} else {
		p.text("chain_out", *l.ChainOut)
	}
	if l.ChainState == nil {
		p.null("chain_state")
	} else {
		p.text("chain_state", *l.ChainState)
	}
	if l.Kind == Note {
		p.null("marks")
	} else {
		printMarks(p, l.Marks)
	}
	printRest(p, l.Rest)
	p.close('}')
	return append(p.b, '\n')
}

// ParseLoss reads the canonical bytes of a loss and validates it, as ParseManifest does.
func ParseLoss(body []byte) (*Loss, error) {
	s := scanDocument(body)
	l := scanLoss(s)
	if s.err != nil {
		return nil, fmt.Errorf("loss: %w", s.err)
	}
	if err := l.Validate(); err != nil {
		return nil, fmt.Errorf("loss: %w", err)
	}
	return l, nil
}

func scanLoss(s *scanner) *Loss {
	l := &Loss{Format: s.format()}
	l.Stream = s.str("stream")
	l.Version = int(s.int("version"))
	l.Origin = s.strOrNull("origin")
	l.SID = scanText(s, "sid", source.ParseID)
	l.K = s.uint("k")
	l.Kind = LossKind(s.str("kind"))
	l.Start = s.int("start")
	l.End = s.intOrNull("end")
	l.AtLeast = s.intOrNull("at_least")
	l.Reason = LossReason(s.str("reason"))
	l.ChainIn = scanText(s, "chain_in", source.ParseDigest)
	l.ChainOut = scanTextOrNull(s, "chain_out", source.ParseDigest)
	l.ChainState = scanTextOrNull(s, "chain_state", source.ParseChainState)
	if l.Kind == Note {
		s.null("marks")
	} else {
		l.Marks = s.marks("marks")
	}
	l.Rest = s.rest("rest")
	return l
}

// Validate returns an error unless the loss keeps every rule of the format.
func (l *Loss) Validate() error {
	if err := validatePlace(l.Format, l.SourceKey()); err != nil {
		return err
	}
	if l.Start < 0 {
		return fmt.Errorf("start %d is negative", l.Start)
	}
	if l.End != nil && *l.End <= l.Start {
		return fmt.Errorf("end %d is not after start %d", *l.End, l.Start)
	}
	if err := validateChainIn(l.Start, l.ChainIn); err != nil {
		return err
	}
	switch l.Reason {
	case Deleted, Truncated, NotWanted:
	default:
		return fmt.Errorf("reason %q: want %s, %s or %s", l.Reason, Deleted, Truncated, NotWanted)
	}
	switch l.Kind {
	case Lost:
		return l.validateLost()
	case Note:
		return l.validateNote()
	}
	return fmt.Errorf("kind %q: want %s or %s", l.Kind, Lost, Note)
}

func (l *Loss) validateLost() error {
	if l.End == nil || l.AtLeast != nil {
		return errors.New("a lost range has an end, and no at_least")
	}
	if l.ChainOut == nil || l.ChainState == nil {
		return errors.New("a lost range has the chain at its end")
	}
	if err := validateRestAt(l.Rest, *l.End); err != nil {
		return err
	}
	if err := validateMarks(l.Start, *l.End, l.Marks); err != nil {
		return err
	}
	return validateChainState(*l.End, *l.ChainOut, *l.ChainState)
}

func (l *Loss) validateNote() error {
	if l.Reason == NotWanted {
		return fmt.Errorf("reason %s: such bytes are a range of kind %s", NotWanted, Lost)
	}
	if l.ChainOut != nil || l.ChainState != nil || l.Marks != nil || l.Rest != (source.Carry{}) {
		return errors.New("a note knows nothing of its end: its bytes were never read")
	}
	if (l.End == nil) != (l.AtLeast != nil) {
		return errors.New("want at_least where there is no end, and only there")
	}
	if l.AtLeast != nil && *l.AtLeast < l.Start {
		return fmt.Errorf("at_least %d is before start %d", *l.AtLeast, l.Start)
	}
	return nil
}

// ValidateFor returns an error unless the loss may stand at key.
func (l *Loss) ValidateFor(key string) error {
	if want := l.Key(); key != want {
		return fmt.Errorf("the body is of %s", want)
	}
	return nil
}
