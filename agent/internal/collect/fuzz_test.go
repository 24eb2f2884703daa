package collect

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLogNames holds what a name in the kubelet's log folders is taken for
// against that name: put together again it is the same, and it is UTF-8, for it
// goes into a snapshot.
func FuzzLogNames(f *testing.F) {
	const uid, id = "8c5bfdd6-4c3b-4e4c-9c0e-7f6d1e2a3b4c", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	f.Add("my-ns_web-0_" + uid)
	f.Add("web-0_my-ns_side-car-2-" + id + ".log")
	f.Fuzz(func(t *testing.T, name string) {
		if uid, pod, ok := parsePodLogs(name); ok {
			if again := pod.namespace + "_" + pod.name + "_" + uid; again != name || !utf8.ValidString(again) {
				t.Errorf("%q is taken for %q of %q in %q", name, uid, pod.name, pod.namespace)
			}
		}
		if id, container, ok := parseContainerLog(name); ok {
			again := container.pod.name + "_" + container.pod.namespace + "_" + container.name + "-"
			if !strings.HasPrefix(name, again) || !utf8.ValidString(again) || container.name == "" {
				t.Errorf("%q is taken for %+v", name, container)
			}
			if len(id) != 64 || !strings.Contains(name[len(again):], id) {
				t.Errorf("%q is taken for the log of %q", name, id)
			}
		}
	})
}
