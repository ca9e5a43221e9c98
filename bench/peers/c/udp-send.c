// Plain C with the same system calls, for comparison: sends UDP datagrams. Commands on standard input start a run.
// See ../README.md for the options, the protocol and the payload header.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <linux/errqueue.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum mode { MODE_SENDMSG, MODE_SENDMMSG, MODE_GSO, MODE_SENDMMSG_GSO, MODE_GSO_ZEROCOPY, MODE_SENDMMSG_GSO_ZEROCOPY };

enum { HEADER_BYTES = 16, LARGEST_PAYLOAD_BYTES = 65507, CACHE_LINE_BYTES = 64, CLOCK_EVERY_MESSAGES = 64, POLL_MS = 50 };

struct options {
  const char *address;
  unsigned port, size_bytes, batch, segments, buffers;
  enum mode mode;
  bool connected, prepare_each_batch;
};

union address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

struct sender {
  struct options options;
  union address peer;
  int descriptor;
  // The messages of one system call, each with its own payload, address and iovec, as in the TypeScript.
  unsigned messages, segments_per_message;
  // Calls take the groups of payloads in turn. With zero-copy, a group is reused when the sends before `in_flight_until` are
  // completed.
  unsigned groups, group;
  bool zero_copy;
  uint64_t zero_copy_sent, zero_copy_completed, *in_flight_until;
  size_t slot_bytes;
  unsigned char *payloads;
  struct mmsghdr *headers;
  struct iovec *vectors;
  union address *addresses;
  _Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(sizeof(uint16_t))];
  struct {
    uint64_t packets, system_calls, would_block, errors;
  } counts;
  uint64_t now_ns, deadline_ns, sequence;
  uint32_t stream;
};

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "udp-send: %s: %s\n", what, strerror(errno));
  exit(1);
}

_Noreturn static void usage(const char *complaint) {
  fprintf(stderr,
          "udp-send: %s\n"
          "usage: udp-send --to ADDRESS --port PORT [--size BYTES] [--batch N] [--mode MODE]\n"
          "                [--connect 0|1] [--prepare once|batch] [--segments N] [--buffers N]\n"
          "MODE is sendmsg, sendmmsg, gso, sendmmsg+gso, gso+zerocopy or sendmmsg+gso+zerocopy\n",
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
  void *memory = aligned_alloc(CACHE_LINE_BYTES, rounded ? rounded : CACHE_LINE_BYTES);
  if (memory == NULL) fail("aligned_alloc");
  return memset(memory, 0, rounded);
}

static union address parse_address(const char *text, unsigned port) {
  union address address = {0};
  if (inet_pton(AF_INET, text, &address.ipv4.sin_addr) == 1) {
    address.ipv4.sin_family = AF_INET;
    address.ipv4.sin_port = htons((uint16_t)port);
  } else if (inet_pton(AF_INET6, text, &address.ipv6.sin6_addr) == 1) {
    address.ipv6.sin6_family = AF_INET6;
    address.ipv6.sin6_port = htons((uint16_t)port);
  } else {
    usage("--to takes a numeric IPv4 or IPv6 address");
  }
  return address;
}

static socklen_t address_bytes(const union address *address) {
  return address->any.sa_family == AF_INET ? sizeof address->ipv4 : sizeof address->ipv6;
}

static void prepare_segmentation(struct sender *sender, struct msghdr *header) {
  const uint16_t segment_bytes = (uint16_t)sender->options.size_bytes;
  memset(&sender->control, 0, sizeof sender->control);
  header->msg_control = sender->control;
  header->msg_controllen = sizeof sender->control;
  struct cmsghdr *control = CMSG_FIRSTHDR(header);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof segment_bytes);
  memcpy(CMSG_DATA(control), &segment_bytes, sizeof segment_bytes);
}

static void prepare_message(struct sender *sender, unsigned index) {
  struct iovec *vector = &sender->vectors[index];
  struct mmsghdr *message = &sender->headers[index];
  vector->iov_base = sender->payloads + index * sender->slot_bytes;
  vector->iov_len = (size_t)sender->options.size_bytes * sender->segments_per_message;
  memset(message, 0, sizeof *message);
  message->msg_hdr.msg_iov = vector;
  message->msg_hdr.msg_iovlen = 1;
  if (!sender->options.connected) {
    sender->addresses[index] = sender->peer;
    message->msg_hdr.msg_name = &sender->addresses[index];
    message->msg_hdr.msg_namelen = address_bytes(&sender->peer);
  }
  if (sender->segments_per_message > 1) prepare_segmentation(sender, &message->msg_hdr);
}

static unsigned first_of_group(const struct sender *sender) { return sender->group * sender->messages; }

static void prepare_group(struct sender *sender) {
  for (unsigned index = 0; index < sender->messages; index++) prepare_message(sender, first_of_group(sender) + index);
}

static void prepare_messages(struct sender *sender) {
  for (sender->group = 0; sender->group < sender->groups; sender->group++) prepare_group(sender);
  sender->group = 0;
}

static void stamp_messages(struct sender *sender) {
  if (sender->options.size_bytes < HEADER_BYTES) return;
  const uint32_t microseconds = (uint32_t)(sender->now_ns / 1000);
  for (unsigned index = 0; index < sender->messages; index++) {
    unsigned char *segment = sender->payloads + (first_of_group(sender) + index) * sender->slot_bytes;
    for (unsigned left = sender->segments_per_message; left > 0; left--, segment += sender->options.size_bytes) {
      const uint32_t low = (uint32_t)sender->sequence, high = (uint32_t)(sender->sequence++ >> 32);
      const uint32_t header[] = {htole32(sender->stream), htole32(low), htole32(high), htole32(microseconds)};
      memcpy(segment, header, sizeof header);
    }
  }
}

static void wait_until_writable(struct sender *sender) {
  struct pollfd wanted = {.fd = sender->descriptor, .events = POLLOUT};
  sender->counts.would_block++;
  poll(&wanted, 1, POLL_MS);
  sender->now_ns = clock_ns();
}

// Returns false if there was none. Here they arrive in order.
static bool read_completion(struct sender *sender) {
  char control[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6))];
  struct msghdr header = {.msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(sender->descriptor, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
  struct sock_extended_err error;
  const struct cmsghdr *message = CMSG_FIRSTHDR(&header);
  if (message == NULL) return true;
  memcpy(&error, CMSG_DATA(message), sizeof error);
  if (error.ee_origin == SO_EE_ORIGIN_ZEROCOPY) sender->zero_copy_completed += error.ee_data - error.ee_info + 1u;
  return true;
}

static void wait_for_group(struct sender *sender) {
  while (sender->zero_copy_completed < sender->in_flight_until[sender->group]) {
    if (read_completion(sender)) continue;
    struct pollfd wanted = {.fd = sender->descriptor};
    poll(&wanted, 1, POLL_MS);
  }
}

static int call_kernel(struct sender *sender, unsigned first) {
  sender->counts.system_calls++;
  struct mmsghdr *headers = sender->headers + first_of_group(sender) + first;
  const int flags = MSG_DONTWAIT | (sender->zero_copy ? MSG_ZEROCOPY : 0);
  const int sent = sender->messages > 1 ? sendmmsg(sender->descriptor, headers, sender->messages - first, flags)
                   : sendmsg(sender->descriptor, &headers->msg_hdr, flags) < 0 ? -1
                                                                               : 1;
  if (sender->zero_copy && sent > 0) {
    sender->zero_copy_sent += (unsigned)sent;
    sender->in_flight_until[sender->group] = sender->zero_copy_sent;
  }
  return sent;
}

static void give_up_message(struct sender *sender) {
  if (sender->counts.errors == 0) fprintf(stderr, "udp-send: first error: %s\n", strerror(errno));
  sender->counts.errors += sender->segments_per_message;
}

// Returns how many messages were sent or given up; 0 means try again.
static unsigned send_from(struct sender *sender, unsigned first) {
  const int sent = call_kernel(sender, first);
  if (sent > 0) {
    sender->counts.packets += (uint64_t)sent * sender->segments_per_message;
    return (unsigned)sent;
  }
  // ECONNREFUSED belongs to an earlier datagram; returning it has cleared it.
  if (errno == EINTR || errno == ECONNREFUSED) return 0;
  if (errno == EAGAIN || errno == ENOBUFS) {
    if (sender->zero_copy && read_completion(sender)) return 0;
    wait_until_writable(sender);
    return 0;
  }
  give_up_message(sender);
  return 1;
}

static void send_messages(struct sender *sender) {
  sender->group = (sender->group + 1) % sender->groups;
  if (sender->zero_copy) wait_for_group(sender);
  if (sender->options.prepare_each_batch) prepare_group(sender);
  stamp_messages(sender);
  for (unsigned done = 0; done < sender->messages && sender->now_ns < sender->deadline_ns;) done += send_from(sender, done);
}

static double seconds_of(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

static void report(const struct sender *sender, double seconds, const struct rusage *before, const struct rusage *after) {
  printf("{\"packets\":%ju,\"systemCalls\":%ju,\"seconds\":%.6f,\"userSeconds\":%.6f,\"systemSeconds\":%.6f,"
         "\"wouldBlock\":%ju,\"errors\":%ju}\n",
         (uintmax_t)sender->counts.packets, (uintmax_t)sender->counts.system_calls, seconds,
         seconds_of(after->ru_utime) - seconds_of(before->ru_utime),
         seconds_of(after->ru_stime) - seconds_of(before->ru_stime),
         (uintmax_t)sender->counts.would_block, (uintmax_t)sender->counts.errors);
  fflush(stdout);
}

static void run(struct sender *sender, double seconds, uint32_t stream) {
  struct rusage before, after;
  sender->stream = stream;
  sender->sequence = 0;
  memset(&sender->counts, 0, sizeof sender->counts);
  getrusage(RUSAGE_SELF, &before);
  const uint64_t start_ns = sender->now_ns = clock_ns();
  sender->deadline_ns = start_ns + (uint64_t)(seconds * 1e9);
  while (sender->now_ns < sender->deadline_ns) {
    // Reading the clock costs up to a tenth of a send.
    for (unsigned sent = 0; sent < CLOCK_EVERY_MESSAGES; sent += sender->messages * sender->segments_per_message) {
      send_messages(sender);
    }
    sender->now_ns = clock_ns();
  }
  getrusage(RUSAGE_SELF, &after);
  report(sender, (double)(sender->now_ns - start_ns) / 1e9, &before, &after);
}

static void obey_commands(struct sender *sender) {
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "quit", 4) != 0) {
    double seconds;
    uint32_t stream;
    if (sscanf(line, "run %lf %u", &seconds, &stream) != 2 || !(seconds >= 0 && seconds < 1e6)) {
      usage("commands are `run SECONDS STREAM` and `quit`");
    }
    run(sender, seconds, stream);
  }
}

static unsigned number(const char *text, unsigned least, unsigned most) {
  char *end;
  const unsigned long value = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most) usage("a number is out of range");
  return (unsigned)value;
}

static unsigned choice(const char *text, const char *const names[], unsigned count) {
  for (unsigned index = 0; index < count; index++) {
    if (strcmp(text, names[index]) == 0) return index;
  }
  usage("unknown --mode or --prepare");
}

static struct options parse_options(int count, char **words) {
  static const char *const modes[] = {"sendmsg", "sendmmsg", "gso", "sendmmsg+gso", "gso+zerocopy", "sendmmsg+gso+zerocopy"},
                           *const preparations[] = {"once", "batch"};
  static const struct option known[] = {
      {"to", 1, 0, 't'},      {"port", 1, 0, 'p'},    {"size", 1, 0, 's'},     {"batch", 1, 0, 'b'}, {"mode", 1, 0, 'm'},
      {"connect", 1, 0, 'c'}, {"prepare", 1, 0, 'r'}, {"segments", 1, 0, 'g'}, {"buffers", 1, 0, 'n'}, {0},
  };
  struct options options = {.size_bytes = 1400, .batch = 64, .segments = 40, .buffers = 1, .mode = MODE_SENDMMSG};
  for (int letter; (letter = getopt_long(count, words, "", known, NULL)) != -1;) {
    switch (letter) {
      case 't': options.address = optarg; break;
      case 'p': options.port = number(optarg, 1, 65535); break;
      case 's': options.size_bytes = number(optarg, 0, LARGEST_PAYLOAD_BYTES); break;
      case 'b': options.batch = number(optarg, 1, 65536); break;
      case 'm': options.mode = choice(optarg, modes, 6); break;
      case 'c': options.connected = number(optarg, 0, 1); break;
      case 'r': options.prepare_each_batch = choice(optarg, preparations, 2); break;
      case 'g': options.segments = number(optarg, 1, 128); break;
      case 'n': options.buffers = number(optarg, 1, 65536); break;
      default: usage("unknown option");
    }
  }
  if (optind != count || options.address == NULL || options.port == 0) usage("--to and --port are needed, and no other words");
  if (options.mode >= MODE_GSO && (options.size_bytes == 0 || options.size_bytes * options.segments > LARGEST_PAYLOAD_BYTES)) {
    usage("a GSO send must have 1 to 65507 bytes");
  }
  return options;
}

static struct sender open_sender(struct options options) {
  struct sender sender = {.options = options, .peer = parse_address(options.address, options.port)};
  const bool has_batches = options.mode != MODE_SENDMSG && options.mode != MODE_GSO && options.mode != MODE_GSO_ZEROCOPY;
  sender.messages = has_batches ? options.batch : 1;
  sender.segments_per_message = options.mode >= MODE_GSO ? options.segments : 1;
  sender.groups = options.mode < MODE_GSO || options.buffers < sender.messages ? 1 : options.buffers / sender.messages;
  sender.zero_copy = options.mode >= MODE_GSO_ZEROCOPY;
  sender.in_flight_until = allocate(sender.groups, sizeof *sender.in_flight_until);
  const unsigned total = sender.groups * sender.messages;
  const size_t message_bytes = (size_t)options.size_bytes * sender.segments_per_message;
  sender.slot_bytes = (message_bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
  sender.payloads = allocate(total, sender.slot_bytes);
  sender.headers = allocate(total, sizeof *sender.headers);
  sender.vectors = allocate(total, sizeof *sender.vectors);
  sender.addresses = allocate(total, sizeof *sender.addresses);
  sender.descriptor = socket(sender.peer.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (sender.descriptor < 0) fail("socket");
  const int on = 1;
  if (sender.zero_copy && setsockopt(sender.descriptor, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) != 0) fail("SO_ZEROCOPY");
  if (options.connected && connect(sender.descriptor, &sender.peer.any, address_bytes(&sender.peer)) != 0) fail("connect");
  return sender;
}

int main(int count, char **words) {
  struct sender sender = open_sender(parse_options(count, words));
  prepare_messages(&sender);
  obey_commands(&sender);
  return 0;
}
