/* P1: each accepted task is answered by exactly one terminal message, however it ends, whatever
 * the port's policy, and however full the port is. */
#include "check.h"

enum { THREADS = 4, EACH = 2500, TASKS = THREADS * EACH };

static unsigned char terminals[TASKS];
static atomic_long accepted;

/* Takes out what is there and counts the terminal messages by tag; returns how many came. */
static long drain(wharf_port_t port, int64_t wait) {
  wharf_message_t messages[64];
  size_t count;
  long seen = 0;
  while (wharf_port_recv_batch(port, messages, 64, &count, wait) == WHARF_OK) {
    for (size_t at = 0; at < count; at++) {
      if (!is_terminal(messages[at].kind)) continue;
      CHECK(messages[at].tag < TASKS);
      CHECK(terminals[messages[at].tag]++ == 0);
      seen++;
    }
    CHECK_OK(wharf_messages_free(messages, count));
    if (wait != 0 && seen == atomic_load(&accepted)) break;
  }
  return seen;
}

/* One of each way to end, by turns. */
static wharf_status_t submit(wharf_port_t port, uint64_t tag) {
  switch (tag % 8) {
  case 0: return harbour_add(port, tag, 1, 1, NULL);
  case 1: return harbour_fail(port, tag, 3, NULL);
  case 2: return harbour_sleep(port, tag, 1000 * (tag % 97), NULL);
  case 3: return harbour_shift(port, tag, tag % 13, NULL);
  case 4: return harbour_unsendable(port, tag, NULL);
  case 5: return harbour_echo(port, tag, "ahoy", NULL);
  case 6: return harbour_count(port, tag, 0, NULL);
  default: return harbour_lend(port, tag, 8, NULL);
  }
}

struct part { wharf_port_t port; uint64_t first; };

static void *submit_all(void *argument) {
  struct part *part = argument;
  for (uint64_t tag = part->first; tag < part->first + EACH; tag++) {
    if (submit(part->port, tag) != WHARF_OK) {
      CHECK(wharf_last_error_code() == WHARF_SHUT_DOWN);
      break;
    }
    atomic_fetch_add(&accepted, 1);
  }
  return NULL;
}

static void spread(wharf_port_t port, struct part *parts, pthread_t *threads) {
  memset(terminals, 0, sizeof terminals);
  atomic_store(&accepted, 0);
  for (int at = 0; at < THREADS; at++) {
    parts[at] = (struct part){port, (uint64_t)at * EACH};
    threads[at] = start(submit_all, &parts[at]);
  }
}

static void every_task_is_answered_once(uint32_t policy, size_t capacity) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_options_t options = {0};
  wharf_port_t port;
  struct part parts[THREADS];
  pthread_t threads[THREADS];
  options.size = sizeof options;
  options.capacity = capacity;
  options.when_full = policy;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  spread(port, parts, threads);
  /* Data messages that fill the port must not keep an answer away. */
  for (int at = 0; at < 100; at++) wharf_post(port, 1, NULL);
  for (int at = 0; at < THREADS; at++) join(threads[at]);
  CHECK(atomic_load(&accepted) == TASKS);
  CHECK(drain(port, LONG) == TASKS);
  expect_nothing(port);
  CHECK(stats_of(port).tasks == 0);
  CHECK_OK(wharf_port_close(port, LONG));
  end_runtime(runtime);
}

/* The runtime is shut down while tasks are submitted: as many answers as accepted submits. */
static void a_shutdown_midway_loses_none(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime);
  struct part parts[THREADS];
  pthread_t threads[THREADS];
  spread(port, parts, threads);
  while (atomic_load(&accepted) < TASKS / 3) wharf_port_stats(port, &(wharf_port_stats_t){.size = 8});
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  for (int at = 0; at < THREADS; at++) join(threads[at]);
  CHECK(drain(port, 0) == atomic_load(&accepted));
  CHECK(harbour_alive() == 0);
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

static atomic_long came;

static void *receive_all(void *port) {
  wharf_message_t message;
  wharf_status_t status;
  while ((status = wharf_port_recv(*(wharf_port_t *)port, &message, WHARF_FOREVER)) == WHARF_OK) {
    atomic_fetch_add(&came, 1);
    CHECK_OK(wharf_message_free(&message));
  }
  CHECK(status == WHARF_SHUT_DOWN && wharf_last_error_code() == WHARF_SHUT_DOWN);
  return NULL;
}

/* Who waits without end at a port is told when nothing follows, be it asleep then or not. */
static void receivers_are_told_of_the_end(int tasks, bool early) {
  enum { RECEIVERS = 3 };
  wharf_runtime_t runtime = new_runtime(1);
  wharf_port_t port = open_port(runtime);
  pthread_t threads[RECEIVERS];
  wharf_message_t message;
  atomic_store(&came, 0);
  for (int at = 0; at < tasks; at++) CHECK_OK(harbour_wait(port, (uint64_t)at, NULL));
  for (int at = 0; early && at < RECEIVERS; at++) threads[at] = start(receive_all, &port);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  for (int at = 0; !early && at < RECEIVERS; at++) threads[at] = start(receive_all, &port);
  for (int at = 0; at < RECEIVERS; at++) join(threads[at]);
  CHECK(atomic_load(&came) == tasks);
  REFUSED(wharf_port_recv(port, &message, LONG), WHARF_SHUT_DOWN);
  CHECK(wharf_port_try_recv(port, &message) == WHARF_EMPTY);
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

/* The kinds themselves, and that nothing follows. */
static void each_end_has_its_kind(void) {
  wharf_runtime_t runtime = new_runtime(1);
  wharf_port_t port = open_port(runtime);
  wharf_task_t task;
  CHECK_OK(harbour_add(port, 1, 1, 2, NULL));
  expect(port, 1, WHARF_KIND_OK);
  CHECK_OK(harbour_fail(port, 2, 9, NULL));
  expect(port, 2, WHARF_KIND_ERROR);
  CHECK_OK(harbour_panic(port, 3, "on purpose", NULL));
  expect(port, 3, WHARF_KIND_PANIC);
  CHECK_OK(harbour_wait(port, 4, &task));
  CHECK_OK(wharf_task_cancel(task));
  expect(port, 4, WHARF_KIND_CANCELLED);
  CHECK_OK(harbour_trap(port, 5, &task));
  while (harbour_alive() == 0) stats_of(port);
  CHECK_OK(wharf_task_cancel(task));
  expect(port, 5, WHARF_KIND_CANCELLED);
  CHECK_OK(harbour_wait(port, 6, NULL));
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  expect(port, 6, WHARF_KIND_SHUT_DOWN);
  expect_nothing(port);
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

int main(void) {
  each_end_has_its_kind();
  every_task_is_answered_once(WHARF_FULL_REFUSE, 0);
  every_task_is_answered_once(WHARF_FULL_REFUSE, 1);
  every_task_is_answered_once(WHARF_FULL_DROP_OLDEST, 1);
  every_task_is_answered_once(WHARF_FULL_KEEP_LATEST, 2);
  for (int round = 0; round < 5; round++) a_shutdown_midway_loses_none();
  for (int round = 0; round < 20; round++) receivers_are_told_of_the_end(round % 4, round % 2);
  CHECK(harbour_lent() == 0);
  return 0;
}
