package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"time"
)

const megabyte = 1_000_000

func serve(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	listen := flags.String("listen", ":8080", "address to take TCP connections on")
	return func(ctx context.Context, out io.Writer) error {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		context.AfterFunc(ctx, func() { listener.Close() })
		fmt.Fprintf(out, "listening on %s\n", listener.Addr())
		return acceptAll(ctx, listener, out)
	}
}

// acceptAll counts the bytes of every connection until the listener closes.
func acceptAll(ctx context.Context, listener net.Listener, out io.Writer) error {
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		go func() {
			defer conn.Close()
			count, err := io.Copy(io.Discard, conn)
			if err != nil {
				fmt.Fprintf(out, "received %d bytes from %s, then: %v\n", count, conn.RemoteAddr(), err)
				return
			}
			fmt.Fprintf(out, "received %d bytes from %s\n", count, conn.RemoteAddr())
		}()
	}
}

func send(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	to := flags.String("to", "", "host:port to send to")
	megabytes := flags.Float64("megabytes", 50, "how much to send, in MB of 10^6 bytes")
	every := flags.Duration("every", 0, "send again after this time; 0 sends once")
	return func(ctx context.Context, out io.Writer) error {
		if _, _, err := net.SplitHostPort(*to); err != nil {
			return fmt.Errorf("--to %q: expected host:port", *to)
		}
		size := int64(*megabytes * megabyte)
		if size < 1 {
			return fmt.Errorf("--megabytes %v: expected at least a byte", *megabytes)
		}
		return repeat(ctx, *every, func() error {
			if err := sendBytes(ctx, *to, size); err != nil {
				return err
			}
			fmt.Fprintf(out, "sent %d bytes to %s\n", size, *to)
			return nil
		})
	}
}

// sendBytes sends exactly count bytes over one connection and returns when the
// other side has taken them all and closed.
func sendBytes(ctx context.Context, to string, count int64) error {
	dialer := net.Dialer{Timeout: 30 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := io.CopyN(conn, zeros{}, count); err != nil {
		return fmt.Errorf("send to %s: %w", to, err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return fmt.Errorf("finish sending to %s: %w", to, err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		return fmt.Errorf("wait for %s to take all: %w", to, err)
	}
	return nil
}

// zeros reads as endless zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
