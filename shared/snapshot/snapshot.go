// Package snapshot is the contract between the agent and everything that asks
// it: what an agent says about its node, in one value.
//
// A Snapshot carries what the kernel says: cumulative counters and gauges,
// never rates. Numbers have their unit in their name. An absent number (a nil
// pointer, a nil slice) means that the kernel did not say; 0 and an empty list
// are values. Fields may be added, never renamed or given another meaning.
//
// The same structs have two encodings, JSON for people and MessagePack for the
// hub; see [Encode] and [Decode]. The package does no I/O.
package snapshot

import "time"

//go:generate go tool msgp -file snapshot.go -o snapshot_gen.go -io=false -tests=false
//msgp:tag msg,json
//msgp:newtime
//msgp:timezone utc
//msgp:clearomitted
//msgp:noduplicates
//msgp:limit arrays:50000 maps:50000

// Version is the contract's version. A decoder refuses any other.
const Version = 1

// Modes of the node's control groups, see [Cgroup].
const (
	ModeUnified = "unified" // cgroup v2 only: everything can be read
	ModeHybrid  = "hybrid"  // v1 controllers beside a cgroup2 mount without controllers
	ModeV1      = "v1"      // no cgroup2 mount at all
)

// A Snapshot is one reading of one node.
type Snapshot struct {
	Version int `json:"version"`
	// Node is the name the agent was given, NODE_NAME or the host name.
	Node string `json:"node"`
	// BootID is /proc/sys/kernel/random/boot_id: counters of two snapshots are
	// comparable only when it is equal.
	BootID string `json:"bootID"`
	// Time is the node's wall clock in UTC, for people. Rates use BootNanos.
	Time time.Time `json:"time"`
	// BootNanos is CLOCK_BOOTTIME when the reading began: it never steps back
	// and counts suspended time.
	BootNanos int64 `json:"bootNanos"`
	Agent     Agent `json:"agent"`
	Host      Host  `json:"host"`
	// Slices are the control groups directly below the root, pods' included.
	Slices []Slice `json:"slices"`
	Pods   []Pod   `json:"pods"`
	// Containers are those whose control group lies outside every pod's.
	Containers []Container `json:"containers"`
	// Processes are the biggest of the host's own, outside every pod.
	Processes []Process `json:"processes"`
	Warnings  []Warning `json:"warnings"`
}

// An Agent describes the program that made the snapshot.
type Agent struct {
	Version string `json:"version"`
	Cgroup  Cgroup `json:"cgroup"`
}

// Cgroup says what kind of control groups the node has.
type Cgroup struct {
	// Mode is ModeUnified, ModeHybrid or ModeV1.
	Mode string `json:"mode"`
	// Nested is true when the root of the mount is itself a control group of
	// an outer machine, as in kind or k3d: host numbers are then the group's.
	Nested bool `json:"nested"`
	// Controllers are those of cgroup.controllers at the mount.
	Controllers []string `json:"controllers"`
	// PSI is true when the kernel reports pressure stall information.
	PSI bool `json:"psi"`
}

// Host is the node as a whole.
type Host struct {
	CPU    HostCPU    `json:"cpu"`
	Memory HostMemory `json:"memory"`
	// Load is /proc/loadavg's averages over 1, 5 and 15 minutes.
	Load        []float64    `json:"load,omitzero" msg:"load,omitempty,allownil"`
	Pressure    *Pressure    `json:"pressure,omitempty"`
	Disks       []Disk       `json:"disks,omitzero" msg:"disks,omitempty,allownil"`
	Network     []Interface  `json:"network,omitzero" msg:"network,omitempty,allownil"`
	Filesystems []Filesystem `json:"filesystems,omitzero" msg:"filesystems,omitempty,allownil"`
}

// HostCPU is the CPU time of the node since boot. UsageMicros is the root
// control group's cpu.stat where it exists, else the busy fields of /proc/stat.
type HostCPU struct {
	// Count is the number of online CPUs.
	Count        int     `json:"count"`
	UsageMicros  *uint64 `json:"usageMicros,omitempty"`
	UserMicros   *uint64 `json:"userMicros,omitempty"`
	SystemMicros *uint64 `json:"systemMicros,omitempty"`
	// IOWaitMicros and StealMicros are the machine's, as Modes has them.
	IOWaitMicros *uint64 `json:"iowaitMicros,omitempty"`
	StealMicros  *uint64 `json:"stealMicros,omitempty"`
	// Modes is absent where /proc/stat could not be read.
	Modes *CPUModes `json:"modes,omitempty"`
}

// CPUModes is how the machine's processors have spent their time since boot,
// from the first line of /proc/stat, which counts in hundredths of a second. On
// a nested node the machine is the outer one.
type CPUModes struct {
	// UserMicros and NiceMicros contain what guests of this machine used.
	UserMicros   uint64 `json:"userMicros"`
	NiceMicros   uint64 `json:"niceMicros"`
	SystemMicros uint64 `json:"systemMicros"`
	// IdleMicros and IOWaitMicros may fall: whether an idle processor waits for
	// a disk is a guess that the kernel takes back (proc_stat(5)).
	IdleMicros    uint64 `json:"idleMicros"`
	IOWaitMicros  uint64 `json:"iowaitMicros"`
	IRQMicros     uint64 `json:"irqMicros"`
	SoftIRQMicros uint64 `json:"softirqMicros"`
	// StealMicros is what a hypervisor gave to others meanwhile.
	StealMicros uint64 `json:"stealMicros"`
}

// HostMemory is the memory of the node, from /proc/meminfo and the root
// control group's memory.stat.
type HostMemory struct {
	TotalBytes     *uint64 `json:"totalBytes,omitempty"`
	AvailableBytes *uint64 `json:"availableBytes,omitempty"`
	// WorkingSetBytes is the kubelet's for the node: anon + file of the root's
	// memory.stat (memory.current where the root has it) minus inactive_file.
	WorkingSetBytes *uint64 `json:"workingSetBytes,omitempty"`
	AnonBytes       *uint64 `json:"anonBytes,omitempty"`
	FileBytes       *uint64 `json:"fileBytes,omitempty"`
	SwapTotalBytes  *uint64 `json:"swapTotalBytes,omitempty"`
	SwapFreeBytes   *uint64 `json:"swapFreeBytes,omitempty"`
}

// A Disk is one whole disk of the node: each byte is counted once, so
// partitions, stacked, loop and ram devices are left out.
type Disk struct {
	Device       string `json:"device"` // "major:minor"
	Name         string `json:"name"`
	ReadBytes    uint64 `json:"readBytes"`
	WrittenBytes uint64 `json:"writtenBytes"`
	ReadOps      uint64 `json:"readOps"`
	WriteOps     uint64 `json:"writeOps"`
	// BusyMicros is the time with at least one request in flight.
	BusyMicros uint64 `json:"busyMicros"`
}

// An Interface is one network interface as its own namespace counts it:
// received and transmitted by the node, or by the pod.
type Interface struct {
	Interface string `json:"interface"`
	RxBytes   uint64 `json:"rxBytes"`
	RxPackets uint64 `json:"rxPackets"`
	RxErrors  uint64 `json:"rxErrors"`
	RxDropped uint64 `json:"rxDropped"`
	TxBytes   uint64 `json:"txBytes"`
	TxPackets uint64 `json:"txPackets"`
	TxErrors  uint64 `json:"txErrors"`
	TxDropped uint64 `json:"txDropped"`
}

// A Filesystem is one mounted file system of the node, by statfs.
type Filesystem struct {
	Mount          string `json:"mount"`
	TotalBytes     uint64 `json:"totalBytes"`
	AvailableBytes uint64 `json:"availableBytes"` // to unprivileged users
	TotalInodes    uint64 `json:"totalInodes"`
	FreeInodes     uint64 `json:"freeInodes"`
}

// A Slice is a control group directly below the root.
type Slice struct {
	// Cgroup is the path relative to the mount.
	Cgroup   string     `json:"cgroup"`
	CgroupID uint64     `json:"cgroupID"`
	CPU      *CPU       `json:"cpu,omitempty"`
	Memory   *Memory    `json:"memory,omitempty"`
	IO       []DeviceIO `json:"io,omitzero" msg:"io,omitempty,allownil"`
	PIDs     *PIDs      `json:"pids,omitempty"`
	Pressure *Pressure  `json:"pressure,omitempty"`
}

// A Pod is one pod's control group: its containers, its sandbox and all that
// ever ran in it since the group was made.
type Pod struct {
	// UID is the pod's, with dashes, or a static pod's 32-digit config hash.
	UID string `json:"uid"`
	// Namespace and Name are a hint from the log folders, empty if unknown.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	QOSClass  string `json:"qosClass"`
	Cgroup    string `json:"cgroup"`
	// CgroupID is the directory's inode: a new one means counters began anew.
	CgroupID uint64 `json:"cgroupID"`
	// HostNetwork is true when the pod's processes are in the node's network
	// namespace; its traffic is then the node's and Network is absent.
	HostNetwork bool       `json:"hostNetwork"`
	CPU         *CPU       `json:"cpu,omitempty"`
	Memory      *Memory    `json:"memory,omitempty"`
	IO          []DeviceIO `json:"io,omitzero" msg:"io,omitempty,allownil"`
	// NetworkID identifies the pod's network namespace: a new one means that
	// the interfaces' counters began anew. 0 when there is no live process.
	NetworkID  uint64      `json:"networkID,omitempty"`
	Network    []Interface `json:"network,omitzero" msg:"network,omitempty,allownil"`
	PIDs       *PIDs       `json:"pids,omitempty"`
	Pressure   *Pressure   `json:"pressure,omitempty"`
	Containers []Container `json:"containers"`
}

// A Container is one container's control group.
type Container struct {
	ID string `json:"id"` // 64 hex digits
	// Name is a hint from the log folders, empty if unknown (a sandbox has
	// none).
	Name     string     `json:"name,omitempty"`
	Cgroup   string     `json:"cgroup,omitempty"`
	CgroupID uint64     `json:"cgroupID"`
	CPU      *CPU       `json:"cpu,omitempty"`
	Memory   *Memory    `json:"memory,omitempty"`
	IO       []DeviceIO `json:"io,omitzero" msg:"io,omitempty,allownil"`
	PIDs     *PIDs      `json:"pids,omitempty"`
	Pressure *Pressure  `json:"pressure,omitempty"`
}

// CPU is cpu.stat and cpu.max of a control group.
type CPU struct {
	UsageMicros  uint64 `json:"usageMicros"`
	UserMicros   uint64 `json:"userMicros"`
	SystemMicros uint64 `json:"systemMicros"`
	// Periods, ThrottledPeriods and ThrottledMicros need the cpu controller.
	Periods          *uint64 `json:"periods,omitempty"`
	ThrottledPeriods *uint64 `json:"throttledPeriods,omitempty"`
	ThrottledMicros  *uint64 `json:"throttledMicros,omitempty"`
	// LimitMillicores is cpu.max, null when there is no limit.
	LimitMillicores *float64 `json:"limitMillicores"`
}

// Memory is memory.current, memory.stat and their siblings of a control group.
type Memory struct {
	CurrentBytes uint64 `json:"currentBytes"`
	// WorkingSetBytes is the kubelet's: current minus inactive_file, at least 0.
	WorkingSetBytes   uint64 `json:"workingSetBytes"`
	AnonBytes         uint64 `json:"anonBytes"`
	FileBytes         uint64 `json:"fileBytes"`
	InactiveFileBytes uint64 `json:"inactiveFileBytes"`
	// SwapBytes is absent without swap accounting, PeakBytes before Linux 5.19.
	SwapBytes *uint64 `json:"swapBytes,omitempty"`
	PeakBytes *uint64 `json:"peakBytes,omitempty"`
	// LimitBytes is memory.max, null when there is no limit.
	LimitBytes *uint64 `json:"limitBytes"`
	// OOMKills is memory.events' oom_kill, children included.
	OOMKills *uint64 `json:"oomKills,omitempty"`
}

// DeviceIO is one device's line of io.stat.
type DeviceIO struct {
	Device       string `json:"device"` // "major:minor"
	ReadBytes    uint64 `json:"readBytes"`
	WrittenBytes uint64 `json:"writtenBytes"`
	ReadOps      uint64 `json:"readOps"`
	WriteOps     uint64 `json:"writeOps"`
}

// PIDs is pids.current and pids.max of a control group.
type PIDs struct {
	Current uint64 `json:"current"`
	// Limit is null when there is none.
	Limit *uint64 `json:"limit"`
}

// Pressure is pressure stall information: time lost waiting for a resource.
type Pressure struct {
	CPU    *Stall `json:"cpu,omitempty"`
	Memory *Stall `json:"memory,omitempty"`
	IO     *Stall `json:"io,omitempty"`
}

// A Stall is the total line of a pressure file: time in which some, or all,
// of the tasks waited.
type Stall struct {
	SomeMicros uint64  `json:"someMicros"`
	FullMicros *uint64 `json:"fullMicros,omitempty"`
}

// A Process is one process of the host's own. Command lines travel only where
// the agent was told to send them.
type Process struct {
	PID  int    `json:"pid"`
	PPID int    `json:"ppid"`
	Name string `json:"name"`
	// CPUMicros is user and system time since the process started.
	CPUMicros uint64 `json:"cpuMicros"`
	RSSBytes  uint64 `json:"rssBytes"`
	Threads   int    `json:"threads"`
	// StartTicks is field 22 of stat: with PID it identifies the process.
	StartTicks uint64   `json:"startTicks"`
	Cgroup     string   `json:"cgroup,omitempty"`
	Args       []string `json:"args,omitzero" msg:"args,omitempty,allownil"`
}

// A Warning names a part of the snapshot that could not be read.
type Warning struct {
	// Source is the part: "io", "pressure", "filesystems", a file or a group.
	Source string `json:"source"`
	Reason string `json:"reason"`
}
