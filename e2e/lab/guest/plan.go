// Package guest is the inside of a lab node: what the first process of a
// User-Mode Linux guest does, and how the host talks to it.
//
// The guest itself knows nothing of Kubernetes. It is given a [Plan] in a file,
// and follows it: it makes a root file system of its own ([Init]), brings up
// its network, writes the plan's files, starts the plan's services and keeps
// them running ([RunNode]). Everything it writes stays on its own disk: the
// host's files are the read-only lower layer of an overlay.
//
// While it runs, the guest executes commands that the host sends it over HTTP
// ([Client]). Whoever reaches the guest's address can do so: the lab's network
// namespace is the only thing that does.
package guest

import (
	"encoding/json"
	"fmt"
	"os"
)

// PlanVariable is the environment variable, set on the guest's kernel command
// line, that names the file with the guest's plan.
const PlanVariable = "KUBEMON_GUEST_PLAN"

// A Plan says what a guest becomes.
type Plan struct {
	Hostname string `json:"hostname"`
	// Interface is the guest's network interface and Address its address with
	// the length of the prefix, such as 10.77.0.11/24.
	Interface string  `json:"interface"`
	Address   string  `json:"address"`
	Routes    []Route `json:"routes"`
	// CommandAddress is the host:port on which the guest takes commands.
	CommandAddress string `json:"commandAddress"`
	// Modules are the kernel modules to load, as modprobe names them.
	Modules []string `json:"modules"`
	// Folders are made on the guest's own disk and bound to these paths, so
	// that they are ordinary folders of a real file system, not of an overlay.
	Folders  []string  `json:"folders"`
	Files    []File    `json:"files"`
	Links    []Link    `json:"links"`
	Services []Service `json:"services"`
}

// A Route sends traffic for a destination, default or a prefix, by a gateway.
type Route struct {
	To  string `json:"to"`
	Via string `json:"via"`
}

// A File is written before services start, its parent folders included.
type File struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// A Link is a symbolic link from Path to Target.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// A Service is a program that the guest keeps running, in the cgroup
// system.slice/<name>.service, with its output in /var/log/<name>.log.
type Service struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	// After, when not empty, is a path; the service starts when it exists.
	After string `json:"after,omitempty"`
}

// ReadPlan reads the plan in a file.
func ReadPlan(path string) (Plan, error) {
	var plan Plan
	data, err := os.ReadFile(path)
	if err != nil {
		return plan, fmt.Errorf("read plan: %w", err)
	}
	if err := json.Unmarshal(data, &plan); err != nil {
		return plan, fmt.Errorf("parse plan %s: %w", path, err)
	}
	return plan, nil
}

// Write writes the plan to a file, from which ReadPlan reads it.
func (p Plan) Write(path string) error {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}
