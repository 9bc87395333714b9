/* Handler ports, host functions and futures, handshakes through named ports, pausing. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int handled, concurrent, dropped;
static atomic_ullong order;

/* Answers each message at the port that is named in it. */
static void echo(void *context, wharf_port_t port, wharf_message_t *message) {
  CHECK(context == &order && atomic_fetch_add(&concurrent, 1) == 0);
  CHECK(message->value.type == WHARF_TYPE_SEND_PORT);
  wharf_port_t answer = (wharf_port_t)message->value.value.as_send_port.id;
  wharf_value_t own = {0};
  own.type = WHARF_TYPE_SEND_PORT;
  own.value.as_send_port.id = (int64_t)port;
  CHECK_OK(wharf_post(answer, message->tag, &own));
  atomic_fetch_add(&handled, 1);
  atomic_fetch_sub(&concurrent, 1);
}

static void count(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)port;
  CHECK(message->tag == atomic_load(&order));
  atomic_fetch_add(&order, 1);
  if (context != NULL) CHECK(message->kind == WHARF_KIND_OK);
}

static void drop(void *context) { (void)context; atomic_fetch_add(&dropped, 1); }

static int32_t work(void *context, wharf_task_t task, wharf_value_t *result) {
  CHECK(task != 0);
  if (context == NULL) {
    result->type = WHARF_TYPE_STRING;
    result->value.as_string = "no context";
    return 23;
  }
  result->type = WHARF_TYPE_STRING;
  result->value.as_string = context;
  return 0;
}

static int32_t bad_result(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task;
  result->type = 99;
  return 0;
}

static atomic_int polls;
static atomic_ullong polled;
static int32_t third_time(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context;
  atomic_store(&polled, task);
  int poll = atomic_fetch_add(&polls, 1);
  if (poll == 0) CHECK_OK(wharf_task_wake(task)); /* a wake during a poll counts */
  if (poll < 2) return WHARF_PENDING;
  result->type = WHARF_TYPE_INT32;
  result->value.as_int32 = poll;
  return 0;
}

static void control(wharf_port_t port, int32_t what) {
  wharf_value_t value = {0};
  value.type = WHARF_TYPE_INT32;
  value.value.as_int32 = what;
  CHECK_OK(wharf_post_control(port, 77, &value));
}

static void ping(wharf_port_t port, wharf_port_t answer, uint64_t tag) {
  wharf_value_t op = {0}, to = {0}, pair = {0}, *values[2] = {&op, &to};
  op.type = WHARF_TYPE_INT32;
  op.value.as_int32 = WHARF_CONTROL_PING;
  to.type = WHARF_TYPE_SEND_PORT;
  to.value.as_send_port.id = (int64_t)answer;
  pair.type = WHARF_TYPE_ARRAY;
  pair.value.as_array.length = 2;
  pair.value.as_array.values = values;
  CHECK_OK(wharf_post_control(port, tag, &pair));
}

/* A paused handler is called no more once its runtime has been shut down, and nobody can resume it: what it
 * was owed, the ends of tasks among it, is taken out by the host (P1, P6). */
static void what_a_paused_handler_leaves(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port, answers = open_port(runtime);
  wharf_message_t message;
  wharf_value_t resume = int_value(WHARF_CONTROL_RESUME);
  parcel_t parcel = {0};
  wharf_value_t bytes = parcel_value(&parcel);
  unsigned long long before = atomic_load(&order);
  CHECK_OK(wharf_port_serve(runtime, count, NULL, NULL, &port));
  control(port, WHARF_CONTROL_PAUSE);
  ping(port, answers, 1);
  expect(answers, 1, WHARF_KIND_DATA);
  CHECK_OK(wharf_timer_after(port, 1, 0, NULL));
  CHECK_OK(wharf_post(port, 2, &bytes));
  CHECK_OK(harbour_wait(port, 3, NULL));
  while (harbour_alive() < 1) sched_yield();
  REFUSED(wharf_port_try_recv(port, &message), WHARF_WRONG_STATE);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  REFUSED(wharf_post_control(port, 77, &resume), WHARF_SHUT_DOWN);
  CHECK(stats_of(port).waiting == 3 && stats_of(port).tasks == 0);
  expect(port, 1, WHARF_KIND_OK);
  expect(port, 2, WHARF_KIND_DATA);
  CHECK(atomic_load(&parcel.freed) == 1);
  expect(port, 3, WHARF_KIND_SHUT_DOWN);
  expect_nothing(port);
  REFUSED(wharf_port_recv(port, &message, WHARF_FOREVER), WHARF_SHUT_DOWN);
  int fd;
  REFUSED(wharf_port_descriptor(port, &fd), WHARF_WRONG_STATE);
  CHECK(atomic_load(&order) == before);
  CHECK_OK(wharf_port_close(port, LONG));
  REFUSED(wharf_port_try_recv(port, &message), WHARF_NO_PORT);
  CHECK_OK(wharf_runtime_free(runtime));
}

int main(void) {
  what_a_paused_handler_leaves();
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t answers = open_port(runtime), server, sink;
  wharf_message_t message;
  wharf_value_t name = {0};

  /* A handshake: the answer names the port that gave it. */
  CHECK_OK(wharf_port_serve(runtime, echo, &order, NULL, &server));
  name.type = WHARF_TYPE_SEND_PORT;
  name.value.as_send_port.id = (int64_t)answers;
  for (uint64_t tag = 0; tag < 500; tag++) CHECK_OK(wharf_post(server, tag, &name));
  for (uint64_t tag = 0; tag < 500; tag++) {
    message = next(answers);
    CHECK(message.tag == tag && message.value.value.as_send_port.id == (int64_t)server);
  }

  /* Paused, it obeys control messages alone; killed, it is gone. */
  control(server, WHARF_CONTROL_PAUSE);
  ping(server, answers, 1);
  expect(answers, 1, WHARF_KIND_DATA);
  CHECK_OK(wharf_post(server, 2, &name));
  ping(server, answers, 3);
  expect(answers, 3, WHARF_KIND_DATA);
  expect_nothing(answers);
  control(server, WHARF_CONTROL_RESUME);
  message = next(answers);
  CHECK(message.tag == 2);
  control(server, WHARF_CONTROL_KILL);
  while (wharf_port_close(server, LONG) != WHARF_NO_PORT) {}

  /* Results of tasks, handled in order. */
  atomic_store(&order, 0);
  CHECK_OK(wharf_port_serve(runtime, count, &order, NULL, &sink));
  for (uint64_t tag = 0; tag < 1000; tag++) CHECK_OK(wharf_timer_after(sink, tag, 0, NULL));
  /* What was accepted is handled before a shutdown has ended; see below. */

  /* Functions on the blocking pool. */
  char text[] = "from a function";
  CHECK_OK(wharf_spawn_fn(answers, 1, work, text, drop, NULL));
  message = next(answers);
  CHECK(message.kind == WHARF_KIND_OK && strcmp(wharf_message_text(&message), text) == 0);
  CHECK(wharf_message_text(&message) != text && atomic_load(&dropped) == 1);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_spawn_fn(answers, 2, work, NULL, drop, NULL));
  message = next(answers);
  CHECK(message.kind == WHARF_KIND_ERROR && message.code == 23);
  CHECK(strcmp(wharf_message_text(&message), "no context") == 0 && atomic_load(&dropped) == 2);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_spawn_fn(answers, 3, bad_result, NULL, NULL, NULL));
  message = next(answers);
  CHECK(message.kind == WHARF_KIND_ERROR && message.code == -WHARF_BAD_VALUE);
  CHECK_OK(wharf_message_free(&message));

  /* A future of the host's, woken from inside and from outside. */
  CHECK_OK(wharf_spawn_poll(answers, 4, third_time, NULL, drop, NULL));
  while (atomic_load(&polls) < 2) sched_yield();
  expect_nothing(answers);
  CHECK_OK(wharf_task_wake(atomic_load(&polled)));
  message = next(answers);
  CHECK(message.kind == WHARF_KIND_OK && message.value.value.as_int32 == 2);
  CHECK(atomic_load(&polls) == 3 && atomic_load(&dropped) == 3);
  REFUSED(wharf_task_wake(atomic_load(&polled)), WHARF_NO_TASK);

  /* A paused task goes on where it was. The poll under way may post as long as we take, but no more
     than a task's budget. */
  enum { COUNT = 1000 };
  wharf_task_t task;
  wharf_port_options_t options = {0};
  wharf_port_t narrow;
  options.size = sizeof options;
  options.capacity = 1;
  options.group = 42;
  CHECK_OK(wharf_port_open(runtime, &options, &narrow));
  CHECK_OK(harbour_count(narrow, 1, COUNT, &task));
  message = next(narrow);
  CHECK_OK(wharf_task_pause(task));
  int64_t last = message.value.value.as_int64;
  while (wharf_port_recv(narrow, &message, 20000000) == WHARF_OK) last = message.value.value.as_int64;
  CHECK(last < COUNT - 1);
  CHECK_OK(wharf_task_resume(task));
  while (++last < COUNT) {
    message = next(narrow);
    CHECK(message.kind == WHARF_KIND_DATA && message.value.value.as_int64 == last);
  }
  expect(narrow, 1, WHARF_KIND_OK);

  /* A stream of an author's: each element when there is room, then their number. */
  CHECK_OK(harbour_countdown(narrow, 9, 50, NULL));
  for (int64_t number = 50; number > 0; number--) {
    message = next(narrow);
    CHECK(message.kind == WHARF_KIND_DATA && message.value.value.as_int64 == number);
  }
  message = next(narrow);
  CHECK(message.kind == WHARF_KIND_OK && message.value.value.as_int64 == 50);

  /* A new generation ends what the last one left. */
  CHECK_OK(harbour_wait(narrow, 2, NULL));
  while (harbour_alive() < 1) sched_yield();
  CHECK_OK(wharf_group_close(42, LONG));
  CHECK(harbour_alive() == 0);
  REFUSED(wharf_port_close(narrow, 0), WHARF_NO_PORT);
  CHECK_OK(wharf_group_close(42, LONG));

  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK(atomic_load(&order) == 1000);
  CHECK_OK(wharf_runtime_free(runtime));
  return 0;
}
