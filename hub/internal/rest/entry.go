package rest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// An entry is an item as an answer has it, with its history if that was asked
// for.
type entry struct {
	*hub.Item
	History *hub.History
	// alone: it is the whole answer, and not one of a list.
	alone bool
}

// json is the entry as an object. It is not kept of the round: items that are
// in lists are, and one alone may be made for its reader.
func (e *entry) json() []byte {
	item := appendItem(make([]byte, 0, entryBytes), e.Item)
	if e.History == nil {
		return item
	}
	item = append(item[:len(item)-1], ',')
	return append(appendHistory(item, e.History), '}')
}

// entryBytes are enough for a pod of two containers.
const entryBytes = 4 << 10

// A heading is what every answer has, and Scope what the cluster was cut to.
type heading struct {
	APIVersion string     `json:"apiVersion"`
	Time       time.Time  `json:"time"`
	Scope      *hub.Scope `json:"scope,omitempty"`
}

// A list is what a list has besides its items. Continue and Total tell of those
// that a limit left out, By what it is ranked by.
type list struct {
	head struct {
		APIVersion      string    `json:"apiVersion"`
		Kind            string    `json:"kind"`
		Time            time.Time `json:"time"`
		IntervalSeconds float64   `json:"intervalSeconds"`
	}
	Continue string `json:"continue,omitempty"`
	Total    *int   `json:"total,omitempty"`
	By       string `json:"by,omitempty"`
	// Scope is what the list was cut to; nil if nothing was.
	Scope *hub.Scope `json:"scope,omitempty"`
}

func newList(kind string, v *hub.View) list {
	var l list
	l.head.APIVersion, l.head.Kind = apiVersion, kind
	l.head.Time, l.head.IntervalSeconds = v.Round.Time, v.Round.Interval.Seconds()
	if !v.Scope.IsEverything() {
		l.Scope = &v.Scope
	}
	return l
}

// body puts the list around its items, of which the round's own are ofItems
// bytes. The pieces have their commas.
func (l *list) body(ofItems int, items ...[]byte) (*body, error) {
	head, err := json.Marshal(l.head)
	if err != nil {
		return nil, fmt.Errorf("encode list: %w", err)
	}
	tail, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode list: %w", err)
	}
	end := []byte("]")
	if len(tail) > len("{}") {
		end = append(end, ',')
	}
	end = append(append(end, tail[1:]...), '\n')
	pieces := [][]byte{append(head[:len(head)-1], `,"items":[`...)}
	return newBody(ofItems, append(append(pieces, items...), end)...), nil
}

// devices are what a single node has besides its usage. Without a sample of
// the node they are null: not known, rather than none.
type devices struct {
	Agent       *agentInfo              `json:"agent"`
	CPUModes    *hub.CPUModes           `json:"cpuMillicoresByMode"`
	Load        []float64               `json:"load"`
	System      []hub.SliceReading      `json:"system"`
	Processes   []hub.ProcessReading    `json:"processes"`
	Disks       []hub.DiskReading       `json:"disks"`
	Network     []hub.InterfaceReading  `json:"network"`
	Filesystems []hub.FilesystemReading `json:"filesystems"`
	Warnings    []string                `json:"warnings"`
}

// agentInfo says which agent read the node, and what it found there.
type agentInfo struct {
	Version    string `json:"version"`
	CgroupMode string `json:"cgroupMode"`
}

func devicesOf(r *hub.Reading) *devices {
	if r == nil {
		return &devices{}
	}
	return &devices{
		Agent:       &agentInfo{Version: r.AgentVersion, CgroupMode: r.Mode},
		CPUModes:    r.Host.CPUModes,
		Load:        known(r.Host.Load),
		System:      known(r.System),
		Processes:   known(r.Processes),
		Disks:       known(r.Host.Disks),
		Network:     known(r.Host.Network),
		Filesystems: known(r.Host.Filesystems),
		Warnings:    known(r.Warnings),
	}
}

// known makes a list that was read, and is empty, [] and not null.
func known[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
