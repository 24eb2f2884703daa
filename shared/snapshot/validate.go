package snapshot

import (
	"fmt"
	"math"
)

// Validate returns an error that names the first field that breaks the
// contract, what it holds and what was expected.
func (s *Snapshot) Validate() error {
	if s.Version != Version {
		return fmt.Errorf("version is %d, want %d", s.Version, Version)
	}
	if s.Node == "" {
		return fmt.Errorf("node is empty, want the node's name")
	}
	switch s.Agent.Cgroup.Mode {
	case ModeUnified, ModeHybrid, ModeV1:
	default:
		return fmt.Errorf("agent.cgroup.mode is %q, want %s, %s or %s", s.Agent.Cgroup.Mode, ModeUnified, ModeHybrid, ModeV1)
	}
	if year := s.Time.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("time is in the year %d, want 0 to 9999, which RFC 3339 can write", year)
	}
	if s.BootNanos < 0 {
		return fmt.Errorf("bootNanos is %d, want 0 or more", s.BootNanos)
	}
	if err := validateLoad(s.Host.Load); err != nil {
		return err
	}
	return s.validateGroups()
}

func validateLoad(load []float64) error {
	if load == nil {
		return nil
	}
	if len(load) != 3 {
		return fmt.Errorf("host.load has %d elements, want 3: over 1, 5 and 15 minutes", len(load))
	}
	for i, average := range load {
		if !finite(average) {
			return fmt.Errorf("host.load[%d] is %v, want a finite number of at least 0", i, average)
		}
	}
	return nil
}

// validateGroups checks what has an identity: the slices, the pods and the
// containers, of which each must be there once.
func (s *Snapshot) validateGroups() error {
	slices := make(identities, len(s.Slices))
	for i := range s.Slices {
		if err := slices.add("cgroup", s.Slices[i].Cgroup, s.Slices[i].CPU); err != nil {
			return fmt.Errorf("slices[%d].%w", i, err)
		}
	}
	pods, containers := make(identities, len(s.Pods)), make(identities, 2*len(s.Pods))
	for i := range s.Pods {
		pod := &s.Pods[i]
		if err := pods.add("uid", pod.UID, pod.CPU); err != nil {
			return fmt.Errorf("pods[%d].%w", i, err)
		}
		if err := containers.addAll(pod.Containers); err != nil {
			return fmt.Errorf("pods[%d].%w", i, err)
		}
	}
	return containers.addAll(s.Containers)
}

// identities are the values that were seen.
type identities map[string]struct{}

// add checks one control group: its identity, which is in field, and its limit.
func (seen identities) add(field, identity string, cpu *CPU) error {
	if identity == "" {
		return fmt.Errorf("%s is empty", field)
	}
	if _, ok := seen[identity]; ok {
		return fmt.Errorf("%s is %q a second time", field, identity)
	}
	seen[identity] = struct{}{}
	if cpu != nil && cpu.LimitMillicores != nil && !finite(*cpu.LimitMillicores) {
		return fmt.Errorf("cpu.limitMillicores is %v, want a finite number of at least 0", *cpu.LimitMillicores)
	}
	return nil
}

func (seen identities) addAll(containers []Container) error {
	for i := range containers {
		if err := seen.add("id", containers[i].ID, containers[i].CPU); err != nil {
			return fmt.Errorf("containers[%d].%w", i, err)
		}
	}
	return nil
}

func finite(number float64) bool {
	return number >= 0 && !math.IsInf(number, 1)
}
