package tail

// state is what a followed file is to the tail.
type state string

const (
	isNew        state = "waiting"    // it holds nothing yet that tells who it is
	isActive     state = "live"       // its source is read from it
	isCopy       state = "copy"       // it says nothing else than the owner of a source
	isUndecided  state = "undecided"  // it ends before what is committed of a source
	isStopped    state = "stopped"    // a problem stops it until it is solved
	isUnreadable state = "unreadable" // it cannot be opened
	isRead       state = "read"       // closed: read to its end, or at rest
)

// transitions are what a file of a state may become. Whatever a file is, a fault may stop it, and what stopped it
// may be over; a file that was read to its end is told who it is anew before anything else.
var transitions = map[state][]state{
	isNew:        {isActive, isCopy, isUndecided, isRead, isStopped, isUnreadable},
	isActive:     {isNew, isUndecided, isStopped, isUnreadable},
	isCopy:       {isNew, isActive, isUndecided, isRead, isStopped, isUnreadable},
	isUndecided:  {isNew, isActive, isCopy, isRead, isStopped, isUnreadable},
	isStopped:    {isNew, isActive, isCopy, isUndecided, isRead, isUnreadable},
	isUnreadable: {isNew, isActive, isCopy, isUndecided, isRead, isStopped},
	isRead:       {isNew, isStopped, isUnreadable},
}

// became is told of each change of state. Tests hold it against transitions.
var became = func(from, to state) {}

// become changes the state of a file. Tail.mu is held.
func (f *logFile) become(to state) {
	became(f.view.state, to)
	f.view.state = to
}

// show changes all that the director and a status know of a file. Tail.mu is held.
func (f *logFile) show(v fileView) {
	became(f.view.state, v.state)
	f.view = v
}
