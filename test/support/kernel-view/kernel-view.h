// Checks that only registered, living memory is passed to the kernel. kernel-view.ts describes the parts.
#ifndef KERNEL_VIEW_H
#define KERNEL_VIEW_H

#include <stddef.h>
#include <stdint.h>

// Reasons why a range may no longer be passed to the kernel. The numbers are those of hook.cjs.
enum range_state { RANGE_ALIVE = 0, RANGE_FREED = 1, RANGE_DETACHED = 2, RANGE_COLLECTED = 3 };

// The bytes of one view whose address the library obtained.
struct range {
  uintptr_t start;
  size_t length;
  // Start of the allocation that contains the range: the pointer that free(3) gets.
  uintptr_t allocation;
  enum range_state state;
};

// One pointer of a call, as the kernel would follow it.
struct piece {
  const char *call;
  // Index of the message in the call; -1 for the message vector itself.
  long message;
  const char *field;
  // Index in msg_iov for an iovec's memory; -1 for any other field.
  long vector;
  uintptr_t address;
  size_t length;
};

// Returns the living range that contains all of the piece; NULL if there is none.
// The caller holds the lock.
const struct range *ranges_containing(uintptr_t address, size_t length);

// Returns the range that best explains a violation: a living one before a dead one; NULL if none contains the address.
const struct range *ranges_touching(uintptr_t address);

// Returns false if the process has never registered a range.
int ranges_any(void);

void ranges_lock(void);
void ranges_unlock(void);

// Count a call with its messages, and a registered range. The caller holds the lock.
void report_call(unsigned long messages);
void report_range(void);

// Prints the violation, also to the file that BATCHCONN_KERNEL_VIEW_LOG names, and aborts the process, unless
// BATCHCONN_KERNEL_VIEW_CONTINUE is set. The caller holds the lock.
void report_violation(const struct piece *piece);

// Prints why the checker itself cannot work, with errno, and aborts the process.
_Noreturn void report_failure(const char *what);

#endif
