package collect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// maxReasonBytes bounds what a warning says.
const maxReasonBytes = 500

// warnings gathers at most one warning for each source, so that a hundred pods
// without a controller make one line and not a hundred.
type warnings struct {
	by map[string]*warning
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
}

// addError is add for an error that there may be hundreds of: only the first is
// put into words.
func (w *warnings) addError(source string, err error) {
	if first, ok := w.by[source]; ok {
		first.more++
		return
	}
	w.add(source, err.Error())
}

// addGroup is addError for a controller whose files could not be read in a
// group.
func (w *warnings) addGroup(controller string, err error) {
	if _, ok := w.by[controller]; !ok && cgroup.IsGone(err) {
		err = fmt.Errorf("the controller is not delegated to every group: %w", err)
	}
	w.addError(controller, err)
}

// merge adds the warnings of another reading.
func (w *warnings) merge(other *warnings) {
	for source, warning := range other.by {
		w.add(source, warning.reason)
		w.by[source].more += warning.more
	}
}

// list returns the warnings, sorted by their sources.
func (w *warnings) list() []snapshot.Warning {
	list := make([]snapshot.Warning, 0, len(w.by))
	for source, warning := range w.by {
		reason := warning.reason
		if warning.more > 0 {
			reason = fmt.Sprintf("%s (and %d more)", reason, warning.more)
		}
		list = append(list, snapshot.Warning{Source: source, Reason: reason})
	}
	slices.SortFunc(list, func(a, b snapshot.Warning) int { return cmp.Compare(a.Source, b.Source) })
	return list
}
