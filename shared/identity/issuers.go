package identity

import "time"

// issuerKept is how long tokens of an issuer count after the cluster has got
// another one. None that kubemon uses lives longer.
const issuerKept = 24 * time.Hour

// issuers are those whose tokens count: the present one, and the one before it.
type issuers struct {
	present, former string    // empty: there is none, or it is not known yet
	until           time.Time // when the former one stops to count
}

// with returns the issuers when issuer is found to be the present one.
func (i issuers) with(issuer string, now time.Time) issuers {
	switch i.present {
	case issuer:
		return i
	case "":
		return issuers{present: issuer}
	}
	return issuers{present: issuer, former: i.present, until: now.Add(issuerKept)}
}

// include reports whether tokens of issuer count.
func (i issuers) include(issuer string, now time.Time) bool {
	return issuer != "" && (issuer == i.present || issuer == i.former && now.Before(i.until))
}
