package hub

import "time"

// A Reading is what one node's snapshot, and the one before it, say: usage of
// the node and of all that runs on it, not yet joined with names.
type Reading struct {
	Node string
	// SampleTime is the agent's wall clock, for people.
	SampleTime time.Time
	Host       HostReading
	// System are the control groups directly below the root.
	System []SliceReading
	Pods   []PodReading
	// Containers are those outside every pod's control group; the inventory
	// may know whose they are.
	Containers []ContainerReading
	Processes  []ProcessReading
	// Warnings are the agent's, as "source: reason".
	Warnings []string
	// Mode is the node's snapshot.Cgroup mode, AgentVersion its agent's.
	Mode         string
	AgentVersion string
}

// A HostReading is the node as a whole and its devices.
type HostReading struct {
	Usage Usage
	// CPUCount and MemoryTotalBytes are what the machine has; 0 is unknown.
	CPUCount         int
	MemoryTotalBytes float64
	// CPUModes is nil while no mode is known; Usage.Unavailable then says why by
	// CPUModesName, of single modes by that, a dot and their names.
	CPUModes    *CPUModes
	Load        []float64
	Disks       []DiskReading
	Network     []InterfaceReading
	Filesystems []FilesystemReading
}

// A SliceReading is one control group directly below the root.
type SliceReading struct {
	Cgroup string `json:"cgroup"`
	Usage  Usage  `json:"usage"`
}

// A PodReading is one pod's control group.
type PodReading struct {
	// UID is as the agent found it: the pod's, or a static pod's config hash.
	UID string
	// Namespace and Name are the agent's hint, empty if it had none.
	Namespace, Name string
	QOSClass        string
	HostNetwork     bool
	Usage           Usage
	Containers      []ContainerReading
}

// A ContainerReading is one container's control group.
type ContainerReading struct {
	ID string
	// Name is the agent's hint, empty if it had none.
	Name  string
	Usage Usage
}

// A ProcessReading is one of the host's own processes.
type ProcessReading struct {
	PID  int    `json:"pid"`
	PPID int    `json:"ppid"`
	Name string `json:"name"`
	// CPUMillicores is nil while there is no rate yet.
	CPUMillicores *float64 `json:"cpuMillicores"`
	MemoryBytes   uint64   `json:"memoryBytes"` // resident
	Threads       int      `json:"threads"`
	Cgroup        string   `json:"cgroup,omitempty"`
	Args          []string `json:"args,omitempty"`
}

// A DiskReading is one disk; nil rates are not known yet.
type DiskReading struct {
	Device              string   `json:"device"`
	Name                string   `json:"name"`
	ReadBytes           uint64   `json:"readBytes"`
	WriteBytes          uint64   `json:"writeBytes"`
	ReadBytesPerSecond  *float64 `json:"readBytesPerSecond"`
	WriteBytesPerSecond *float64 `json:"writeBytesPerSecond"`
	ReadOpsPerSecond    *float64 `json:"readOpsPerSecond"`
	WriteOpsPerSecond   *float64 `json:"writeOpsPerSecond"`
	// BusyRatio is the share of time with a request in flight, 0 to 1.
	BusyRatio *float64 `json:"busyRatio"`
}

// An InterfaceReading is one uplink; nil rates are not known yet.
type InterfaceReading struct {
	Interface        string   `json:"interface"`
	RxBytes          uint64   `json:"rxBytes"`
	TxBytes          uint64   `json:"txBytes"`
	RxErrors         uint64   `json:"rxErrors"`
	TxErrors         uint64   `json:"txErrors"`
	RxDropped        uint64   `json:"rxDropped"`
	TxDropped        uint64   `json:"txDropped"`
	RxBytesPerSecond *float64 `json:"rxBytesPerSecond"`
	TxBytesPerSecond *float64 `json:"txBytesPerSecond"`
}

// A FilesystemReading is one mounted file system.
type FilesystemReading struct {
	Mount          string `json:"mount"`
	TotalBytes     uint64 `json:"totalBytes"`
	AvailableBytes uint64 `json:"availableBytes"`
	TotalInodes    uint64 `json:"totalInodes"`
	FreeInodes     uint64 `json:"freeInodes"`
}
