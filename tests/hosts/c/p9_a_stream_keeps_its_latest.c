/* P9: at a full port that keeps the latest, a stream replaces what it has sent, and does not wait. */
#include "check.h"

#include <sched.h>

int main(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_options_t options = {0};
  wharf_port_t port;
  options.size = sizeof options;
  options.capacity = 1;
  options.when_full = WHARF_FULL_KEEP_LATEST;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  CHECK_OK(harbour_count(port, 1, 1000, NULL));
  while (stats_of(port).tasks > 0) sched_yield();
  CHECK(stats_of(port).waiting == 2 && stats_of(port).dropped == 999);
  wharf_message_t message = next(port);
  CHECK(message.kind == WHARF_KIND_DATA && message.value.value.as_int64 == 999);
  CHECK_OK(wharf_message_free(&message));
  expect(port, 1, WHARF_KIND_OK);
  expect_nothing(port);
  CHECK_OK(wharf_port_close(port, LONG));
  end_runtime(runtime);
  return 0;
}
