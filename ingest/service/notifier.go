package service

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Notifier tells a service manager how a service is: lines of NAME=value in a datagram to the
// socket that $NOTIFY_SOCKET names, as sd_notify(3) has it. The zero value tells nobody.
type Notifier struct {
	conn *net.UnixConn
	// watchdog is how often the manager wants to hear that all is well; 0 for never.
	watchdog time.Duration
}

// NewNotifier connects to the service manager that the environment names, if it names one. A name that begins
// with @ is an abstract socket of Linux.
func NewNotifier(getenv func(string) string) (*Notifier, error) {
	name := getenv("NOTIFY_SOCKET")
	if name == "" {
		return &Notifier{}, nil
	}
	if name[0] != '/' && name[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %q: want a path or a name that begins with @", name)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	every, err := watchdogInterval(getenv)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Notifier{conn: conn, watchdog: every}, nil
}

// watchdogInterval is what $WATCHDOG_USEC says, if it speaks to this process.
func watchdogInterval(getenv func(string) string) (time.Duration, error) {
	text := getenv("WATCHDOG_USEC")
	if pid := getenv("WATCHDOG_PID"); text == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("WATCHDOG_USEC: %q: want a number of microseconds above zero", text)
	}
	return time.Duration(n) * time.Microsecond, nil
}

// tell sends one state.
func (n *Notifier) tell(state string) error {
	if n.conn == nil {
		return nil
	}
	if _, err := n.conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	return nil
}

// The states that a service tells. After a reload ready is told again.
func (n *Notifier) ready(status string) error { return n.tell("READY=1\nSTATUS=" + status) }
func (n *Notifier) stopping() error           { return n.tell("STOPPING=1\nSTATUS=ending") }
func (n *Notifier) alive() error              { return n.tell("WATCHDOG=1") }

// reloading also says since when, on the clock that the manager goes by.
func (n *Notifier) reloading() error {
	if n.conn == nil {
		return nil
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	return n.tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
}

// Close lets the manager go.
func (n *Notifier) Close() error {
	if n.conn == nil {
		return nil
	}
	return n.conn.Close()
}
