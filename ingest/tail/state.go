package tail

// standing is what a followed file is to the tail.
type standing string

const (
	isNew        standing = "waiting"    // it holds nothing yet that tells who it is
	isOwner      standing = "live"       // its source is read from it
	isCopy       standing = "copy"       // it says nothing else than the owner of a source
	isUndecided  standing = "undecided"  // it ends before what is committed of a source
	isStopped    standing = "stopped"    // something wants a look before it goes on
	isUnreadable standing = "unreadable" // it cannot be opened
	isRead       standing = "read"       // a compressed file, read to its end
)

// transitions are what a file of a state may become. Whatever a file is, a fault may stop it, and what stopped it
// may be over; a file that was read to its end is told who it is anew before anything else.
var transitions = map[standing][]standing{
	isNew:        {isOwner, isCopy, isUndecided, isRead, isStopped, isUnreadable},
	isOwner:      {isNew, isStopped, isUnreadable},
	isCopy:       {isNew, isOwner, isUndecided, isStopped, isUnreadable},
	isUndecided:  {isNew, isOwner, isCopy, isStopped, isUnreadable},
	isStopped:    {isNew, isOwner, isCopy, isUndecided, isRead, isUnreadable},
	isUnreadable: {isNew, isOwner, isCopy, isUndecided, isRead, isStopped},
	isRead:       {isNew, isStopped, isUnreadable},
}

// became is told of each change of state. Tests hold it against transitions.
var became = func(from, to standing) {}

// become changes the state of a file. Tail.mu is held.
func (f *followed) become(to standing) {
	became(f.view.standing, to)
	f.view.standing = to
}

// show changes all that the director and a status know of a file. Tail.mu is held.
func (f *followed) show(v fileView) {
	became(f.view.standing, v.standing)
	f.view = v
}
