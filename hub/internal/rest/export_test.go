package rest

import "strings"

// Paths returns the paths that the router knows, as OpenAPI writes them.
func Paths() []string {
	seen := make(map[string]bool)
	var paths []string
	for _, r := range (&server{}).router(nil).Routes() {
		parts := strings.Split(r.Path, "/")
		for i, p := range parts {
			if name, ok := strings.CutPrefix(p, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		if path := strings.Join(parts, "/"); !seen[path] {
			seen[path] = true
			paths = append(paths, path)
		}
	}
	return paths
}

// MaxSubscribers is how many clients events are sent to, MaxOfOneReader how many
// of them may be of one reader.
const (
	MaxSubscribers = maxSubscribers
	MaxOfOneReader = maxOfOneReader
)
