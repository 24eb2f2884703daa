package discover

import (
	"errors"
	"fmt"
	"net/netip"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// controllerName is who writes the slices of a Service that has a selector:
// the value of the label endpointslice.kubernetes.io/managed-by.
const controllerName = "endpointslice-controller.k8s.io"

// checkOwner returns an error unless the slice is the Service's own. Its label
// alone says little: whoever may write a slice may write that.
func checkOwner(slice *discoveryv1.EndpointSlice, service string) error {
	for _, ref := range slice.OwnerReferences {
		if ref.APIVersion == "v1" && ref.Kind == "Service" && ref.Name == service && isTrue(ref.Controller) {
			return nil
		}
	}
	return fmt.Errorf("slice %s: service %s does not own it", slice.Name, service)
}

// addressOf is the endpoint's address; the API says: the first only. The hub
// sends it a token, so it must be one that a node or a pod can have. That of a
// node is what an agent on the host's network has, and in no way odd.
func addressOf(slice *discoveryv1.EndpointSlice, e *discoveryv1.Endpoint) (netip.Addr, error) {
	if len(e.Addresses) == 0 {
		return netip.Addr{}, errors.New("an endpoint has no address")
	}
	address, err := netip.ParseAddr(e.Addresses[0])
	if err != nil {
		return netip.Addr{}, fmt.Errorf("address %.100q: expected an IP address", e.Addresses[0])
	}
	family := discoveryv1.AddressTypeIPv6
	if address.Is4() {
		family = discoveryv1.AddressTypeIPv4
	}
	switch {
	case family != slice.AddressType:
		return netip.Addr{}, fmt.Errorf("address %s: expected one of type %s", address, slice.AddressType)
	case address.Zone() != "" || address.Is4In6():
		return netip.Addr{}, fmt.Errorf("address %s: expected one without a zone or another within", address)
	case !address.IsGlobalUnicast(): // loopback, link-local, multicast, unspecified, broadcast
		return netip.Addr{}, fmt.Errorf("address %s: expected one that a node or pod can have", address)
	}
	return address, nil
}

// checkTarget returns an error unless the endpoint is a pod of the Service's
// namespace: keys are remembered by pod.
func checkTarget(slice *discoveryv1.EndpointSlice, e *discoveryv1.Endpoint) error {
	if t := e.TargetRef; t == nil || t.Kind != "Pod" || t.UID == "" || t.Namespace != slice.Namespace {
		return fmt.Errorf("address %s: expected it to be a pod's of namespace %s", e.Addresses[0], slice.Namespace)
	}
	return nil
}
