// The four calls, interposed by LD_PRELOAD. Calls made by Koffi are checked; all calls are passed on.
#define _GNU_SOURCE
#include "kernel-view.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
  // The kernel reads at most this many messages per call (UIO_MAXIOV, net/socket.c).
  MAX_MESSAGES = 1024
};

// Address range of Koffi's code. It is loaded once per process and never unloaded.
static atomic_uintptr_t koffi_start, koffi_end;

static int find_koffi(struct dl_phdr_info *object, size_t size, void *caller) {
  (void)size;
  const char *file = strrchr(object->dlpi_name, '/');
  if (file == NULL || strcmp(file, "/koffi.node") != 0) return 0;
  uintptr_t start = UINTPTR_MAX, end = 0;
  for (int index = 0; index < object->dlpi_phnum; index += 1) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
    if (segment->p_type != PT_LOAD) continue;
    const uintptr_t from = object->dlpi_addr + segment->p_vaddr, to = from + segment->p_memsz;
    if (from < start) start = from;
    if (to > end) end = to;
  }
  if ((uintptr_t)caller < start || (uintptr_t)caller >= end) return 0;
  atomic_store(&koffi_start, start);
  atomic_store(&koffi_end, end);
  return 1;
}

static int is_koffi(void *caller) {
  if (atomic_load(&koffi_end) == 0) return dl_iterate_phdr(find_koffi, caller);
  return (uintptr_t)caller >= atomic_load(&koffi_start) && (uintptr_t)caller < atomic_load(&koffi_end);
}

static int is_registered(struct piece piece) {
  // The kernel does not follow a pointer with length 0.
  if (piece.length == 0 || ranges_containing(piece.address, piece.length) != NULL) return 1;
  report_violation(&piece);
  return 0;
}

static void check_message(const char *call, long message, const struct msghdr *header) {
  struct piece piece = {call, message, "msg_name", -1, (uintptr_t)header->msg_name, header->msg_namelen};
  // Without a name the kernel ignores its length (copy_msghdr_from_user in net/socket.c).
  if (header->msg_name != NULL) is_registered(piece);

  piece.field = "msg_control";
  piece.address = (uintptr_t)header->msg_control;
  piece.length = header->msg_controllen;
  is_registered(piece);

  piece.field = "msg_iov";
  piece.address = (uintptr_t)header->msg_iov;
  if (__builtin_mul_overflow(header->msg_iovlen, sizeof(struct iovec), &piece.length)) piece.length = SIZE_MAX;
  if (!is_registered(piece)) return;
  for (size_t index = 0; index < header->msg_iovlen; index += 1) {
    piece.vector = (long)index;
    piece.address = (uintptr_t)header->msg_iov[index].iov_base;
    piece.length = header->msg_iov[index].iov_len;
    is_registered(piece);
  }
}

static void check_one(const char *call, const struct msghdr *header) {
  const int error = errno;
  ranges_lock();
  report_call(1);
  if (is_registered((struct piece){call, -1, "msg", -1, (uintptr_t)header, sizeof *header}))
    check_message(call, 0, header);
  ranges_unlock();
  errno = error;
}

static void check_many(const char *call, const struct mmsghdr *headers, unsigned named,
                       const struct timespec *timeout) {
  const int error = errno;
  const unsigned count = named < MAX_MESSAGES ? named : MAX_MESSAGES;
  ranges_lock();
  report_call(count);
  if (is_registered((struct piece){call, -1, "msgvec", -1, (uintptr_t)headers, count * sizeof *headers}))
    for (unsigned index = 0; index < count; index += 1) check_message(call, (long)index, &headers[index].msg_hdr);
  if (timeout != NULL) is_registered((struct piece){call, -1, "timeout", -1, (uintptr_t)timeout, sizeof *timeout});
  ranges_unlock();
  errno = error;
}

static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static int (*real_sendmmsg)(int, struct mmsghdr *, unsigned, int);
static int (*real_recvmmsg)(int, struct mmsghdr *, unsigned, int, struct timespec *);

static void *next(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (function == NULL) report_failure(name);
  return function;
}

__attribute__((constructor)) static void resolve(void) {
  *(void **)&real_sendmsg = next("sendmsg");
  *(void **)&real_recvmsg = next("recvmsg");
  *(void **)&real_sendmmsg = next("sendmmsg");
  *(void **)&real_recvmmsg = next("recvmmsg");
}

ssize_t sendmsg(int fd, const struct msghdr *header, int flags) {
  if (is_koffi(__builtin_return_address(0))) check_one("sendmsg", header);
  return real_sendmsg(fd, header, flags);
}

ssize_t recvmsg(int fd, struct msghdr *header, int flags) {
  if (is_koffi(__builtin_return_address(0))) check_one("recvmsg", header);
  return real_recvmsg(fd, header, flags);
}

int sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags) {
  if (is_koffi(__builtin_return_address(0))) check_many("sendmmsg", headers, count, NULL);
  return real_sendmmsg(fd, headers, count, flags);
}

int recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout) {
  if (is_koffi(__builtin_return_address(0))) check_many("recvmmsg", headers, count, timeout);
  return real_recvmmsg(fd, headers, count, flags, timeout);
}
