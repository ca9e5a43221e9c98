// Counts and messages of the checker.
#define _GNU_SOURCE
#include "kernel-view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// In the file that BATCHCONN_KERNEL_VIEW_TOTALS names. All processes of a run map it, so the counts of a killed process
// are kept. kernel-view.ts reads it.
struct totals {
  atomic_ullong calls, messages, violations, ranges;
};

static struct totals *totals;

void report_failure(const char *what) {
  dprintf(STDERR_FILENO, "kernel view: %s: %s\n", what, strerror(errno));
  abort();
}

// Returns the environment variable's value; NULL if it is not set, or empty.
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value == NULL || *value == '\0' ? NULL : value;
}

// The caller holds the lock.
static struct totals *open_totals(void) {
  if (totals != NULL) return totals;
  const char *path = variable("BATCHCONN_KERNEL_VIEW_TOTALS");
  if (path == NULL) {
    static struct totals own;
    return totals = &own;
  }
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0 || ftruncate(file, sizeof(struct totals)) != 0) report_failure(path);
  void *shared = mmap(NULL, sizeof(struct totals), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (shared == MAP_FAILED) report_failure(path);
  close(file);
  return totals = shared;
}

void report_call(unsigned long messages) {
  struct totals *to = open_totals();
  atomic_fetch_add(&to->calls, 1);
  atomic_fetch_add(&to->messages, messages);
}

void report_range(void) { atomic_fetch_add(&open_totals()->ranges, 1); }

__attribute__((format(printf, 3, 4))) static void append(char *line, size_t room, const char *format, ...) {
  const size_t used = strlen(line);
  va_list values;
  va_start(values, format);
  vsnprintf(line + used, room - used, format, values);
  va_end(values);
}

// Describes the position of the piece relative to the registered memory.
static void explain(char *line, size_t room, const struct piece *piece) {
  const struct range *range = ranges_touching(piece->address);
  if (range == NULL) {
    // In a process without the hook every call fails here, so that it does not count as checked.
    append(line, room, "this address is in no registered range%s",
           ranges_any() ? "" : "; the process has registered none (is hook.cjs loaded?)");
    return;
  }
  const size_t offset = piece->address - range->start;
  const size_t beyond = piece->length - (range->length - offset);
  if (range->state == RANGE_ALIVE) append(line, room, "ends %zu byte%s after", beyond, beyond == 1 ? "" : "s");
  else append(line, room, "is in");
  append(line, room, " the registered range of %zu bytes at 0x%lx", range->length, (unsigned long)range->start);
  if (range->state == RANGE_FREED) append(line, room, ", which was freed");
  if (range->state == RANGE_DETACHED) append(line, room, ", whose ArrayBuffer was detached or resized");
  if (range->state == RANGE_COLLECTED) append(line, room, ", whose ArrayBuffer was collected");
}

void report_violation(const struct piece *piece) {
  char line[512] = "";
  append(line, sizeof line, "kernel view: %s: ", piece->call);
  if (piece->message >= 0) append(line, sizeof line, "message %ld: ", piece->message);
  append(line, sizeof line, "%s", piece->field);
  if (piece->vector >= 0) append(line, sizeof line, "[%ld]", piece->vector);
  append(line, sizeof line, ": %zu bytes at 0x%lx: ", piece->length, (unsigned long)piece->address);
  explain(line, sizeof line - 1, piece);
  append(line, sizeof line, "\n");

  atomic_fetch_add(&open_totals()->violations, 1);
  dprintf(STDERR_FILENO, "%s", line);
  const char *path = variable("BATCHCONN_KERNEL_VIEW_LOG");
  if (path != NULL) {
    const int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, strlen(line)) < 0) report_failure(path);
    close(file);
  }
  if (variable("BATCHCONN_KERNEL_VIEW_CONTINUE") == NULL) abort();
}
