package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// heldName is the folder of batches that nobody ships, as nobody can tell whether their bytes are in the
// sink. Recover does not see them; they are a user's to decide about.
const heldName = "held"

// CommitHeld makes a batch complete and durable among the held ones. It is Commit but for that: a batch of
// this name in the spool is another's to ship, and stays.
//
//	rename(<stage>/<object>.staged, <stage>/<i>)     each; their bytes are durable since Close
//	write <stage>/manifest.json, fsync(<stage>)
//	mkdir(<dir>/held), fsync(<dir>)
//	rename(<stage>, <dir>/held/<name>)
//	fsync(<dir>/held), fsync(<dir>)
//
// If we crash before the last rename is durable there is a stage: rubbish.
func (g *Stage) CommitHeld(name string, objects []string, manifest []byte) error {
	if err := g.check(name, objects); err != nil {
		return fmt.Errorf("commit held batch %s: %w", name, err)
	}
	if err := g.commitHeld(name, objects, manifest); err != nil {
		return g.fail(wrap("commit held batch "+name, g.spool.dir, err))
	}
	g.dir = ""
	return nil
}

func (g *Stage) commitHeld(name string, objects []string, manifest []byte) error {
	if err := g.number(objects); err != nil {
		return err
	}
	if err := g.spool.writeManifest(g.dir, manifest); err != nil {
		return err
	}
	return g.spool.moveToHeld(g.dir, name)
}

// SetApart moves a batch to the held ones. It no longer counts, and is no batch of the spool any more.
// That there is none is no error.
//
//	mkdir(<dir>/held), fsync(<dir>)
//	rename(<dir>/<name>, <dir>/held/<name>)
//	fsync(<dir>/held), fsync(<dir>)
//
// If we crash before the rename is durable the batch is in the spool, and is set apart again.
func (s *Spool) SetApart(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := s.usable(); err != nil {
		return fmt.Errorf("set apart in spool: %w", err)
	}
	if err := s.setApart(name); err != nil {
		return wrap("set apart in spool", s.dir, err)
	}
	s.room.remove(name)
	return nil
}

func (s *Spool) setApart(name string) error {
	if _, err := statIn(s.dir, filepath.Join(s.dir, name)); errors.Is(err, fs.ErrNotExist) {
		return nil // it may be held already
	}
	return s.moveToHeld(filepath.Join(s.dir, name), name)
}

func (s *Spool) moveToHeld(from, name string) error {
	held := filepath.Join(s.dir, heldName)
	if err := s.fs.Mkdir(held); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.syncDir(s.dir); err != nil {
		return err
	}
	// One that is there whole has the same name, so the same bytes, and may be the only copy: it stays.
	if _, err := statIn(s.dir, filepath.Join(held, name, manifestName)); err == nil {
		// Who moved it may have been killed before its fsync.
		if err := errors.Join(s.syncDir(held), s.syncDir(s.dir)); err != nil {
			return err
		}
		return s.removeBatch(from)
	}
	if err := s.removeFolder(filepath.Join(held, name)); err != nil {
		return err
	}
	if err := s.fs.Rename(from, filepath.Join(held, name)); err != nil {
		return err
	}
	return errors.Join(s.syncDir(held), s.syncDir(s.dir))
}

// Held lists the batches that were set apart, by name.
func (s *Spool) Held() ([]Entry, error) {
	entries, err := List(filepath.Join(s.dir, heldName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// RemoveHeld removes a batch from those that are held: its bytes are known to be elsewhere. The folder goes
// with the last one. That there is none is no error.
func (s *Spool) RemoveHeld(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := s.usable(); err != nil {
		return fmt.Errorf("remove held batch: %w", err)
	}
	held := filepath.Join(s.dir, heldName)
	err := s.removeBatch(filepath.Join(held, name))
	if err == nil {
		err = s.fs.Remove(held)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) {
			err = nil
		}
	}
	return wrap("remove held batch", s.dir, err)
}
