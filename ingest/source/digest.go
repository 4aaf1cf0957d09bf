package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Digest is a SHA-256: of a chain, of an epoch's bytes, of an object. Its text form is 64 hex
// digits.
type Digest [32]byte

// DigestOf hashes b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// ParseDigest reads the text form of a Digest.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if err := parseHex(d[:], s); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

// String gives 64 lower-case hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseDigest.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDigest(string(b))
	return err
}

// Seal names all bytes that a batch depends on: its source up to its end, and its epoch. Its text
// form is 16 hex digits.
type Seal [8]byte

// NewSeal gives the seal of a batch whose source has the chain at its end, under epoch.
func NewSeal(chain, epoch Digest) Seal {
	var b [64]byte
	copy(b[:32], chain[:])
	copy(b[32:], epoch[:])
	sum := sha256.Sum256(b[:])
	return Seal(sum[:8])
}

// ParseSeal reads the text form of a Seal.
func ParseSeal(s string) (Seal, error) {
	var x Seal
	if err := parseHex(x[:], s); err != nil {
		return Seal{}, fmt.Errorf("seal %q: %w", s, err)
	}
	return x, nil
}

// String gives 16 lower-case hex digits.
func (s Seal) String() string { return hex.EncodeToString(s[:]) }

// MarshalText implements encoding.TextMarshaler.
func (s Seal) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseSeal.
func (s *Seal) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSeal(string(b))
	return err
}
