// Plain C with the same system calls, for comparison: receives UDP datagrams. Commands on standard input start a run.
// See ../README.md for the options and the protocol.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum mode { MODE_RECVMSG, MODE_RECVMMSG, MODE_GRO };

enum { LARGEST_DATAGRAM_BYTES = 65535, CACHE_LINE_BYTES = 64, CLOCK_EVERY_MESSAGES = 64, POLL_MS = 20 };

struct options {
  const char *address;
  unsigned port, slot_bytes, batch;
  enum mode mode;
};

union address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

union gro_control {
  struct cmsghdr alignment;
  unsigned char bytes[CMSG_SPACE(sizeof(int))];
};

struct receiver {
  struct options options;
  int descriptor;
  unsigned messages;
  struct mmsghdr *headers;
  struct iovec *vectors;
  union address *sources;
  union gro_control *controls;
  struct {
    uint64_t packets, bytes, system_calls, truncated;
  } counts;
};

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "udp-recv: %s: %s\n", what, strerror(errno));
  exit(1);
}

_Noreturn static void usage(const char *complaint) {
  fprintf(stderr,
          "udp-recv: %s\n"
          "usage: udp-recv --listen ADDRESS [--port PORT] [--size SLOT] [--batch N] [--mode recvmsg|recvmmsg|gro]\n",
          complaint);
  exit(2);
}

static uint64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *allocate(size_t count, size_t bytes) {
  const size_t rounded = (count * bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
  void *memory = aligned_alloc(CACHE_LINE_BYTES, rounded);
  if (memory == NULL) fail("aligned_alloc");
  return memset(memory, 0, rounded);
}

static socklen_t address_bytes(const union address *address) {
  return address->any.sa_family == AF_INET ? sizeof address->ipv4 : sizeof address->ipv6;
}

// The kernel overwrites these three fields.
static void rearm(struct receiver *receiver, unsigned count) {
  const size_t control_bytes = receiver->options.mode == MODE_GRO ? sizeof *receiver->controls : 0;
  for (unsigned index = 0; index < count; index++) {
    struct msghdr *header = &receiver->headers[index].msg_hdr;
    header->msg_namelen = sizeof *receiver->sources;
    header->msg_controllen = control_bytes;
    header->msg_flags = 0;
  }
}

static void prepare_messages(struct receiver *receiver) {
  const size_t slot_bytes = receiver->options.slot_bytes;
  unsigned char *payloads = allocate(receiver->messages, slot_bytes);
  for (unsigned index = 0; index < receiver->messages; index++) {
    struct msghdr *header = &receiver->headers[index].msg_hdr;
    receiver->vectors[index] = (struct iovec){.iov_base = payloads + index * slot_bytes, .iov_len = slot_bytes};
    header->msg_iov = &receiver->vectors[index];
    header->msg_iovlen = 1;
    header->msg_name = &receiver->sources[index];
    header->msg_control = receiver->controls[index].bytes;
  }
  rearm(receiver, receiver->messages);
}

// 0 for a single datagram.
static unsigned segment_bytes(struct msghdr *header) {
  for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) continue;
    int bytes;
    memcpy(&bytes, CMSG_DATA(control), sizeof bytes);
    return (unsigned)bytes;
  }
  return 0;
}

static void count_message(struct receiver *receiver, struct mmsghdr *message) {
  const unsigned segment = receiver->options.mode == MODE_GRO ? segment_bytes(&message->msg_hdr) : 0;
  receiver->counts.packets += segment == 0 ? 1 : (message->msg_len + segment - 1) / segment;
  receiver->counts.bytes += message->msg_len;
  if (message->msg_hdr.msg_flags & MSG_TRUNC) receiver->counts.truncated++;
}

static int call_kernel(struct receiver *receiver) {
  receiver->counts.system_calls++;
  if (receiver->options.mode != MODE_RECVMSG) {
    return recvmmsg(receiver->descriptor, receiver->headers, receiver->messages, MSG_DONTWAIT, NULL);
  }
  const ssize_t received = recvmsg(receiver->descriptor, &receiver->headers[0].msg_hdr, MSG_DONTWAIT);
  if (received < 0) return -1;
  receiver->headers[0].msg_len = (unsigned)received;
  return 1;
}

// Returns the number of received messages. If there are none, it waits briefly.
static unsigned receive(struct receiver *receiver) {
  const int received = call_kernel(receiver);
  if (received > 0) {
    for (int index = 0; index < received; index++) count_message(receiver, &receiver->headers[index]);
    rearm(receiver, (unsigned)received);
    return (unsigned)received;
  }
  if (errno == EAGAIN) {
    struct pollfd wanted = {.fd = receiver->descriptor, .events = POLLIN};
    poll(&wanted, 1, POLL_MS);
  } else if (errno != EINTR) {
    fail("receive");
  }
  return 0;
}

static double seconds_of(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static void report(const struct receiver *receiver, double seconds, const struct rusage *before, const struct rusage *after) {
  printf("{\"packets\":%ju,\"bytes\":%ju,\"systemCalls\":%ju,\"seconds\":%.6f,\"userSeconds\":%.6f,\"systemSeconds\":%.6f,"
         "\"truncated\":%ju}\n",
         (uintmax_t)receiver->counts.packets, (uintmax_t)receiver->counts.bytes, (uintmax_t)receiver->counts.system_calls,
         seconds, seconds_of(after->ru_utime) - seconds_of(before->ru_utime),
         seconds_of(after->ru_stime) - seconds_of(before->ru_stime), (uintmax_t)receiver->counts.truncated);
  fflush(stdout);
}

static void run(struct receiver *receiver, double seconds) {
  struct rusage before, after;
  memset(&receiver->counts, 0, sizeof receiver->counts);
  getrusage(RUSAGE_SELF, &before);
  const uint64_t start_ns = clock_ns(), deadline_ns = start_ns + (uint64_t)(seconds * 1e9);
  uint64_t now_ns = start_ns;
  while (now_ns < deadline_ns) {
    for (unsigned taken = 0, received = 1; taken < CLOCK_EVERY_MESSAGES && received > 0; taken += received) {
      received = receive(receiver);
    }
    now_ns = clock_ns();
  }
  getrusage(RUSAGE_SELF, &after);
  report(receiver, (double)(now_ns - start_ns) / 1e9, &before, &after);
}

static void obey_commands(struct receiver *receiver) {
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "quit", 4) != 0) {
    double seconds;
    if (sscanf(line, "run %lf", &seconds) != 1 || !(seconds >= 0 && seconds < 1e6)) {
      usage("commands are `run SECONDS` and `quit`");
    }
    run(receiver, seconds);
  }
}

static unsigned number(const char *text, unsigned least, unsigned most) {
  char *end;
  const unsigned long value = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most) usage("a number is out of range");
  return (unsigned)value;
}

static enum mode mode_of(const char *text) {
  if (strcmp(text, "recvmsg") == 0) return MODE_RECVMSG;
  if (strcmp(text, "recvmmsg") == 0) return MODE_RECVMMSG;
  if (strcmp(text, "gro") == 0) return MODE_GRO;
  usage("unknown --mode");
}

static struct options parse_options(int count, char **words) {
  static const struct option known[] = {
      {"listen", 1, 0, 'l'}, {"port", 1, 0, 'p'}, {"size", 1, 0, 's'}, {"batch", 1, 0, 'b'}, {"mode", 1, 0, 'm'}, {0},
  };
  struct options options = {.slot_bytes = 2048, .batch = 64, .mode = MODE_RECVMMSG};
  for (int letter; (letter = getopt_long(count, words, "", known, NULL)) != -1;) {
    switch (letter) {
      case 'l': options.address = optarg; break;
      case 'p': options.port = number(optarg, 0, 65535); break;
      case 's': options.slot_bytes = number(optarg, 1, LARGEST_DATAGRAM_BYTES); break;
      case 'b': options.batch = number(optarg, 1, 65536); break;
      case 'm': options.mode = mode_of(optarg); break;
      default: usage("unknown option");
    }
  }
  if (optind != count || options.address == NULL) usage("--listen is needed, and no other words");
  // A GRO buffer that does not fit its slot is truncated.
  if (options.mode == MODE_GRO) options.slot_bytes = LARGEST_DATAGRAM_BYTES;
  return options;
}

static void listen_on(struct receiver *receiver) {
  const struct options *options = &receiver->options;
  union address address = {0};
  if (inet_pton(AF_INET, options->address, &address.ipv4.sin_addr) == 1) {
    address.ipv4.sin_family = AF_INET;
    address.ipv4.sin_port = htons((uint16_t)options->port);
  } else if (inet_pton(AF_INET6, options->address, &address.ipv6.sin6_addr) == 1) {
    address.ipv6.sin6_family = AF_INET6;
    address.ipv6.sin6_port = htons((uint16_t)options->port);
  } else {
    usage("--listen takes a numeric IPv4 or IPv6 address");
  }
  const int on = 1;
  receiver->descriptor = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (receiver->descriptor < 0) fail("socket");
  if (options->mode == MODE_GRO && setsockopt(receiver->descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) fail("UDP_GRO");
  if (bind(receiver->descriptor, &address.any, address_bytes(&address)) != 0) fail("bind");
  socklen_t length = sizeof address;
  if (getsockname(receiver->descriptor, &address.any, &length) != 0) fail("getsockname");
  // The port has the same offset in both address types.
  printf("{\"port\":%u}\n", ntohs(address.ipv4.sin_port));
  fflush(stdout);
}

int main(int count, char **words) {
  struct receiver receiver = {.options = parse_options(count, words)};
  receiver.messages = receiver.options.mode == MODE_RECVMSG ? 1 : receiver.options.batch;
  receiver.headers = allocate(receiver.messages, sizeof *receiver.headers);
  receiver.vectors = allocate(receiver.messages, sizeof *receiver.vectors);
  receiver.sources = allocate(receiver.messages, sizeof *receiver.sources);
  receiver.controls = allocate(receiver.messages, sizeof *receiver.controls);
  prepare_messages(&receiver);
  listen_on(&receiver);
  obey_commands(&receiver);
  return 0;
}
