package table

import (
	"encoding/hex"
	"fmt"
	"strings"

	"logseal/ingest/source"
)

// HeadName stands in keys for the head that sources begin with: the first bytes of its SHA-256. Its
// text form is 16 hex digits.
type HeadName [8]byte

// NameOfHead gives the name of the head with a SHA-256.
func NameOfHead(head source.Digest) HeadName { return HeadName(head[:8]) }

// ParseHeadName reads the text form of a HeadName.
func ParseHeadName(s string) (HeadName, error) {
	var n HeadName
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(n) || strings.ToLower(s) != s {
		return HeadName{}, fmt.Errorf("head %q: want %d lower-case hex digits", s, 2*len(n))
	}
	copy(n[:], b)
	return n, nil
}

// String gives 16 lower-case hex digits.
func (n HeadName) String() string { return hex.EncodeToString(n[:]) }

// SourceKey is where it is noted that a source begins with the head that has a SHA-256.
func SourceKey(k source.Key, head source.Digest) string {
	return sourceKey(k, NameOfHead(head))
}

func sourceKey(k source.Key, head HeadName) string {
	return headPrefix(k.Table, head) + k.OriginName() + "-" + k.ID.String() + jsonExt
}

// HeadPrefix begins the keys of the notes on a table's sources that begin with one head, of every
// origin and k.
func HeadPrefix(t source.Table, head source.Digest) string { return headPrefix(t, NameOfHead(head)) }

func headPrefix(t source.Table, head HeadName) string {
	return SourceFolder + t.String() + "/" + head.String() + "/"
}

func parseSourceKey(folders []string, file string) (ParsedKey, error) {
	t, err := wantParts(folders, 3, 3)
	if err != nil {
		return ParsedKey{}, err
	}
	k := ParsedKey{Kind: SourceKind, Table: t}
	if k.Head, err = ParseHeadName(folders[2]); err != nil {
		return ParsedKey{}, err
	}
	name, ok := strings.CutSuffix(file, jsonExt)
	const sid = 32
	dash := len(name) - sid - 1
	if !ok || dash < 1 || name[dash] != '-' {
		return ParsedKey{}, fmt.Errorf("want a file <origin or %s>-<sid>%s", source.NoOrigin, jsonExt)
	}
	k.Source, err = parseSource(t, name[:dash], name[dash+1:])
	return k, err
}

// parseSource reads the parts of a source's key.
func parseSource(t source.Table, origin, id string) (source.Key, error) {
	k := source.Key{Table: t}
	if origin != source.NoOrigin {
		if err := source.CheckName(origin); err != nil {
			return source.Key{}, err
		}
		k.Origin = origin
	}
	var err error
	k.ID, err = source.ParseID(id)
	return k, err
}
