package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/sink"
	"logseal/ingest/usage"
)

// punctual asks a sink and waits for each answer for so long and not longer: who asks goes on with the
// next log meanwhile.
type punctual struct {
	sink    sink.Store
	timeout time.Duration
}

// errTimeout says that nobody can wait for so long.
var errTimeout = usage.Errorf("--timeout: want a duration above zero, as in 5s")

// read reads a small object whole.
func (p *punctual) read(ctx context.Context, key string) (body []byte, info sink.Info, err error) {
	err = p.within(ctx, func(ctx context.Context) error {
		r, got, err := p.sink.Get(ctx, key)
		if err != nil {
			return err
		}
		defer r.Close()
		info = got
		if body, err = sink.ReadDocument(r); err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		return nil
	})
	return body, info, err
}

// stat asks about an object.
func (p *punctual) stat(ctx context.Context, key string) (info sink.Info, err error) {
	err = p.within(ctx, func(ctx context.Context) (err error) {
		info, err = p.sink.Stat(ctx, key)
		return err
	})
	return info, err
}

func (p *punctual) within(ctx context.Context, ask func(context.Context) error) error {
	late, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	err := ask(late)
	if err != nil && ctx.Err() == nil && errors.Is(late.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the sink %s gave no answer within %v; ask again when it does, or give it more "+
			"time with --timeout: %w", p.sink.Name(), p.timeout, err)
	}
	return err
}
