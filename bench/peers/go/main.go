// Command udp-send-go sends UDP datagrams with golang.org/x/net, for comparison.
// See ../README.md for the options, the protocol and the payload header.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

const (
	headerBytes        = 16
	clockEveryMessages = 64
	noBufferPause      = 50 * time.Microsecond
	// Maximum duration of a blocked write after the end of a run.
	writeGrace = 50 * time.Millisecond
)

type options struct {
	to               netip.AddrPort
	sizeBytes, batch int
	mode             string
	connected        bool
	prepareEachBatch bool
}

type counts struct {
	packets, systemCalls, wouldBlock, errors uint64
}

// Both ipv4.Message and ipv6.Message are the same type.
type batchWriter interface {
	WriteBatch(messages []ipv4.Message, flags int) (int, error)
}

type sender struct {
	options
	conn     *net.UDPConn
	batches  batchWriter
	peer     net.Addr
	payloads [][]byte
	messages []ipv4.Message

	counts             counts
	stream             uint32
	sequence           uint64
	now, deadline      time.Time
	clockAnchor        time.Time
	anchorMicroseconds uint64
}

func main() {
	sender, err := openSender(parseOptions())
	if err != nil {
		fmt.Fprintln(os.Stderr, "udp-send-go:", err)
		os.Exit(1)
	}
	obeyCommands(sender)
}

func parseOptions() options {
	to := flag.String("to", "", "numeric address to send to")
	port := flag.Uint("port", 0, "port to send to")
	size := flag.Int("size", 1400, "bytes of payload of a datagram")
	batch := flag.Int("batch", 64, "datagrams per WriteBatch")
	mode := flag.String("mode", "sendmmsg", "sendmsg or sendmmsg")
	connect := flag.Int("connect", 0, "1: connect the socket")
	prepare := flag.String("prepare", "once", "once, or batch: new messages for every batch")
	flag.Parse()
	address, err := netip.ParseAddr(*to)
	check(err == nil, "-to takes a numeric IPv4 or IPv6 address")
	check(*port > 0 && *port < 65536, "-port is 1 to 65535")
	check(*size >= 0 && *size <= 65507, "-size is 0 to 65507")
	check(*batch > 0 && *batch <= 65536, "-batch is 1 to 65536")
	check(*mode == "sendmsg" || *mode == "sendmmsg", "-mode is sendmsg or sendmmsg")
	check(*connect == 0 || *connect == 1, "-connect is 0 or 1")
	check(*prepare == "once" || *prepare == "batch", "-prepare is once or batch")
	check(flag.NArg() == 0, "no other words are expected")
	return options{
		to: netip.AddrPortFrom(address, uint16(*port)), sizeBytes: *size, batch: *batch,
		mode: *mode, connected: *connect == 1, prepareEachBatch: *prepare == "batch",
	}
}

func check(ok bool, complaint string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "udp-send-go:", complaint)
		os.Exit(2)
	}
}

func openSender(options options) (*sender, error) {
	s := &sender{options: options}
	conn, err := openConn(options)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	if options.to.Addr().Is4() {
		s.batches = ipv4.NewPacketConn(conn)
	} else {
		s.batches = ipv6.NewPacketConn(conn)
	}
	if !options.connected {
		s.peer = net.UDPAddrFromAddrPort(options.to)
	}
	if options.mode == "sendmsg" {
		s.payloads = newPayloads(1, options.sizeBytes)
	} else {
		s.payloads = newPayloads(options.batch, options.sizeBytes)
	}
	s.messages = s.newMessages()
	return s, s.anchorClock()
}

func openConn(options options) (*net.UDPConn, error) {
	network := "udp6"
	if options.to.Addr().Is4() {
		network = "udp4"
	}
	if options.connected {
		return net.DialUDP(network, nil, net.UDPAddrFromAddrPort(options.to))
	}
	return net.ListenUDP(network, nil)
}

func newPayloads(count, sizeBytes int) [][]byte {
	payloads := make([][]byte, count)
	for i := range payloads {
		payloads[i] = make([]byte, sizeBytes)
	}
	return payloads
}

func (s *sender) newMessages() []ipv4.Message {
	messages := make([]ipv4.Message, len(s.payloads))
	for i := range messages {
		messages[i] = ipv4.Message{Buffers: [][]byte{s.payloads[i]}, Addr: s.peer}
	}
	return messages
}

// Go does not export the value of its monotonic clock; the receiver requires CLOCK_MONOTONIC.
func (s *sender) anchorClock() error {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	s.clockAnchor = time.Now()
	s.anchorMicroseconds = uint64(now.Nano()) / 1000
	return err
}

func obeyCommands(s *sender) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "quit") {
		var seconds float64
		_, err := fmt.Sscanf(lines.Text(), "run %f %d", &seconds, &s.stream)
		check(err == nil && seconds >= 0 && seconds < 1e6, "commands are `run SECONDS STREAM` and `quit`")
		s.run(time.Duration(seconds * float64(time.Second)))
	}
}

func (s *sender) run(duration time.Duration) {
	var before, after syscall.Rusage
	s.sequence, s.counts = 0, counts{}
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	start := time.Now()
	s.now, s.deadline = start, start.Add(duration)
	s.conn.SetWriteDeadline(s.deadline.Add(writeGrace))
	for s.now.Before(s.deadline) {
		for sent := 0; sent < clockEveryMessages; sent += len(s.payloads) {
			s.sendPayloads()
		}
		s.now = time.Now()
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	s.report(s.now.Sub(start), &before, &after)
}

func (s *sender) sendPayloads() {
	if s.prepareEachBatch && s.mode == "sendmmsg" {
		s.messages = s.newMessages()
	}
	s.stampPayloads()
	for done := 0; done < len(s.payloads) && s.now.Before(s.deadline); {
		done += s.sendFrom(done)
	}
}

func (s *sender) stampPayloads() {
	if s.sizeBytes < headerBytes {
		return
	}
	microseconds := s.anchorMicroseconds + uint64(s.now.Sub(s.clockAnchor).Microseconds())
	for _, payload := range s.payloads {
		binary.LittleEndian.PutUint32(payload[0:], s.stream)
		binary.LittleEndian.PutUint64(payload[4:], s.sequence)
		binary.LittleEndian.PutUint32(payload[12:], uint32(microseconds))
		s.sequence++
	}
}

// sendFrom returns how many messages were sent or given up; 0 means try again.
func (s *sender) sendFrom(first int) int {
	sent, err := s.write(first)
	s.counts.systemCalls++
	if err == nil {
		s.counts.packets += uint64(sent)
		return sent
	}
	switch {
	case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.ECONNREFUSED):
		return 0
	case errors.Is(err, syscall.ENOBUFS):
		s.counts.wouldBlock++
		time.Sleep(noBufferPause)
		s.now = time.Now()
		return 0
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.now = time.Now()
		return 0
	}
	s.giveUpMessage(err)
	return 1
}

func (s *sender) write(first int) (int, error) {
	if s.mode == "sendmmsg" {
		return s.batches.WriteBatch(s.messages[first:], 0)
	}
	var err error
	if s.connected {
		_, err = s.conn.Write(s.payloads[0])
	} else {
		_, err = s.conn.WriteToUDPAddrPort(s.payloads[0], s.to)
	}
	return 1, err
}

func (s *sender) giveUpMessage(err error) {
	if s.counts.errors == 0 {
		fmt.Fprintln(os.Stderr, "udp-send-go: first error:", err)
	}
	s.counts.errors++
}

func (s *sender) report(elapsed time.Duration, before, after *syscall.Rusage) {
	fmt.Printf(`{"packets":%d,"systemCalls":%d,"seconds":%.6f,"userSeconds":%.6f,"systemSeconds":%.6f,"wouldBlock":%d,"errors":%d}`+"\n",
		s.counts.packets, s.counts.systemCalls, elapsed.Seconds(),
		seconds(after.Utime)-seconds(before.Utime), seconds(after.Stime)-seconds(before.Stime),
		s.counts.wouldBlock, s.counts.errors)
}

func seconds(time syscall.Timeval) float64 {
	return float64(time.Nano()) / 1e9
}
