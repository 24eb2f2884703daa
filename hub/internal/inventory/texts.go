package inventory

import (
	"slices"
	"unique"

	"github.com/kubemon/kubemon/hub"
)

// texts hold what an object has in common with others: each comes from the wire
// with its own copy of what thousands have. A text is found again as long as
// somebody holds its handle, so the object does that as long as it is kept.
type texts []unique.Handle[string]

// share puts in place of each text the one that all objects with this text have.
func (t *texts) share(list ...*string) {
	for _, s := range list {
		if *s != "" {
			*s = t.shared(*s)
		}
	}
}

func (t *texts) shared(s string) string {
	handle := unique.Make(s)
	*t = append(*t, handle)
	return handle.Value()
}

func (t *texts) sharePod(p *hub.Pod) {
	*t = slices.Grow(*t, 4+2*len(p.Labels)+len(p.Containers))
	t.share(&p.Namespace, &p.Node, &p.Phase, &p.Reason)
	if p.Labels != nil {
		labels := make(map[string]string, len(p.Labels))
		for key, value := range p.Labels {
			labels[t.shared(key)] = t.shared(value)
		}
		p.Labels = labels
	}
	for i := range p.Containers {
		t.share(&p.Containers[i].Name)
	}
}
