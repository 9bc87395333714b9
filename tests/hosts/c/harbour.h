/* The library `harbour` in C. Made by `cargo xtask header` from what the library says of itself; not to
 * be edited.
 *
 * Each function returns at once. A refused call is answered by a status, and nothing else happens: an
 * argument is NULL or no UTF-8, the port is closed or shut down. An accepted one is answered by
 * WHARF_OK, and then by exactly one terminal message at `port` with the tag that was given: see
 * wharf.h for the kinds. What is passed in is copied during the call, but for external data. `task`,
 * if it is not NULL, receives the id with which the task can be cancelled. All functions may be
 * called from any thread.
 */
#ifndef HARBOUR_H
#define HARBOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wharf.h"

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * A result at once.
 */
wharf_status_t harbour_add(wharf_port_t port, uint64_t tag,
                           int64_t left,
                           int64_t right,
                           wharf_task_t *task);

/**
 * Text there and back.
 */
wharf_status_t harbour_echo(wharf_port_t port, uint64_t tag, const char *text, wharf_task_t *task);

/**
 * Text that may be missing.
 *
 * `text` may be NULL.
 */
wharf_status_t harbour_length(wharf_port_t port, uint64_t tag,
                              const char *text,
                              wharf_task_t *task);

/**
 * Parameters with names that the C side, or what stands between the sides, has given to others.
 *
 * `task_` may be NULL.
 */
wharf_status_t harbour_names(wharf_port_t port, uint64_t tag,
                             const wharf_value_t *error,
                             const int32_t *made,
                             size_t made_length,
                             uint64_t made_length_,
                             const char *task_,
                             int64_t type,
                             bool default_,
                             uint64_t argument_6_ns,
                             wharf_task_t *task);

/**
 * Bytes in, their sum and the bytes themselves out.
 */
wharf_status_t harbour_sum(wharf_port_t port, uint64_t tag,
                           const uint8_t *bytes,
                           size_t bytes_length,
                           wharf_task_t *task);

/**
 * Any value there and back.
 */
wharf_status_t harbour_mirror(wharf_port_t port, uint64_t tag,
                              const wharf_value_t *value,
                              wharf_task_t *task);

/**
 * Bytes of the host's, without a copy.
 */
wharf_status_t harbour_measure(wharf_port_t port, uint64_t tag,
                               const wharf_value_t *bytes,
                               wharf_task_t *task);

/**
 * An error.
 */
wharf_status_t harbour_fail(wharf_port_t port, uint64_t tag, int32_t code, wharf_task_t *task);

/**
 * A panic.
 */
wharf_status_t harbour_panic(wharf_port_t port, uint64_t tag, const char *text, wharf_task_t *task);

/**
 * No end of its own.
 */
wharf_status_t harbour_wait(wharf_port_t port, uint64_t tag, wharf_task_t *task);

/**
 * A result after a while.
 */
wharf_status_t harbour_sleep(wharf_port_t port, uint64_t tag,
                             uint64_t nanoseconds,
                             wharf_task_t *task);

/**
 * The numbers below `count`, as the port takes them.
 */
wharf_status_t harbour_count(wharf_port_t port, uint64_t tag, uint64_t count, wharf_task_t *task);

/**
 * A plain function, on the blocking pool: turns until it is cancelled.
 */
wharf_status_t harbour_turn(wharf_port_t port, uint64_t tag, wharf_task_t *task);

/**
 * A value that can't be sent.
 */
wharf_status_t harbour_unsendable(wharf_port_t port, uint64_t tag, wharf_task_t *task);

/**
 * Passes `yields` points at which it can be cancelled.
 */
wharf_status_t harbour_shift(wharf_port_t port, uint64_t tag, uint64_t yields, wharf_task_t *task);

/**
 * Holds the host's bytes, with no end of its own.
 */
wharf_status_t harbour_keep(wharf_port_t port, uint64_t tag,
                            const wharf_value_t *bytes,
                            wharf_task_t *task);

/**
 * Bytes of the library's, without a copy.
 */
wharf_status_t harbour_lend(wharf_port_t port, uint64_t tag, uint32_t length, wharf_task_t *task);

/**
 * No end of its own, and a panic where it is cancelled.
 */
wharf_status_t harbour_trap(wharf_port_t port, uint64_t tag, wharf_task_t *task);

/**
 * Runs until the host lets it go, on the thread of a worker: what a well-behaved task never does.
 */
wharf_status_t harbour_hog(wharf_port_t port, uint64_t tag, wharf_task_t *task);

/**
 * Opens a socket, and says on which port it listens.
 */
wharf_status_t harbour_listen(wharf_port_t port, uint64_t tag, wharf_task_t *task);

/**
 * A plain function, on the blocking pool: gives the bytes back once it is cancelled.
 */
wharf_status_t harbour_ferry(wharf_port_t port, uint64_t tag,
                             const wharf_value_t *bytes,
                             wharf_task_t *task);

/**
 * The numbers from `from` down to 1, as a stream.
 *
 * Each element comes as a message of kind WHARF_KIND_DATA; the result is how many there were.
 */
wharf_status_t harbour_countdown(wharf_port_t port, uint64_t tag,
                                 uint64_t from,
                                 wharf_task_t *task);

/**
 * Says where it can be reached, then answers each number with its double at the port that is named
 * beside it, until it is told to stop. The result is how many it has answered.
 */
wharf_status_t harbour_parley(wharf_port_t port, uint64_t tag, wharf_task_t *task);

/**
 * A port in, and out again; and a word to whoever listens there.
 */
wharf_status_t harbour_hail(wharf_port_t port, uint64_t tag,
                            wharf_port_t to,
                            const char *text,
                            wharf_task_t *task);

/**
 * A result inside of the result.
 */
wharf_status_t harbour_verdicts(wharf_port_t port, uint64_t tag,
                                const int32_t *codes,
                                size_t codes_length,
                                wharf_task_t *task);

/**
 * An array that holds `width` nulls, inside of others, `depth` arrays in all: posted or as the result.
 */
wharf_status_t harbour_nest(wharf_port_t port, uint64_t tag,
                            uint32_t depth,
                            uint32_t width,
                            bool posted,
                            wharf_task_t *task);

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif /* HARBOUR_H */
