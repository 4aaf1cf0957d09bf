package load

import (
	"fmt"
	"maps"
	"slices"

	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// action is one thing that can happen next.
type action struct {
	name string
	do   func(*world)
}

// actions lists what can happen next. While a process is at an operation on its own disk, and at
// nothing else, nobody else's doings make a difference to it, so only its own are listed.
func (w *world) actions() []action {
	for i, wr := range w.writers {
		if wr.up() && len(wr.process.parked) == 1 && !wr.process.parked[0].shared {
			return w.steps(i, wr)
		}
	}
	var all []action
	for i, wr := range w.writers {
		switch {
		case wr.gone:
		case wr.process == nil, !wr.up() && (wr.process.err != nil || wr.fileAway != "" || w.isLeft(wr)):
			all = append(all, w.restarts(i)...)
		case wr.up():
			all = append(all, w.steps(i, wr)...)
		}
	}
	for i, o := range w.net {
		all = append(all, action{"delayed " + o.name + " arrives", func(w *world) {
			o := w.net[i]
			w.net = slices.Delete(slices.Clone(w.net), i, i+1)
			o.later()
		}})
	}
	return all
}

func (w *world) steps(i int, wr *writer) (all []action) {
	for n := range wr.process.parked {
		all = append(all, w.stepsOf(i, wr, n)...)
	}
	return all
}

// stepsOf lists what can happen at the n-th of the operations that a writer waits to do.
func (w *world) stepsOf(i int, wr *writer, n int) []action {
	o := wr.process.parked[n]
	act := func(what string, left budget, f func(*writer)) action {
		return action{wr.name + ": " + o.name + what, func(w *world) {
			w.left = left
			f(w.writers[i])
		}}
	}
	all := []action{act("", w.left, func(wr *writer) { wr.do(n, proceed) })}
	left := w.left
	if left.crash > 0 && n == 0 && (o.effect || o.shared || len(wr.process.parked) > 1) {
		left.crash--
		all = append(all, act(", killed before", left, (*writer).kill))
	}
	if left = w.left; left.fail > 0 && o.effect {
		left.fail--
		all = append(all, act(", fails", left, func(wr *writer) { wr.do(n, failIt) }))
		all = append(all, act(", reply lost", left, func(wr *writer) { wr.do(n, loseIt) }))
	}
	if left = w.left; left.delay > 0 && o.later != nil {
		left.delay--
		all = append(all, act(", delayed", left, func(wr *writer) { wr.do(n, delayIt) }))
	}
	if left = w.left; left.restore > 0 && wr.old == nil && o.shared && len(wr.ledger.sources) > 0 {
		all = append(all, act(": disk copied before", left, func(wr *writer) { wr.old = wr.copyDisk() }))
	}
	for _, in := range wr.cfg.Inputs {
		if left = w.left; left.gone == 0 || !o.shared || !wr.sealedAll(w.scene.files[in.Path]) {
			continue
		}
		left.gone--
		all = append(all, act(": "+in.Path+" deleted before", left, func(wr *writer) {
			wr.cfg.FS.(*filestest.FS).Remove(in.Path)
			wr.fileGone = in.Path
		}))
	}
	for j, cfg := range w.scene.elsewhere {
		if left = w.left; left.elsewhere > 0 && o.shared {
			left.elsewhere--
			all = append(all, act(fmt.Sprintf(": before, somebody loads %v", cfg.Inputs), left, func(*writer) {
				w.loadElsewhere(j)
			}))
		}
	}
	if left = w.left; left.lost > 0 && o.shared {
		left.lost--
		all = append(all, act(", machine lost", left, func(wr *writer) { wr.kill(); wr.gone = true }))
	}
	return all
}

// loadElsewhere runs the j-th load of somebody else, of a state that nobody sees again, in one go.
func (w *world) loadElsewhere(j int) {
	wr := w.writer("elsewhere", w.scene.elsewhere[j])
	wr.free = true
	wr.start(w)
	if wr.up() || wr.process.err != nil {
		panic(fmt.Sprint("a load in one go did not end well: ", wr.process.err))
	}
}

func (wr *writer) copyDisk() *disk {
	return &disk{wr.ledger.clone(), maps.Clone(wr.spool)}
}

// sealedAll reports whether a source of a file with this content is sealed to its end.
func (wr *writer) sealedAll(content string) bool {
	for _, s := range wr.ledger.sources {
		if s.src.Sealed.Chain == source.DigestOf([]byte(content)) && wr.fileGone == "" {
			return true
		}
	}
	return false
}

func (w *world) restarts(i int) []action {
	wr := w.writers[i]
	var all []action
	add := func(what string, left budget, f func(*writer)) {
		all = append(all, action{wr.name + ": starts" + what, func(w *world) {
			wr := w.writers[i]
			wr.kill()
			w.left, wr.fileAway = left, ""
			if f != nil {
				f(wr)
			}
			wr.start(w)
		}})
	}
	add("", w.left, nil)
	if left := w.left; left.loseLedger > 0 && len(wr.ledger.sources) > 0 {
		left.loseLedger--
		add(", ledger lost", left, func(wr *writer) { wr.ledger = newMemLedger() })
	}
	if left := w.left; left.loseSpool > 0 && len(wr.spool) > 0 {
		left.loseSpool--
		add(", spool lost", left, func(wr *writer) { wr.spool = memSpool{} })
	}
	if left := w.left; left.loseSpool > 0 && left.loseLedger > 0 && len(wr.ledger.sources) > 0 {
		left.loseSpool--
		left.loseLedger--
		add(", both lost", left, func(wr *writer) { wr.spool, wr.ledger = memSpool{}, newMemLedger() })
	}
	if left := w.left; left.restore > 0 && wr.old != nil {
		left.restore--
		if wr.fileGone == "" { // with the file gone as well those bytes would be nowhere
			add(", old disk restored", left, func(wr *writer) {
				wr.ledger, wr.spool = wr.old.ledger.clone(), maps.Clone(wr.old.spool)
			})
		}
		add(", old ledger restored", left, func(wr *writer) { wr.ledger = wr.old.ledger.clone() })
	}
	for _, in := range wr.cfg.Inputs {
		if left := w.left; left.away > 0 && in.Path != wr.fileGone {
			left.away--
			add(" without "+in.Path, left, func(wr *writer) { wr.fileAway = in.Path })
		}
	}
	if left := w.left; left.upgrade > 0 {
		left.upgrade--
		add(" with a new encoder", left, func(wr *writer) { wr.encoder++ })
	}
	return all
}

// moveAway takes the file that the next run does not find off the disk, and puts the last one back.
func (w *writer) moveAway() {
	fsys := w.cfg.FS.(*filestest.FS)
	if w.offDisk != "" {
		fsys.Rename("away", w.offDisk)
	}
	if w.offDisk = w.fileAway; w.offDisk != "" {
		fsys.Rename(w.offDisk, "away")
	}
}
