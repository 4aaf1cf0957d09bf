package pipeline

// skipUnwanted is where a file of which nothing was wanted begins.
func (t *Tail) skipUnwanted(f *followed, c *claim) error { return nil }
