// The answers of the hub's REST, by the names that the page uses. All of them
// are generated from the OpenAPI document; nothing is said here a second time.
import type { components } from "./openapi";

type Schemas = components["schemas"];

export type Usage = NonNullable<Schemas["Usage"]>;
export type Ratios = NonNullable<Schemas["Ratios"]>;
export type Resources = Schemas["Resources"];
export type Series = Schemas["Series"];
export type State = Schemas["State"]["state"];
export type Item = Schemas["Item"];
export type Node = Schemas["Node"];
export type Pod = Schemas["Pod"];
export type ContainerOfPod = Schemas["ContainerOfPod"];
export type Container = Schemas["Container"];
export type Namespace = Schemas["Namespace"];
export type Workload = Schemas["Workload"];
export type Agent = Schemas["Agent"];

export type NodeAnswer = Schemas["NodeAnswer"];
export type PodAnswer = Schemas["PodAnswer"];
export type NamespaceAnswer = Schemas["NamespaceAnswer"];
export type WorkloadAnswer = Schemas["WorkloadAnswer"];
export type ClusterAnswer = Schemas["ClusterAnswer"];
export type Status = Schemas["Status"];
export type Tick = Schemas["Tick"];
export type Problem = Schemas["Problem"];

export type Scope = Schemas["Scope"];

/** A list answer. */
export type List<T> = Omit<Schemas["List"], "items"> & { items: T[] };
