/* P9: a port has a capacity or a credit; what happens when it is full is the host's choice, is
 * counted, and never touches a terminal message. Limits at n and n + 1. */
#include "check.h"

static wharf_port_t with(wharf_runtime_t runtime, size_t capacity, uint32_t full, uint32_t credit,
                         size_t tasks) {
  wharf_port_t port;
  wharf_port_options_t options = {0};
  options.size = sizeof options;
  options.capacity = capacity;
  options.when_full = full;
  options.needs_credit = credit;
  options.max_tasks = tasks;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  return port;
}

static wharf_port_stats_t stats(wharf_port_t port) {
  wharf_port_stats_t stats = {0};
  stats.size = sizeof stats;
  CHECK_OK(wharf_port_stats(port, &stats));
  return stats;
}

int main(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_message_t message;

  wharf_port_t refuse = with(runtime, 3, WHARF_FULL_REFUSE, 0, 0);
  for (uint64_t tag = 0; tag < 3; tag++) CHECK_OK(wharf_post(refuse, tag, NULL));
  REFUSED(wharf_post(refuse, 3, NULL), WHARF_FULL);
  CHECK_OK(wharf_timer_after(refuse, 9, 0, NULL));
  CHECK(stats(refuse).waiting == 4 && stats(refuse).refused == 1 && stats(refuse).posted == 4);
  for (uint64_t tag = 0; tag < 3; tag++) expect(refuse, tag, WHARF_KIND_DATA);
  expect(refuse, 9, WHARF_KIND_OK);
  CHECK_OK(wharf_post(refuse, 4, NULL));
  for (uint64_t tag = 0; tag < 3; tag++) CHECK_OK(wharf_post_control(refuse, tag, NULL));
  REFUSED(wharf_post_control(refuse, 3, NULL), WHARF_FULL);

  wharf_port_t oldest = with(runtime, 3, WHARF_FULL_DROP_OLDEST, 0, 0);
  CHECK_OK(wharf_timer_after(oldest, 9, 0, NULL));
  for (uint64_t tag = 0; tag < 10; tag++) CHECK_OK(wharf_post(oldest, tag, NULL));
  expect(oldest, 9, WHARF_KIND_OK);
  for (uint64_t tag = 7; tag < 10; tag++) expect(oldest, tag, WHARF_KIND_DATA);
  CHECK(stats(oldest).dropped == 7 && stats(oldest).refused == 0);

  wharf_port_t latest = with(runtime, 2, WHARF_FULL_KEEP_LATEST, 0, 0);
  wharf_value_t value = {0};
  value.type = WHARF_TYPE_INT64;
  for (value.value.as_int64 = 0; value.value.as_int64 < 9; value.value.as_int64++)
    CHECK_OK(wharf_post(latest, 5, &value));
  CHECK_OK(wharf_post(latest, 6, NULL));
  message = next(latest);
  CHECK(message.tag == 5 && message.value.value.as_int64 == 8);
  expect(latest, 6, WHARF_KIND_DATA);
  CHECK(stats(latest).dropped == 8);

  /* A stream waits for room, loses nothing, and ends. */
  wharf_port_t narrow = with(runtime, 2, WHARF_FULL_REFUSE, 0, 0);
  CHECK_OK(harbour_count(narrow, 1, 300, NULL));
  for (int64_t number = 0; number < 300; number++) {
    message = next(narrow);
    CHECK(message.kind == WHARF_KIND_DATA && message.value.value.as_int64 == number);
    CHECK(stats(narrow).waiting <= 2 + 1); /* and the terminal message */
  }
  expect(narrow, 1, WHARF_KIND_OK);

  /* A stream waits for credit. */
  wharf_port_t credit = with(runtime, 0, WHARF_FULL_REFUSE, 1, 0);
  REFUSED(wharf_post(credit, 1, NULL), WHARF_FULL);
  CHECK_OK(harbour_count(credit, 1, 10, NULL));
  for (int64_t number = 0; number < 10;) {
    CHECK_OK(wharf_port_grant(credit, 5));
    for (int i = 0; i < 5; i++, number++) {
      message = next(credit);
      CHECK(message.kind == WHARF_KIND_DATA && message.value.value.as_int64 == number);
    }
    if (number < 10) expect_nothing(credit); /* none without credit, however long */
  }
  expect(credit, 1, WHARF_KIND_OK);

  /* Tasks have a limit, too. */
  wharf_task_t task;
  wharf_port_t few = with(runtime, 0, 0, 0, 2);
  CHECK_OK(harbour_wait(few, 1, &task));
  CHECK_OK(harbour_wait(few, 2, NULL));
  REFUSED(harbour_wait(few, 3, NULL), WHARF_LIMIT);
  CHECK_OK(wharf_task_cancel(task));
  expect(few, 1, WHARF_KIND_CANCELLED);
  CHECK_OK(harbour_wait(few, 4, NULL));
  CHECK(stats(few).tasks == 2);
  end_runtime(runtime);
  return 0;
}
