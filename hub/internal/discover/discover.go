// Package discover says which agents there are.
//
// [Service] watches the EndpointSlices of the agents' headless service;
// [Static] is a list that was given. Both are asked anew at each round for the
// agents of that moment: nothing is queued, so nothing can be missed, and the
// channel of Changed is only a hint that asking early is worth it.
//
// Contract:
//   - Each node has one agent, in a stable order.
//   - Agents that are not ready or about to end are listed: they may answer.
//   - Agents never blocks. While the API server is away, what was known last
//     is listed.
package discover
