package collect

import (
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
)

// names are what the kubelet's log folders tell of pods and containers: a hint
// for people, and for the hub while it does not know a pod yet.
type names struct {
	podLogs, containerLogs namesFolder
	pods                   map[string]podName       // by UID, a static pod's by its hash
	containers             map[string]containerName // by container ID
}

type podName struct{ namespace, name string }

type containerName struct {
	pod  podName
	name string
}

func newNames(podLogs, containerLogs fs.FS) names {
	return names{podLogs: namesFolder{fsys: podLogs}, containerLogs: namesFolder{fsys: containerLogs}}
}

// A namesFolder is a folder that is listed when something changed in it.
type namesFolder struct {
	fsys   fs.FS
	listed time.Time // its time of change when it was listed
}

// settled is how old a folder's time of change must be to tell all changes
// before a listing: the kernel's clock for it moves in steps.
const settled = time.Second

// update lists the log folders in which names appeared or went.
func (n *names) update(r *reading) {
	if n.podLogs.fsys == nil || n.containerLogs.fsys == nil {
		if len(r.tree.Pods) > 0 {
			r.warnings.add("names", "the kubelet's log folders are not all there, so not every pod and container has a name")
		}
	}
	if entries, changed := n.podLogs.list(r); changed {
		n.pods = make(map[string]podName, len(entries))
		for _, entry := range entries {
			if uid, name, ok := parsePodLogs(entry.Name()); ok {
				n.pods[uid] = name
			}
		}
	}
	if entries, changed := n.containerLogs.list(r); changed {
		n.containers = make(map[string]containerName, len(entries))
		for _, entry := range entries {
			if id, name, ok := parseContainerLog(entry.Name()); ok {
				n.containers[id] = name
			}
		}
	}
}

// pod returns the name of a pod, from its own log folder or from the log of a
// container of it: the kubelet lets only root look into /var/log/pods.
func (n *names) pod(pod *cgroup.Pod) podName {
	if name, ok := n.pods[pod.UID]; ok {
		return name
	}
	for _, container := range pod.Containers {
		if of, ok := n.containers[container.ID]; ok {
			return of.pod
		}
	}
	return podName{}
}

// list lists the folder if it changed.
func (f *namesFolder) list(r *reading) (entries []fs.DirEntry, changed bool) {
	if f.fsys == nil {
		return nil, false
	}
	info, err := fs.Stat(f.fsys, ".")
	if err == nil && info.ModTime().Equal(f.listed) {
		return nil, false
	}
	f.listed = time.Time{}
	if err == nil {
		entries, err = fs.ReadDir(f.fsys, ".")
	}
	if err != nil {
		r.warn("names", err)
		return nil, true
	}
	if r.wall.Sub(info.ModTime()) > settled {
		f.listed = info.ModTime()
	}
	return entries, true
}

// parsePodLogs parses the name of a folder in /var/log/pods, which is
// NAMESPACE_POD_UID. Names in Kubernetes have no underscore.
func parsePodLogs(folder string) (uid string, name podName, ok bool) {
	parts := strings.Split(folder, "_")
	if len(parts) != 3 || !utf8.ValidString(folder) {
		return "", podName{}, false
	}
	return parts[2], podName{parts[0], parts[1]}, true
}

// parseContainerLog parses the name of a link in /var/log/containers, which is
// POD_NAMESPACE_CONTAINER-ID.log.
func parseContainerLog(link string) (id string, name containerName, ok bool) {
	parts := strings.Split(link, "_")
	if len(parts) != 3 || !utf8.ValidString(link) {
		return "", containerName{}, false
	}
	file := strings.TrimSuffix(parts[2], ".log")
	dash := strings.LastIndexByte(file, '-')
	if dash < 1 {
		return "", containerName{}, false
	}
	id, ok = cgroup.ContainerID(file[dash+1:])
	return id, containerName{podName{parts[1], parts[0]}, file[:dash]}, ok
}
