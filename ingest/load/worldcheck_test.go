package load

import (
	"fmt"
	"strings"

	"logseal/ingest/source"
	"logseal/ingest/table"
)

// isLeft reports whether the run of a writer that ended well left something undone that the next one
// may do: a batch that waits for one which was shipped later in the run. It has to be named.
func (w *world) isLeft(wr *writer) bool {
	return w.scene.again && wr.fileGone == "" && len(wr.process.report.Problems) > 0
}

// check looks for what must be true in every state.
func (w *world) check() error {
	seen := map[string]int{}
	for _, key := range w.store.Keys() {
		if !strings.HasPrefix(key, "manifests/") {
			continue
		}
		m, err := w.scene.manifest(key, w.store.Body(key))
		if err != nil {
			return err
		}
		for _, o := range m.Objects {
			body := w.store.Body(o.Key)
			if body == nil {
				return fmt.Errorf("%s names %s, which is missing", key, o.Key)
			}
			if source.DigestOf(body) != o.SHA256 {
				return fmt.Errorf("%s names %s, which differs", key, o.Key)
			}
		}
		if w.store.Body(table.EpochKey(m.Table(), m.Epoch)) == nil {
			return fmt.Errorf("%s names epoch %s, which is missing", key, m.Epoch)
		}
		content, ok := w.scene.chains[m.ChainOut]
		if !ok || int64(len(content)) != m.End {
			return fmt.Errorf("%s is of bytes that no file holds", key)
		}
		for i := m.Start; i < m.End; i++ {
			seen[content[:i+1]]++
		}
	}
	want := w.scene.want(false)
	for text, n := range seen {
		if n > want[text] {
			return fmt.Errorf("the byte after %q is in manifests %d times, want %d", text[:len(text)-1], n, want[text])
		}
	}
	return nil
}

// want counts, for each text that a file begins with, how many sources hold it: files that are
// equal, or that another goes on from, are one.
// Files that stay unread in part are left out of what must be there.
func (s *scene) want(must bool) map[string]int {
	want := map[string]int{}
	for p, f := range s.files {
		whole := !(must && s.unread[p])
		for q, g := range s.files {
			if strings.HasPrefix(g, f) && (len(g) > len(f) || q < p) {
				whole = false
			}
		}
		for i := range f {
			if whole {
				want[f[:i+1]]++
			}
		}
	}
	return want
}

// complete reports whether every machine that is left has ended well, and checks what must then be
// true.
func (w *world) complete() (bool, error) {
	if len(w.net) > 0 {
		return false, nil
	}
	alive := false
	for _, wr := range w.writers {
		if wr.gone {
			continue
		}
		if wr.process == nil || wr.up() || wr.process.err != nil || wr.fileAway != "" || w.isLeft(wr) {
			return false, nil
		}
		alive = true
	}
	if !alive {
		return false, nil
	}
	return true, w.checkComplete()
}

func (w *world) checkComplete() error {
	seen := map[string]int{}
	named := map[string]bool{}
	spans := map[source.ID][]*table.Manifest{}
	for _, key := range w.store.Keys() {
		if !strings.HasPrefix(key, "manifests/") {
			continue
		}
		m, err := w.scene.manifest(key, w.store.Body(key))
		if err != nil {
			return err
		}
		spans[m.SID] = append(spans[m.SID], m)
		for _, o := range m.Objects {
			named[o.Key] = true
		}
		content := w.scene.chains[m.ChainOut]
		for i := m.Start; i < m.End; i++ {
			seen[content[:i+1]]++
		}
	}
	held, err := w.held()
	if err != nil {
		return err
	}
	for text, n := range w.scene.want(true) {
		if seen[text]+held[text] < n {
			return fmt.Errorf("the byte after %q is in manifests %d times, want %d at least", text[:len(text)-1], seen[text], n)
		}
	}
	for _, key := range w.store.Keys() {
		if !strings.HasSuffix(key, ".parquet") || named[key] {
			continue
		}
		if !superseded(key, spans) {
			return fmt.Errorf("%s is named by no manifest and is not superseded", key)
		}
	}
	return nil
}

// held counts, for each text that a file begins with, the batches that are left in a spool and hold
// the byte after it. Only those may be left whose file is gone: where another file has their place,
// they wait for their own to come back.
func (w *world) held() (map[string]int, error) {
	held := map[string]int{}
	for _, wr := range w.writers {
		if wr.gone {
			continue
		}
		for _, b := range wr.spool {
			m, err := table.ParseManifest(b.manifest)
			if err != nil {
				return nil, err
			}
			content := w.scene.chains[m.ChainOut]
			if wr.fileGone == "" || !strings.HasPrefix(w.scene.files[wr.fileGone], content) {
				return nil, fmt.Errorf("%s has %s left in its spool", wr.name, m.BatchName())
			}
			for i := m.Start; i < m.End; i++ {
				held[content[:i+1]]++
			}
		}
	}
	return held, nil
}

func superseded(key string, spans map[source.ID][]*table.Manifest) bool {
	k, err := table.ParseKey(key)
	if err != nil {
		return false
	}
	for _, m := range spans[k.Batch.ID] {
		if m.Start <= k.Batch.Range.Start && k.Batch.Range.Start < m.End {
			return true
		}
	}
	return false
}
