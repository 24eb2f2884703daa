package hub

import "slices"

// A Scope is what one reader may see, as REST says it beside what was cut to it.
// The zero Scope has nothing.
type Scope struct {
	// Nodes is true for who may see nodes, the agents, and the cluster as a whole.
	Nodes bool `json:"nodes"`
	// AllNamespaces is true for who may see the pods of every namespace, those
	// to come as well.
	AllNamespaces bool `json:"allNamespaces"`
	// Namespaces are those whose pods may be seen, sorted; of no meaning beside
	// AllNamespaces.
	Namespaces []string `json:"namespaces,omitzero"`
}

// Everything is the scope of who may see all.
func Everything() Scope { return Scope{Nodes: true, AllNamespaces: true} }

// IsEverything reports whether nothing is out of the scope.
func (s Scope) IsEverything() bool { return s.Nodes && s.AllNamespaces }

// Has reports whether the pods of a namespace may be seen.
func (s Scope) Has(namespace string) bool {
	if s.AllNamespaces {
		return true
	}
	_, found := slices.BinarySearch(s.Namespaces, namespace)
	return found
}
