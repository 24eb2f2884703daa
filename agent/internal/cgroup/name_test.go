package cgroup

import (
	"strings"
	"testing"
)

const (
	uid      = "8c5bfdd6-4c3b-4e4c-9c0e-7f6d1e2a3b4c"
	uidUnder = "8c5bfdd6_4c3b_4e4c_9c0e_7f6d1e2a3b4c"
	hash     = "0123456789abcdef0123456789abcdef"
)

var id = strings.Repeat("0123456789abcdef", 4)

func TestPodUID(t *testing.T) {
	tests := []struct{ name, base, want string }{
		{"systemd burstable", "kubepods-burstable-pod" + uidUnder + ".slice", uid},
		{"systemd guaranteed", "kubepods-pod" + uidUnder + ".slice", uid},
		{"kind", "kubelet-kubepods-besteffort-pod" + uidUnder + ".slice", uid},
		{"cgroupfs", "pod" + uid, uid},
		{"static, cgroupfs", "pod" + hash, hash},
		{"static, systemd", "kubepods-burstable-pod" + hash + ".slice", hash},
		{"class", "kubepods-burstable.slice", ""},
		{"short", "pod8c5bfdd6", ""},
		{"no UUID", "pod8c5bfdd6-4c3b-4e4c-9c0e7-f6d1e2a3b4c", ""},
		{"upper case", "pod" + strings.ToUpper(uid), ""},
		{"another word", "tripod" + uid, ""},
		{"podman", "podruntime", ""},
		{"scope of a pod", "kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + id, ""},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := PodUID(tt.base); got != tt.want || ok != (tt.want != "") {
				t.Errorf("PodUID(%s) = %q, %v, want %q", tt.base, got, ok, tt.want)
			}
		})
	}
}

func TestContainerID(t *testing.T) {
	tests := []struct {
		name, base string
		want       bool
	}{
		{"containerd, systemd", "cri-containerd-" + id + ".scope", true},
		{"containerd, cgroupfs", id, true},
		{"containerd, no scope", "cri-containerd-" + id, true},
		{"containerd, drivers differ", "kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + id, true},
		{"CRI-O, systemd", "crio-" + id + ".scope", true},
		{"CRI-O, sandbox", "crio-" + id, true},
		{"CRI-O, monitor", "crio-conmon-" + id + ".scope", false},
		{"CRI-O, monitor, cgroupfs", "crio-conmon-" + id, false},
		{"Podman", "libpod-" + id + ".scope", true},
		{"Podman, monitor", "libpod-conmon-" + id + ".scope", false},
		{"Podman, pod", "machine-libpod_pod_" + id + ".slice", false},
		{"docker, systemd", "docker-" + id + ".scope", true},
		{"mount unit", "var-lib-docker-containers-" + id + "-mounts-shm.mount", false},
		{"longer", id + "0", false},
		{"shorter", id[1:], false},
		{"service", "kubelet.service", false},
		{"crun's own", "container", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ContainerID(tt.base)
			if ok != tt.want || ok && got != id {
				t.Errorf("ContainerID(%s) = %q, %v, want %v", tt.base, got, ok, tt.want)
			}
		})
	}
}

func TestInPod(t *testing.T) {
	tests := []struct {
		path string
		want bool
	}{
		{"/kubepods/burstable/pod" + uid + "/" + id + "/docker/" + id, true},
		{"/kubepods.slice/kubepods-pod" + uidUnder + ".slice/cri-containerd-" + id + ".scope", true},
		{"/../../kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + uidUnder + ".slice", true},
		{"/../../../kubepods/burstable/pod" + uid, true},
		{"/system.slice/containerd.service/kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + id, true},
		{"/system.slice/pod" + uid, false},
		{"/kubepods.slice/kubepods-burstable.slice", false},
		{"/system.slice/kubelet.service", false},
		{"", false},
	}
	for _, tt := range tests {
		if got := InPod(tt.path); got != tt.want {
			t.Errorf("InPod(%s) = %v, want %v", tt.path, got, tt.want)
		}
	}
}

func TestQOSClass(t *testing.T) {
	tests := []struct{ path, want string }{
		{"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uidUnder + ".slice", Burstable},
		{"kubepods/besteffort/pod" + uid, BestEffort},
		{"kubepods/pod" + uid, Guaranteed},
		{"kubepods/guaranteed/pod" + uid, Guaranteed},
	}
	for _, tt := range tests {
		if got := QOSClass(tt.path); got != tt.want {
			t.Errorf("QOSClass(%s) = %s, want %s", tt.path, got, tt.want)
		}
	}
}
