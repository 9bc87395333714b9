/* P3: `cancelled` arrives after the task's future has been dropped and what it held is free. */
#include "check.h"

#include <sched.h>

static wharf_runtime_t runtime;

/* One at a time, so that what is alive is the task's. */
static void at_the_acknowledgement_nothing_is_held(void) {
  wharf_port_t port = open_port(runtime);
  uint64_t seed = 1;
  long cancelled = 0, over = 0;
  for (uint64_t tag = 0; tag < 2000; tag++) {
    parcel_t parcel = {{0}, 0};
    wharf_value_t value = parcel_value(&parcel);
    wharf_task_t task;
    int keeps = draw(&seed) % 2;
    if (keeps)
      CHECK_OK(harbour_keep(port, tag, &value, &task));
    else
      CHECK_OK(harbour_shift(port, tag, draw(&seed) % 40, &task));
    /* Some are cancelled before their first poll, some in the midst, some after their end. */
    for (uint64_t wait = draw(&seed) % 200; wait > 0; wait--) stats_of(port);
    wharf_status_t asked = wharf_task_cancel(task);
    CHECK(asked == WHARF_OK || asked == WHARF_NO_TASK);
    wharf_status_t again = wharf_task_cancel(task);
    CHECK(again == WHARF_OK || again == WHARF_NO_TASK);
    wharf_message_t message = next(port);
    CHECK(message.tag == tag && message.task == task);
    CHECK(message.kind == WHARF_KIND_CANCELLED || (!keeps && message.kind == WHARF_KIND_OK));
    CHECK(harbour_alive() == 0);
    CHECK(!keeps || atomic_load(&parcel.freed) == 1);
    if (message.kind == WHARF_KIND_CANCELLED) {
      CHECK(asked == WHARF_OK);
      cancelled++;
    } else {
      over++;
    }
    REFUSED(wharf_task_cancel(task), WHARF_NO_TASK);
    CHECK_OK(wharf_message_free(&message));
    expect_nothing(port);
  }
  CHECK(cancelled > 0 && over > 0);
  CHECK_OK(wharf_port_close(port, LONG));
}

/* At each of the points at which a task can be cancelled: credit lets it go so far and no further. */
static void at_every_await_point(void) {
  enum { POINTS = 30 };
  wharf_port_options_t options = {0};
  options.size = sizeof options;
  options.needs_credit = 1;
  for (uint64_t point = 0; point < POINTS; point++) {
    wharf_port_t port;
    wharf_task_t task;
    CHECK_OK(wharf_port_open(runtime, &options, &port));
    CHECK_OK(wharf_port_grant(port, point));
    CHECK_OK(harbour_count(port, point, POINTS, &task));
    for (uint64_t at = 0; at < point; at++) expect(port, point, WHARF_KIND_DATA);
    while (harbour_alive() == 0) stats_of(port);
    CHECK_OK(wharf_task_cancel(task));
    expect(port, point, WHARF_KIND_CANCELLED);
    CHECK(harbour_alive() == 0);
    expect_nothing(port);
    CHECK_OK(wharf_port_close(port, LONG));
  }
}

/* A function on the blocking pool can't be stopped from outside: it looks, and ends by itself. */
static void a_blocking_function_sees_it(void) {
  wharf_port_t port = open_port(runtime);
  wharf_task_t task;
  CHECK_OK(harbour_turn(port, 1, &task));
  while (harbour_alive() == 0) stats_of(port);
  CHECK_OK(wharf_task_cancel(task));
  /* It may have seen the first one and ended since. */
  wharf_status_t again = wharf_task_cancel(task);
  CHECK(again == WHARF_OK || again == WHARF_NO_TASK);
  expect(port, 1, WHARF_KIND_OK);
  CHECK(harbour_alive() == 0);
  CHECK_OK(wharf_port_close(port, LONG));
}

static atomic_int stop;
static _Atomic uint64_t current;

static void *cancels(void *nothing) {
  while (!atomic_load(&stop)) {
    wharf_status_t status = wharf_task_cancel(atomic_load(&current));
    CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
  }
  return nothing;
}

/* Two threads cancel whatever is running. */
static void from_several_threads(void) {
  wharf_port_t port = open_port(runtime);
  pthread_t threads[] = {start(cancels, NULL), start(cancels, NULL)};
  for (uint64_t tag = 0; tag < 2000; tag++) {
    wharf_task_t task;
    CHECK_OK(harbour_wait(port, tag, &task));
    atomic_store(&current, task);
    expect(port, tag, WHARF_KIND_CANCELLED);
    CHECK(harbour_alive() == 0);
  }
  atomic_store(&stop, 1);
  join(threads[0]);
  join(threads[1]);
  CHECK_OK(wharf_port_close(port, LONG));
}

static atomic_int holding, let_go, polls, drops;

static int32_t holds(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  atomic_store(&holding, 1);
  while (!atomic_load(&let_go)) sched_yield();
  return 0;
}

static int32_t counts(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  atomic_fetch_add(&polls, 1);
  return 0;
}

static void dropped(void *context) {
  (void)context;
  atomic_fetch_add(&drops, 1);
}

/* Its end was asked for before the only worker came to it, by its id and by closing its port: it is not
 * begun. */
static void before_the_first_poll(void) {
  wharf_runtime_t narrow = new_runtime(1);
  wharf_port_t port = open_port(narrow), closed = open_port(narrow);
  CHECK_OK(wharf_spawn_poll(port, 1, holds, NULL, NULL, NULL));
  while (!atomic_load(&holding)) sched_yield();
  wharf_task_t task;
  CHECK_OK(wharf_spawn_poll(port, 2, counts, NULL, dropped, &task));
  CHECK_OK(wharf_spawn_poll(closed, 3, counts, NULL, dropped, NULL));
  CHECK_OK(wharf_spawn_poll(port, 4, counts, NULL, dropped, NULL));
  CHECK_OK(wharf_task_cancel(task));
  REFUSED(wharf_port_close(closed, 0), WHARF_TIMEOUT);
  atomic_store(&let_go, 1);
  expect(port, 1, WHARF_KIND_OK);
  expect(port, 2, WHARF_KIND_CANCELLED);
  expect(port, 4, WHARF_KIND_OK);
  CHECK_OK(wharf_port_close(closed, LONG));
  CHECK(atomic_load(&polls) == 1 && atomic_load(&drops) == 3);
  CHECK_OK(wharf_port_close(port, LONG));
  end_runtime(narrow);
}

int main(void) {
  before_the_first_poll();
  runtime = new_runtime(2);
  at_the_acknowledgement_nothing_is_held();
  at_every_await_point();
  a_blocking_function_sees_it();
  from_several_threads();
  end_runtime(runtime);
  return 0;
}
