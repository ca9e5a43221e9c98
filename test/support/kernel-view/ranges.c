// The registered ranges, and the C library's free and realloc, which end ranges.
#define _GNU_SOURCE
#include "kernel-view.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own functions, under the names that an interposed free can reach without dlsym (which allocates).
extern void *__libc_malloc(size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void __libc_free(void *memory);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct range *ranges;
static size_t count, room;

// A Bloom filter with one hash. It excludes most pointers that free gets, without taking the lock.
enum { FILTER_BITS = 1 << 20 };
static atomic_uchar filter[FILTER_BITS / 8];

static size_t filter_bit(uintptr_t allocation) {
  return (size_t)(((uint64_t)allocation * 0x9e3779b97f4a7c15u) >> 44);
}

void ranges_lock(void) { pthread_mutex_lock(&lock); }
void ranges_unlock(void) { pthread_mutex_unlock(&lock); }
int ranges_any(void) { return count > 0; }

static int contains(const struct range *range, uintptr_t address, size_t length) {
  return address >= range->start && address - range->start <= range->length &&
         length <= range->length - (address - range->start);
}

const struct range *ranges_containing(uintptr_t address, size_t length) {
  static size_t latest; // cache: most pieces are in the same range as the one before, the batch's arena
  if (latest < count && ranges[latest].state == RANGE_ALIVE && contains(&ranges[latest], address, length))
    return &ranges[latest];
  for (size_t index = count; index-- > 0;) {
    if (ranges[index].state != RANGE_ALIVE || !contains(&ranges[index], address, length)) continue;
    latest = index;
    return &ranges[index];
  }
  return NULL;
}

const struct range *ranges_touching(uintptr_t address) {
  const struct range *dead = NULL;
  for (size_t index = count; index-- > 0;) {
    const struct range *range = &ranges[index];
    if (!contains(range, address, 0)) continue;
    if (range->state == RANGE_ALIVE) return range;
    // A range that ends at the address explains less than one that contains it.
    if (dead == NULL || !contains(dead, address, 1)) dead = range;
  }
  return dead;
}

// Called through Koffi by hook.cjs. Returns the range's number, for batchconn_retire.
size_t batchconn_register(uintptr_t allocation, uintptr_t start, size_t length) {
  ranges_lock();
  if (count == room) {
    room = room == 0 ? 1024 : 2 * room;
    ranges = __libc_realloc(ranges, room * sizeof *ranges);
    if (ranges == NULL) report_failure("out of memory");
  }
  ranges[count] = (struct range){start, length, allocation, RANGE_ALIVE};
  const size_t bit = filter_bit(allocation);
  atomic_fetch_or(&filter[bit / 8], (unsigned char)(1 << bit % 8));
  const size_t number = count++;
  report_range();
  ranges_unlock();
  return number;
}

// Called through Koffi by hook.cjs. Ends a range for a reason that only JavaScript can see.
void batchconn_retire(size_t number, int state) {
  ranges_lock();
  if (number < count && ranges[number].state == RANGE_ALIVE) ranges[number].state = (enum range_state)state;
  ranges_unlock();
}

// Ends the ranges of an allocation. Returns true if there are any.
static int end_allocation(uintptr_t allocation) {
  const size_t bit = filter_bit(allocation);
  if (!(atomic_load(&filter[bit / 8]) & 1 << bit % 8)) return 0;
  int found = 0;
  ranges_lock();
  for (size_t index = 0; index < count; index += 1) {
    if (ranges[index].allocation != allocation) continue;
    if (ranges[index].state == RANGE_ALIVE) ranges[index].state = RANGE_FREED;
    found = 1;
  }
  ranges_unlock();
  return found;
}

// Registered memory is never freed, because another allocation at the same address would hide a stale pointer.
// Its whole pages go back to the kernel.
static void keep_address(void *memory) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t from = ((uintptr_t)memory + page - 1) / page * page;
  const uintptr_t to = ((uintptr_t)memory + malloc_usable_size(memory)) / page * page;
  if (to > from) madvise((void *)from, to - from, MADV_DONTNEED);
}

void free(void *memory) {
  if (memory != NULL && end_allocation((uintptr_t)memory)) keep_address(memory);
  else __libc_free(memory);
}

void *realloc(void *memory, size_t bytes) {
  if (memory == NULL || !end_allocation((uintptr_t)memory)) return __libc_realloc(memory, bytes);
  void *moved = __libc_malloc(bytes);
  if (moved == NULL) return NULL;
  const size_t usable = malloc_usable_size(memory);
  memcpy(moved, memory, bytes < usable ? bytes : usable);
  keep_address(memory);
  return moved;
}
