package offsets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// bbolt maps its file and trusts what it finds there: a page that is cut off or points outside the
// file kills the process, on a goroutine where nobody can recover. So every page that it could
// touch is looked at before it gets the file. This file knows bbolt's format, version 2, little
// endian; it reads with ReadAt and never maps.

const (
	pageSize   = 4096 // what create asks for, on every machine: a ledger can move between them
	pageHeader = 16   // id uint64, flags uint16, count uint16, overflow uint32
	elemSize   = 16   // of branch and of leaf elements
	metaSize   = 64
	metaSummed = 56 // the bytes of a meta under its checksum

	boltMagic   = 0xED0CDAED
	boltVersion = 2

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10

	elemBucket = 0x01

	// depthMax is far above what a file that fits any disk needs; it bounds the walk's recursion.
	depthMax = 64
)

var errOtherPages = errors.New("its pages are not those of a ledger")

// boltMeta is what a meta page says.
type boltMeta struct {
	pageSize uint32
	root     uint64
	freelist uint64
	high     uint64 // the first page never used
	txid     uint64
}

// readMeta reads the meta page in b; false when it is none or its checksum differs.
func readMeta(b []byte) (boltMeta, bool) {
	m := b[pageHeader : pageHeader+metaSize]
	sum := fnv.New64a()
	sum.Write(m[:metaSummed])
	le := binary.LittleEndian
	if le.Uint32(m) != boltMagic || le.Uint32(m[4:]) != boltVersion ||
		le.Uint64(m[metaSummed:]) != sum.Sum64() {
		return boltMeta{}, false
	}
	return boltMeta{
		pageSize: le.Uint32(m[8:]),
		root:     le.Uint64(m[16:]),
		freelist: le.Uint64(m[32:]),
		high:     le.Uint64(m[40:]),
		txid:     le.Uint64(m[48:]),
	}, true
}

// pageWalk follows every page of a bbolt file from its meta page on.
type pageWalk struct {
	r    io.ReaderAt
	meta boltMeta
	seen []bool // by page: reached from the root, or free

	levels [depthMax + 1]level
}

// level is the memory for the page that is looked at in one depth of the tree: a large ledger has a
// hundred thousand pages, of which each is gone when its neighbour is read.
type level struct {
	page  []byte
	elems []element
}

// checkPages returns nil when bbolt can open the file without touching a byte that is not there or
// following a page that is not what it should be. It holds for the newest transaction whose meta
// page is whole, which is the one that bbolt opens.
func checkPages(r io.ReaderAt, size int64) error {
	if size < 4*pageSize {
		return fmt.Errorf("it is cut off at %d bytes, the least is %d", size, 4*pageSize)
	}
	w, err := newPageWalk(r)
	if err != nil {
		return err
	}
	if size%pageSize != 0 {
		return fmt.Errorf("its size %d is no multiple of the page size %d", size, pageSize)
	}
	if pages := uint64(size / pageSize); w.meta.high < 4 || w.meta.high > pages {
		return fmt.Errorf("it has %d pages of the %d that are in use", pages, w.meta.high)
	}
	w.seen = make([]bool, w.meta.high)
	w.seen[0], w.seen[1] = true, true
	if err := w.tree(w.meta.root, nil, nil, 0); err != nil {
		return err
	}
	if err := w.freelist(); err != nil {
		return err
	}
	for id, seen := range w.seen {
		if !seen {
			return fmt.Errorf("page %d is neither in use nor free", id)
		}
	}
	return nil
}

func newPageWalk(r io.ReaderAt) (*pageWalk, error) {
	var b [2 * pageSize]byte
	if _, err := r.ReadAt(b[:], 0); err != nil {
		return nil, fmt.Errorf("read meta pages: %w", err)
	}
	m0, ok0 := readMeta(b[:pageSize])
	m1, ok1 := readMeta(b[pageSize:])
	if ok0 && m0.pageSize != pageSize {
		return nil, errOtherPages
	}
	// A torn write of a meta page leaves its header, which is always the same.
	for id := range 2 {
		head := b[id*pageSize:]
		if binary.LittleEndian.Uint64(head) != uint64(id) ||
			binary.LittleEndian.Uint16(head[8:]) != flagMeta {
			return nil, fmt.Errorf("page %d is no meta page: it is torn, or no ledger at all", id)
		}
	}
	switch {
	case !ok0 && !ok1:
		return nil, errors.New("neither meta page is readable: it is torn, or no ledger at all")
	case !ok0 || ok1 && m1.txid > m0.txid:
		m0 = m1
	}
	if m0.pageSize != pageSize {
		return nil, errOtherPages
	}
	return &pageWalk{r: r, meta: m0}, nil
}

// page reads a page with its overflow and marks it as seen. It is valid until the next one of its depth.
func (w *pageWalk) page(id uint64, depth int) ([]byte, error) {
	if id < 2 || id >= w.meta.high {
		return nil, fmt.Errorf("page %d is outside of the %d in use", id, w.meta.high)
	}
	l := &w.levels[depth]
	b := slices.Grow(l.page[:0], pageSize)[:pageSize]
	l.page = b
	if _, err := w.r.ReadAt(b, int64(id)*pageSize); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	if got := binary.LittleEndian.Uint64(b); got != id {
		return nil, fmt.Errorf("page %d says that it is page %d", id, got)
	}
	n := uint64(binary.LittleEndian.Uint32(b[12:])) + 1
	if n > w.meta.high-id {
		return nil, fmt.Errorf("page %d runs on over %d pages, past the last in use", id, n)
	}
	for i := range n {
		if err := w.see(id + i); err != nil {
			return nil, err
		}
	}
	b = slices.Grow(b, int(n-1)*pageSize)[:n*pageSize]
	l.page = b
	if _, err := w.r.ReadAt(b[pageSize:], int64(id+1)*pageSize); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	return b, nil
}

func (w *pageWalk) see(id uint64) error {
	if id < 2 || id >= w.meta.high {
		return fmt.Errorf("page %d is outside of the %d in use", id, w.meta.high)
	}
	if w.seen[id] {
		return fmt.Errorf("page %d has two uses", id)
	}
	w.seen[id] = true
	return nil
}

// tree checks the pages below id, whose keys are least and others up to most; nil is no bound.
func (w *pageWalk) tree(id uint64, least, most []byte, depth int) error {
	if depth > depthMax {
		return fmt.Errorf("page %d is more than %d pages deep", id, depthMax)
	}
	b, err := w.page(id, depth)
	if err != nil {
		return err
	}
	elems, err := elements(w.levels[depth].elems, b, least, most)
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	w.levels[depth].elems = elems
	if flags := binary.LittleEndian.Uint16(b[8:]); flags == flagLeaf {
		return w.leaf(id, elems, depth)
	}
	if len(elems) == 0 {
		return fmt.Errorf("page %d has no elements", id)
	}
	for i, e := range elems {
		upper := most
		if i+1 < len(elems) {
			upper = elems[i+1].key
		}
		if err := w.tree(e.child, e.key, upper, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks the buckets among the elements of leaf page id.
func (w *pageWalk) leaf(id uint64, elems []element, depth int) error {
	for _, e := range elems {
		if !e.bucket {
			continue
		}
		if len(e.value) < 16 {
			return fmt.Errorf("page %d: bucket %q is cut off", id, e.key)
		}
		if root := binary.LittleEndian.Uint64(e.value); root != 0 {
			if err := w.tree(root, nil, nil, depth+1); err != nil {
				return err
			}
			continue
		}
		if err := checkInline(e.value[16:]); err != nil {
			return fmt.Errorf("page %d: bucket %q: %w", id, e.key, err)
		}
	}
	return nil
}

// checkInline checks a bucket so small that its only page stands in its parent's value.
func checkInline(b []byte) error {
	if len(b) < pageHeader {
		return errors.New("its page is cut off")
	}
	if binary.LittleEndian.Uint16(b[8:]) != flagLeaf {
		return errors.New("its page is no leaf")
	}
	elems, err := elements(nil, b, nil, nil)
	if err != nil {
		return err
	}
	for _, e := range elems {
		if e.bucket {
			return errors.New("it has a bucket within")
		}
	}
	return nil
}

// element is one of a branch or leaf page.
type element struct {
	key    []byte
	value  []byte // of a leaf
	bucket bool   // of a leaf
	child  uint64 // of a branch
}

// elements reads those of page b, whose keys must rise from least on to before most. It gives them in
// the memory of old.
func elements(old []element, b []byte, least, most []byte) ([]element, error) {
	le := binary.LittleEndian
	flags, n := le.Uint16(b[8:]), int(le.Uint16(b[10:]))
	if flags != flagLeaf && flags != flagBranch {
		return nil, fmt.Errorf("it is no branch and no leaf but has flags %#x", flags)
	}
	table := pageHeader + n*elemSize
	if table > len(b) {
		return nil, fmt.Errorf("%d elements do not fit into it", n)
	}
	elems := slices.Grow(old[:0], n)[:n]
	clear(elems)
	for i := range elems {
		at := pageHeader + i*elemSize
		e := b[at : at+elemSize]
		var pos, ksize, vsize uint64
		if flags == flagLeaf {
			if f := le.Uint32(e); f > elemBucket {
				return nil, fmt.Errorf("element %d has flags %#x", i, f)
			}
			elems[i].bucket = le.Uint32(e) == elemBucket
			pos, ksize, vsize = uint64(le.Uint32(e[4:])), uint64(le.Uint32(e[8:])), uint64(le.Uint32(e[12:]))
		} else {
			pos, ksize = uint64(le.Uint32(e)), uint64(le.Uint32(e[4:]))
			elems[i].child = le.Uint64(e[8:])
		}
		from := uint64(at) + pos // pos counts from the element itself
		if ksize == 0 || from < uint64(table) || from+ksize+vsize > uint64(len(b)) {
			return nil, fmt.Errorf("element %d lies outside of it", i)
		}
		elems[i].key = b[from : from+ksize]
		elems[i].value = b[from+ksize : from+ksize+vsize]
		if err := checkOrder(elems, i, least, most); err != nil {
			return nil, err
		}
	}
	return elems, nil
}

// checkOrder wants the first key to be just least, as bbolt has it: it finds a page among those of its
// parent by that key, and a change of a page that it does not find breaks the tree.
func checkOrder(elems []element, i int, least, most []byte) error {
	key := elems[i].key
	if i > 0 && bytes.Compare(elems[i-1].key, key) >= 0 ||
		i == 0 && least != nil && !bytes.Equal(key, least) ||
		most != nil && bytes.Compare(key, most) >= 0 {
		return fmt.Errorf("key %q of element %d is out of order", key, i)
	}
	return nil
}

// freelist checks the page that lists the free ones.
func (w *pageWalk) freelist() error {
	b, err := w.page(w.meta.freelist, 0)
	if err != nil {
		return fmt.Errorf("list of free pages: %w", err)
	}
	le := binary.LittleEndian
	if flags := le.Uint16(b[8:]); flags != flagFreelist {
		return fmt.Errorf("list of free pages: page %d has flags %#x", w.meta.freelist, flags)
	}
	n, ids := uint64(le.Uint16(b[10:])), b[pageHeader:]
	if n == 0xFFFF { // then the number stands before the list
		n, ids = le.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return fmt.Errorf("list of free pages: %d do not fit into it", n)
	}
	for i := range n {
		if err := w.see(le.Uint64(ids[8*i:])); err != nil {
			return fmt.Errorf("list of free pages: %w", err)
		}
	}
	return nil
}
