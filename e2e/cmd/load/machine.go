package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const mebibyte = 1 << 20

// burnPeriod is how often burn looks whether it has used its share.
const burnPeriod = 50 * time.Millisecond

func burn(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	millicores := flags.Int("millicores", 100, "CPU time to use, in thousandths of one CPU, 1 to 1000")
	return func(ctx context.Context, out io.Writer) error {
		if *millicores < 1 || *millicores > 1000 {
			return fmt.Errorf("--millicores %d: expected 1 to 1000", *millicores)
		}
		fmt.Fprintf(out, "burning %d millicores\n", *millicores)
		return burnUntil(ctx, *millicores)
	}
}

// burnUntil keeps the CPU time of this process, whatever used it, at its share
// of the time since the start, so that the average is exact.
func burnUntil(ctx context.Context, millicores int) error {
	start := time.Now()
	used, err := processCPU()
	if err != nil {
		return err
	}
	before := used
	ticker := time.NewTicker(burnPeriod)
	defer ticker.Stop()
	for {
		for used-before < share(time.Since(start), millicores) && ctx.Err() == nil {
			spin()
			if used, err = processCPU(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func burst(in io.Reader) load {
	return func(*flag.FlagSet) func(context.Context, io.Writer) error {
		return func(ctx context.Context, out io.Writer) error {
			lines, failed := make(chan string), make(chan error, 1)
			go func() {
				defer close(lines)
				scanner := bufio.NewScanner(in)
				for scanner.Scan() {
					lines <- scanner.Text()
				}
				failed <- scanner.Err()
			}()
			for {
				select {
				case <-ctx.Done():
					return nil
				case line, ok := <-lines:
					if !ok {
						return <-failed
					}
					if err := burstOnce(line, out); err != nil {
						return err
					}
				}
			}
		}
	}
}

// burstOnce uses as much CPU time as line says.
func burstOnce(line string, out io.Writer) error {
	wanted, err := time.ParseDuration(line)
	if err != nil {
		return fmt.Errorf("line %q: expected a duration such as 20ms", line)
	}
	before, err := processCPU()
	if err != nil {
		return err
	}
	for used := before; used-before < wanted; {
		spin()
		if used, err = processCPU(); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "used %s\n", wanted)
	return err
}

// share returns how much CPU time is due after some time.
func share(elapsed time.Duration, millicores int) time.Duration {
	return elapsed / 1000 * time.Duration(millicores)
}

// processCPU returns the CPU time that this process has used so far.
func processCPU() (time.Duration, error) {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used); err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return time.Duration(used.Nano()), nil
}

// spin works for well under a millisecond.
//
//go:noinline
func spin() (sum int) {
	for i := range 100_000 {
		sum += i * i
	}
	return sum
}

func hold(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	mebibytes := flags.Int("mebibytes", 64, "memory to hold, in MiB")
	return func(ctx context.Context, out io.Writer) error {
		memory, err := mapMemory("--mebibytes", *mebibytes)
		if err != nil {
			return err
		}
		touch(memory)
		fmt.Fprintf(out, "holding %d MiB\n", *mebibytes)
		<-ctx.Done()
		return unix.Munmap(memory)
	}
}

// mapMemory maps anonymous memory outside Go's heap, so that its size is exact
// and it starts at a page.
func mapMemory(name string, mebibytes int) ([]byte, error) {
	if mebibytes < 1 {
		return nil, fmt.Errorf("%s %d: expected at least 1", name, mebibytes)
	}
	memory, err := unix.Mmap(-1, 0, mebibytes*mebibyte, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("map %d MiB: %w", mebibytes, err)
	}
	return memory, nil
}

// touch writes to every page, so that the kernel has to back it.
func touch(memory []byte) {
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
}

func write(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	mebibytes := flags.Int("mebibytes", 64, "how much to write, in MiB")
	file := flags.String("file", "", "file to write, overwritten from its start")
	direct := flags.Bool("direct", false, "write past the page cache (O_DIRECT)")
	every := flags.Duration("every", 0, "write again after this time; 0 writes once")
	return func(ctx context.Context, out io.Writer) error {
		if *file == "" || *mebibytes < 1 {
			return fmt.Errorf("--file %q --mebibytes %d: expected a file and at least 1", *file, *mebibytes)
		}
		return repeat(ctx, *every, func() error {
			if err := writeFile(*file, *mebibytes, *direct); err != nil {
				return err
			}
			fmt.Fprintf(out, "wrote %d MiB to %s\n", *mebibytes, *file)
			return nil
		})
	}
}

// writeFile writes whole MiB blocks from page-aligned memory, as O_DIRECT
// wants them, and syncs.
func writeFile(name string, mebibytes int, direct bool) error {
	block, err := mapMemory("block", 1)
	if err != nil {
		return err
	}
	defer unix.Munmap(block)
	touch(block)
	mode := os.O_CREATE | os.O_WRONLY
	if direct {
		mode |= unix.O_DIRECT
	}
	file, err := os.OpenFile(name, mode, 0o644)
	if err != nil {
		return fmt.Errorf("open file to write: %w", err)
	}
	defer file.Close()
	for range mebibytes {
		if _, err := file.Write(block); err != nil {
			return fmt.Errorf("write block: %w", err)
		}
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync file: %w", err)
	}
	return nil
}
