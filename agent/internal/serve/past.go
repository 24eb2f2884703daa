package serve

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kubemon/kubemon/agent/internal/problem"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// maxPastOpen is how many requests for the history may be open at once: each
// takes up a copy of what is kept.
const maxPastOpen = 4

// A History has the node's last snapshots.
type History interface {
	// Offer keeps a copy of a snapshot that a hub asked for, encoded as
	// MessagePack, if it is time for one. Keep keeps one that nobody asked for.
	Offer(at snapshot.Stamp, encoded []byte) error
	Keep(at snapshot.Stamp, encoded []byte) error
	// Encode returns those from one time to another as a
	// snapshot.ContentTypeHistory; a zero time is no bound.
	Encode(since, until time.Time) ([]byte, error)
	// Size returns how many there are, and in how many bytes.
	Size() (snapshots, bytes int)
}

// past answers with the last snapshots: compact as they were kept, or decoded
// for people.
func (s *Server) past(w http.ResponseWriter, r *http.Request) {
	if s.history == nil {
		problem.Write(w, http.StatusNotFound, "this agent keeps no snapshots: --history is 0")
		return
	}
	since, until, err := period(r)
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return
	}
	history, err := s.history.Encode(since, until)
	if err != nil {
		s.log.Error("no history", "err", err)
		problem.Write(w, http.StatusInternalServerError, "the history could not be encoded; the agent's log says why")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept")
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if snapshot.NegotiateHistory(accept) == snapshot.ContentTypeHistory {
		w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
		w.Header().Set("Content-Length", strconv.Itoa(len(history)))
		w.Write(history) // the peer may be gone, which is its own affair
		return
	}
	w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
	if err := writeList(w, history); err != nil && r.Context().Err() == nil {
		s.log.Error("history is cut off", "err", err)
	}
}

// period reads the parameters since and until; a missing one is the zero time.
func period(r *http.Request) (since, until time.Time, err error) {
	query := r.URL.Query()
	if since, err = parseTime("since", query.Get("since")); err != nil {
		return since, until, err
	}
	if until, err = parseTime("until", query.Get("until")); err != nil {
		return since, until, err
	}
	if !until.IsZero() && until.Before(since) {
		return since, until, errors.New("until is before since")
	}
	return since, until, nil
}

// parseTime reads a time as RFC 3339 or as milliseconds since 1970. A plus sign
// that was not escaped arrives as a space.
func parseTime(name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	if millis, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.UnixMilli(millis), nil
	}
	at, err := time.Parse(time.RFC3339, strings.ReplaceAll(value, " ", "+"))
	if err != nil {
		return at, fmt.Errorf("%s is %q, want a time such as 2026-01-02T03:04:05Z or milliseconds since 1970", name, value)
	}
	return at, nil
}

// writeList writes the history as a JSON list, one snapshot at a time.
func writeList(w io.Writer, history []byte) error {
	past, err := snapshot.DecodeHistory(history)
	if err != nil {
		return err
	}
	separator := "["
	for range past.Stamps {
		if err := writeItem(w, separator, past); err != nil {
			return err
		}
		separator = ","
		if err := past.Next(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	end := "]\n"
	if len(past.Stamps) == 0 {
		end = "[]\n"
	}
	_, err = io.WriteString(w, end)
	return err
}

// writeItem writes the snapshot at the cursor.
func writeItem(w io.Writer, separator string, past *snapshot.History) error {
	s, err := past.Snapshot()
	if err != nil {
		return err
	}
	body, err := Encode(s, snapshot.ContentTypeJSON)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, separator); err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}
