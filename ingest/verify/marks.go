package verify

// marks are the bytes of a batch in which a record begins, or that a reject holds. Pages are made
// where a mark is, and one that is full costs nothing: so memory is an eighth of the batch's bytes
// at most, and less for long records. The zero value has none.
type marks struct {
	pages map[int64]*page
}

const (
	pageWords = 1024
	pageBits  = pageWords * 64
)

type page struct{ words [pageWords]uint64 }

// fullPage stands for every page with all bits set; it is never changed.
var fullPage = func() *page {
	p := &page{}
	for i := range p.words {
		p.words[i] = ^uint64(0)
	}
	return p
}()

// set marks the bytes [i, j) and reports whether none of them was marked before.
func (m *marks) set(i, j int64) bool {
	if m.pages == nil {
		m.pages = map[int64]*page{}
	}
	free := true
	for i < j {
		n := i / pageBits
		end := min(j, (n+1)*pageBits)
		free = m.setPage(n, i-n*pageBits, end-n*pageBits) && free
		i = end
	}
	return free
}

// setPage is set within one page.
func (m *marks) setPage(n, i, j int64) bool {
	p := m.pages[n]
	if p == fullPage {
		return false
	}
	if p == nil && j-i == pageBits {
		m.pages[n] = fullPage
		return true
	}
	if p == nil {
		p = &page{}
		m.pages[n] = p
	}
	free := true
	for i < j {
		word, first := i/64, i%64
		last := min(64, first+j-i)
		mask := ^uint64(0) >> (64 - (last - first)) << first
		free = free && p.words[word]&mask == 0
		p.words[word] |= mask
		i += last - first
	}
	return free
}
