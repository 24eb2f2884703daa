// Package hub is the hub's vocabulary: the nouns that its stages hand to each
// other, in the order of the flow.
//
//	discover ─▶ Agent ─▶ scrape ─▶ Result ─▶ delta ─▶ Reading ─▶ aggregate ─▶ Frame ─▶ window
//	                                                   inventory ─▶ Inventory ┘    └─▶ Round ─▶ View ─▶ rest
//	                                                                                             └─▶ Sums ─▶ window
//
// The package holds values and the small pure rules that belong to them. It
// imports nothing outside the standard library, starts nothing and stores
// nothing; what is published in a Round or a View is never changed afterwards.
package hub

import "errors"

// Errors that stages return and rest turns into an HTTP status.
var (
	// ErrNotFound: there is no such thing, now or in the window.
	ErrNotFound = errors.New("not found")
	// ErrNotReady: the hub cannot answer yet.
	ErrNotReady = errors.New("not ready yet")
	// ErrUnavailable: the API server has to say something first, and cannot be
	// asked. Its text is for clients.
	ErrUnavailable = errors.New("the API server cannot be asked")
)
