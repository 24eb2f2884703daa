// Package discover says which agents there are.
//
// [Service] watches the EndpointSlices of the agents' headless service;
// [Static] is a list that was given. Both are asked anew at each round for the
// agents of that moment: nothing is queued, so nothing can be missed, and the
// channel of Changed is only a hint that asking early is worth it.
//
// Contract:
//   - Each node has one agent, in a stable order. Of several pods that claim a
//     node it is one that stays, is ready, and was created last, in this order;
//     how many others there are is said (hub.Agent.Rivals).
//   - Of a cluster's endpoints only those of the service's own slices are agents,
//     which are pods of its namespace, and whose address is one that a node or a
//     pod can have. What else is there is said once in the log.
//   - An agent's node is the EndpointSlice's word; it is asked over TLS where the
//     service's port has the appProtocol https.
//   - An agent with two addresses, one in each IP family, is one agent.
//   - Agents that are not ready or about to end are listed: they may answer.
//   - Agents never blocks. While the API server is away, what was known last
//     is listed.
package discover
