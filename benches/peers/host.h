/* The C host of the benches: one program a runtime, each with these four functions. */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>
#include <stdint.h>

/* Starts the runtime with so many workers. */
void host_open(uint32_t workers);
/* Submits a trivial task. */
void host_submit(uint64_t tag);
/* Submits a task that posts so many messages and then ends. */
void host_flood(uint64_t count);
/* Waits for messages and takes some, at most `most`; returns how many of them. */
size_t host_receive(size_t most);

#endif
