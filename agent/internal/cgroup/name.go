package cgroup

import (
	"strings"
)

// Quality of service classes of a pod, as the API names them.
const (
	Guaranteed = "Guaranteed"
	Burstable  = "Burstable"
	BestEffort = "BestEffort"
)

// PodUID returns the pod's UID when base is the last component of a pod's
// path, in the form of either cgroup driver:
//
//	pod8c5bfdd6-4c3b-4e4c-9c0e-7f6d1e2a3b4c                               cgroupfs
//	kubepods-burstable-pod8c5bfdd6_4c3b_4e4c_9c0e_7f6d1e2a3b4c.slice      systemd
//
// The systemd driver writes "_" for "-", which means hierarchy there; the UID
// that is returned has dashes. A static pod's UID is the hash of its manifest,
// 32 hexadecimal digits.
func PodUID(base string) (string, bool) {
	base = strings.TrimSuffix(base, ".slice")
	at := strings.LastIndex(base, "pod") // no UID has these letters
	if at < 0 || at > 0 && base[at-1] != '-' {
		return "", false
	}
	uid := base[at+len("pod"):]
	if len(uid) == 32 && isHex(uid) {
		return uid, true
	}
	uid = strings.ReplaceAll(uid, "_", "-")
	if !isUUID(uid) {
		return "", false
	}
	return uid, true
}

// InPod reports whether a path has a pod's component, below one of kubepods. A
// runtime with the other driver than the kubelet's makes one such component of
// the pod's and the container's names: kubepods-podUID.slice:cri-containerd:ID.
func InPod(cgroupPath string) bool {
	_, below, found := strings.Cut(cgroupPath, "kubepods")
	for found && below != "" {
		var component string
		component, below, _ = strings.Cut(below, "/")
		component, _, _ = strings.Cut(component, ":")
		if _, ok := PodUID(component); ok {
			return true
		}
	}
	return false
}

// ContainerID returns the container's ID, 64 hexadecimal digits, when base is
// the last component of a container's path, whatever the runtime put around
// it: cri-containerd-ID.scope, crio-ID, docker-ID.scope, the ID alone. Left out
// are the mount units of a container's file systems and the monitors of CRI-O
// and Podman, which have the ID of the container that they watch:
// crio-conmon-ID.scope, libpod-conmon-ID.scope. A slice is never a container:
// machine-libpod_pod_ID.slice is a pod of Podman's.
func ContainerID(base string) (string, bool) {
	if strings.HasSuffix(base, ".mount") || strings.HasSuffix(base, ".slice") || strings.Contains(base, "-conmon-") {
		return "", false
	}
	const length = 64
	run := 0
	for i := range len(base) + 1 {
		if i < len(base) && hexDigit(base[i]) {
			run++
			continue
		}
		if run == length {
			return base[i-length : i], true
		}
		run = 0
	}
	return "", false
}

// QOSClass is the class of the pod at a path. Guaranteed pods have no folder of
// their class, except on Talos.
func QOSClass(podPath string) string {
	switch {
	case strings.Contains(podPath, "besteffort"):
		return BestEffort
	case strings.Contains(podPath, "burstable"):
		return Burstable
	}
	return Guaranteed
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	for i := range len(s) {
		if !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }
