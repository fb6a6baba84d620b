// A TCP connection from a slice, in Go. Build: go build recipe.go
// Run: recipe /run/softunicast/control.sock POOL ADDRESS PORT
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

const (
	ipBindAddressNoPort = 24
	ipLocalPortRange    = 51 // Linux 6.3
)

type slice struct {
	address     net.IP
	first, last int
}

// lease asks the daemon for slices, which are this process's until it ends.
func lease(path, pool string) ([]slice, error) {
	daemon, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	defer daemon.Close()
	lines := bufio.NewScanner(daemon)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "0001 ") {
		return nil, errors.New("this is no SoftUnicast daemon")
	}
	fmt.Fprintf(daemon, "lease pool %s\n", pool)

	// Lines are "NNNN-text", then " text" while the code stays; the last is "NNNN text".
	var slices []slice
	for lines.Scan() {
		line := lines.Text()
		if line[0] != ' ' && line[4] == ' ' {
			if strings.HasPrefix(line, "0000") {
				return slices, nil
			}
			return nil, fmt.Errorf("%s: %s", pool, line[5:])
		}
		words := strings.Fields(strings.TrimPrefix(line, "1013-"))
		if len(words) < 2 || words[0] != "slice" {
			continue
		}
		colon := strings.LastIndex(words[1], ":")
		s := slice{address: net.ParseIP(strings.Trim(words[1][:colon], "[]"))}
		if _, err := fmt.Sscanf(words[1][colon+1:], "%d-%d", &s.first, &s.last); err == nil {
			slices = append(slices, s)
		}
	}
	return nil, errors.New("the daemon hung up")
}

// connectFrom connects from the slice: each option in this order, before bind, which the dialer does.
func connectFrom(s slice, remote string) (net.Conn, error) {
	dialer := net.Dialer{
		LocalAddr: &net.TCPAddr{IP: s.address},
		Control: func(network, address string, raw syscall.RawConn) error {
			var failure error
			err := raw.Control(func(fd uintptr) {
				// The port is chosen by connect, which knows the destination; bind would keep it from all others.
				failure = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
				if failure == nil {
					failure = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipLocalPortRange, s.last<<16|s.first)
				}
			})
			if err != nil {
				return err
			}
			return failure
		},
	}
	connection, err := dialer.Dial("tcp", remote)
	if err != nil {
		return nil, err
	}

	// A slice outside net.ipv4.ip_local_port_range is ignored without a word.
	if port := connection.LocalAddr().(*net.TCPAddr).Port; port < s.first || port > s.last {
		connection.Close()
		return nil, fmt.Errorf("port %d is outside the slice: see net.ipv4.ip_local_port_range", port)
	}
	return connection, nil
}

func run(path, pool, remote string) error {
	slices, err := lease(path, pool)
	if err != nil {
		return err
	}
	for _, s := range slices {
		connection, failure := connectFrom(s, remote)
		err = failure
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			continue // This slice is full towards this destination. The next one may not be.
		}
		if err != nil {
			return err
		}
		fmt.Println(connection.LocalAddr())
		return connection.Close()
	}
	return err
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: recipe SOCKET POOL ADDRESS PORT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], net.JoinHostPort(os.Args[3], os.Args[4])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
