package collect

import (
	"fmt"
	"strings"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// maxReasonBytes bounds what a warning says.
const maxReasonBytes = 500

// warnings gathers at most one warning for each source, so that a hundred pods
// without a controller make one line and not a hundred.
type warnings struct {
	order []string
	by    map[string]*warning
}

type warning struct {
	reason string // the first
	more   int    // how many came after it
}

func (w *warnings) add(source, reason string) {
	if first, ok := w.by[source]; ok {
		first.more++
		return
	}
	if w.by == nil {
		w.by = make(map[string]*warning)
	}
	if len(reason) > maxReasonBytes {
		reason = reason[:maxReasonBytes] + "…"
	}
	w.by[source] = &warning{reason: strings.ToValidUTF8(reason, "")}
	w.order = append(w.order, source)
}

// merge adds the warnings of another reading.
func (w *warnings) merge(other warnings) {
	for _, source := range other.order {
		w.add(source, other.by[source].reason)
		w.by[source].more += other.by[source].more
	}
}

// list returns the warnings in the order of their first appearance.
func (w *warnings) list() []snapshot.Warning {
	list := make([]snapshot.Warning, 0, len(w.order))
	for _, source := range w.order {
		warning := w.by[source]
		reason := warning.reason
		if warning.more > 0 {
			reason = fmt.Sprintf("%s (and %d more)", reason, warning.more)
		}
		list = append(list, snapshot.Warning{Source: source, Reason: reason})
	}
	return list
}
