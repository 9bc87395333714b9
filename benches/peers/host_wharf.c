/* The C host on wharf. */
#include "host.h"
#include "wharf.h"
#include <stdio.h>
#include <stdlib.h>

wharf_status_t bench_add(wharf_port_t port, uint64_t tag, int64_t left, int64_t right,
                         wharf_task_t *task);
wharf_status_t bench_flood(wharf_port_t port, uint64_t tag, uint64_t count, wharf_task_t *task);

static wharf_port_t port;

static void must(wharf_status_t status) {
  if (status != WHARF_OK) {
    fprintf(stderr, "a call was answered by %d\n", (int)status);
    exit(1);
  }
}

void host_open(uint32_t workers) {
  wharf_runtime_options_t options = {.size = sizeof options, .worker_threads = workers};
  wharf_runtime_t runtime;
  must(wharf_runtime_new(&options, &runtime));
  must(wharf_port_open(runtime, NULL, &port));
}

void host_submit(uint64_t tag) { must(bench_add(port, tag, (int64_t)tag, 1, NULL)); }

void host_flood(uint64_t count) { must(bench_flood(port, 0, count, NULL)); }

size_t host_receive(size_t most) {
  static wharf_message_t messages[1024];
  size_t count;
  must(wharf_port_recv_batch(port, messages, most < 1024 ? most : 1024, &count, WHARF_FOREVER));
  must(wharf_messages_free(messages, count));
  return count;
}
