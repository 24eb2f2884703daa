package daemon

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// readers is a handler that keeps the connections of each reader.
var readers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if owner := r.Header.Get("X-Owner"); owner != "" {
		KeepConnectionOf(r.Context(), owner)
	}
	io.WriteString(w, "answered")
})

// A visitor has a connection that stays open.
type visitor struct {
	conn    net.Conn
	answers *bufio.Reader
}

// visit connects and sends a first request of that owner, or of nobody.
func visit(t *testing.T, address, owner string) visitor {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	v := visitor{conn, bufio.NewReader(conn)}
	if err := v.ask(owner); err != nil {
		t.Fatalf("%q: %v", owner, err)
	}
	return v
}

func (v visitor) ask(owner string) error {
	if err := v.conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(v.conn, "GET / HTTP/1.1\r\nHost: hub\r\nX-Owner: %s\r\n\r\n", owner); err != nil {
		return err
	}
	response, err := http.ReadResponse(v.answers, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// TestOneOwnerShutsNobodyOut has one who is known hold more connections than
// there may be: a probe and somebody else get in, and who was there stays.
func TestOneOwnerShutsNobodyOut(t *testing.T) {
	address := serve(t, Server{Handler: readers, MaxConnections: 2 * maxKept})
	ann := visit(t, address, "ann")
	for range 4 * maxKept {
		visit(t, address, "eve")
	}
	for range 4 {
		visit(t, address, "")
		visit(t, address, "bob")
	}
	if err := ann.ask("ann"); err != nil {
		t.Errorf("who was there before: %v", err)
	}
}

// TestTheGreatestOwnerMakesRoom fills the server with connections that are all
// kept. Room is made by who has most of them, with the one that was not used for
// longest.
func TestTheGreatestOwnerMakesRoom(t *testing.T) {
	address := serve(t, Server{Handler: readers, MaxConnections: maxKept + 4})
	var eve, ann []visitor
	for range maxKept {
		eve = append(eve, visit(t, address, "eve"))
	}
	for range 4 {
		ann = append(ann, visit(t, address, "ann"))
	}
	if err := eve[0].ask("eve"); err != nil {
		t.Fatal(err)
	}
	visit(t, address, "bob")
	for i, v := range ann {
		if err := v.ask("ann"); err != nil {
			t.Errorf("connection %d of who has few: %v", i, err)
		}
	}
	for i, v := range eve {
		if err := v.ask("eve"); (err != nil) != (i == 1) {
			t.Errorf("connection %d of who has most: %v", i, err)
		}
	}
}
