package source

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// HeadMax is the largest head in bytes, and the part of a file in which a head must begin.
const HeadMax = 64 << 10

// ID names one incarnation of one log file (a sid). It is a hint that two files may be the same
// source; the chain is the proof. Its text form is 32 hex digits.
type ID [16]byte

// NewID gives the k-th ID of the sources of a stream and origin that begin with head. Origin is
// empty for none.
func NewID(origin, stream string, k uint64, head []byte) ID {
	h := sha256.New()
	h.Write([]byte("logseal/1"))
	writeLen(h, uint64(len(origin)))
	h.Write([]byte(origin))
	writeLen(h, uint64(len(stream)))
	h.Write([]byte(stream))
	writeLen(h, k)
	h.Write(head)
	return ID(h.Sum(nil)[:16])
}

// KeyOf gives the key of the k-th source of a table and origin that begins with head.
func KeyOf(t Table, origin string, k uint64, head []byte) Key {
	return Key{Table: t, Origin: origin, ID: NewID(origin, t.Stream, k, head)}
}

func writeLen(w interface{ Write([]byte) (int, error) }, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	w.Write(b[:])
}

// ParseID reads the text form of an ID.
func ParseID(s string) (ID, error) {
	var id ID
	if err := parseHex(id[:], s); err != nil {
		return ID{}, fmt.Errorf("source id %q: %w", s, err)
	}
	return id, nil
}

// String gives 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseID.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}

// parseHex fills dst from exactly 2*len(dst) lower-case hex digits.
func parseHex(dst []byte, s string) error {
	if len(s) != 2*len(dst) {
		return fmt.Errorf("want %d hex digits, have %d", 2*len(dst), len(s))
	}
	for i := range s {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return fmt.Errorf("want lower-case hex digits, have %q", c)
		}
	}
	_, err := hex.Decode(dst, []byte(s))
	return err
}
