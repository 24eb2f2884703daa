package collect

import (
	"io/fs"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
)

// names are what the kubelet's log folders tell of pods and containers: a hint
// for people, and for the hub while it does not know a pod yet.
type names struct {
	pods       map[string]podName // by UID, a static pod's by its hash
	containers map[string]string  // by container ID
}

type podName struct{ namespace, name string }

// names reads the names in the log folders. wanted is false on a node without
// pods, where a missing folder is not worth a warning.
func (r *reading) names(wanted bool) names {
	n := names{pods: make(map[string]podName), containers: make(map[string]string)}
	for _, entry := range r.logEntries(r.node.PodLogs, wanted) {
		if uid, name, ok := parsePodLogs(entry.Name()); ok {
			n.pods[uid] = name
		}
	}
	for _, entry := range r.logEntries(r.node.ContainerLogs, wanted) {
		if id, name, ok := parseContainerLog(entry.Name()); ok {
			n.containers[id] = name
		}
	}
	return n
}

func (r *reading) logEntries(logs fs.FS, wanted bool) []fs.DirEntry {
	if logs == nil {
		if wanted {
			r.warnings.add("names", "the kubelet's log folders are not all there, so not every pod and container has a name")
		}
		return nil
	}
	entries, err := fs.ReadDir(logs, ".")
	if err != nil {
		r.warn("names", err)
	}
	return entries
}

// parsePodLogs parses the name of a folder in /var/log/pods, which is
// NAMESPACE_POD_UID. Names in Kubernetes have no underscore.
func parsePodLogs(folder string) (uid string, name podName, ok bool) {
	parts := strings.Split(folder, "_")
	if len(parts) != 3 {
		return "", podName{}, false
	}
	return parts[2], podName{parts[0], parts[1]}, true
}

// parseContainerLog parses the name of a link in /var/log/containers, which is
// POD_NAMESPACE_CONTAINER-ID.log.
func parseContainerLog(link string) (id, container string, ok bool) {
	parts := strings.Split(link, "_")
	if len(parts) != 3 {
		return "", "", false
	}
	file := strings.TrimSuffix(parts[2], ".log")
	dash := strings.LastIndexByte(file, '-')
	if dash < 1 {
		return "", "", false
	}
	id, ok = cgroup.ContainerID(file[dash+1:])
	return id, file[:dash], ok
}
