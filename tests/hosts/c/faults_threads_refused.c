/* The system refuses threads: what was accepted is answered all the same, and every close returns. */
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

/* How many threads the system still gives. */
static atomic_int threads_left = INT32_MAX;

/* Stands before the C library's own, for the program and for all that it loads. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *),
                   void *argument) {
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  if (atomic_fetch_sub(&threads_left, 1) <= 0) {
    atomic_store(&threads_left, 0);
    return EAGAIN;
  }
  return real(thread, attributes, begin, argument);
}

static void allow_threads(int count) { atomic_store(&threads_left, count); }

/* A stack that no memory holds: threads of this runtime can never be had. */
static wharf_runtime_t threadless(void) {
  wharf_runtime_options_t options = {0};
  wharf_runtime_t runtime;
  options.size = sizeof options;
  options.thread_stack_size = (size_t)1 << 46;
  CHECK_OK(wharf_runtime_new(&options, &runtime));
  return runtime;
}

/* The end of a task for which there was no thread. */
static void check_refusal(const wharf_message_t *message) {
  CHECK(message->kind == WHARF_KIND_ERROR && message->code == -WHARF_SYSTEM);
  CHECK(strstr(wharf_message_text(message), "thread") != NULL);
  CHECK(strstr(wharf_message_text(message), "os error") != NULL);
}

static void expect_refusal(wharf_port_t port, uint64_t tag) {
  wharf_message_t message = next(port);
  CHECK(message.tag == tag);
  check_refusal(&message);
  CHECK_OK(wharf_message_free(&message));
}

static int32_t seven(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task;
  *result = int_value(7);
  return 0;
}

static atomic_int dropped;

static void count_drop(void *context) {
  (void)context;
  atomic_fetch_add(&dropped, 1);
}

/* Each way to submit is answered, before the call returns even, and nothing is held any more. */
static void every_way_is_answered_where_there_is_no_thread(void) {
  wharf_runtime_t runtime = threadless();
  wharf_port_t port = open_port(runtime);
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = parcel_value(&parcel);
  wharf_task_t task;
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  CHECK_OK(harbour_wait(port, 2, &task));
  CHECK(wharf_task_cancel(task) == WHARF_NO_TASK);
  CHECK_OK(harbour_keep(port, 3, &value, NULL));
  CHECK_OK(harbour_countdown(port, 4, 9, NULL));
  CHECK_OK(harbour_turn(port, 5, NULL));
  CHECK_OK(wharf_spawn_fn(port, 6, seven, NULL, count_drop, NULL));
  CHECK_OK(wharf_spawn_poll(port, 7, seven, NULL, count_drop, NULL));
  CHECK_OK(wharf_timer_after(port, 8, 1, NULL));
  CHECK_OK(wharf_timer_every(port, 9, 1, NULL));
  CHECK(stats_of(port).waiting == 9 && stats_of(port).tasks == 0);
  CHECK(atomic_load(&parcel.freed) == 1 && atomic_load(&dropped) == 2 && harbour_alive() == 0);
  for (uint64_t tag = 1; tag <= 9; tag++) expect_refusal(port, tag);
  expect_nothing(port);
  CHECK_OK(wharf_port_close(port, WHARF_FOREVER));
  end_runtime(runtime);
}

static atomic_int handled;

static void handle(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)port;
  if (message->kind != WHARF_KIND_DATA) check_refusal(message);
  atomic_fetch_add(&handled, 1);
}

static wharf_port_t serve(wharf_runtime_t runtime) {
  wharf_port_t port;
  atomic_store(&handled, 0);
  CHECK_OK(wharf_port_serve(runtime, handle, NULL, NULL, &port));
  return port;
}

/* No worker has ever come to drain a handler's port: what is in it is handled at the end, last words of
 * tasks and all; or, where not one thread is to be had, the end is not held up. */
static void a_handler_is_given_its_messages_at_the_end(bool allowed) {
  wharf_runtime_t runtime = threadless();
  wharf_port_t port = serve(runtime);
  CHECK_OK(wharf_post(port, 9, NULL));
  for (uint64_t tag = 1; tag <= 3; tag++) CHECK_OK(harbour_wait(port, tag, NULL));
  allow_threads(allowed ? INT32_MAX : 0);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK(atomic_load(&handled) == (allowed ? 4 : 0));
  allow_threads(INT32_MAX);
  CHECK_OK(wharf_runtime_free(runtime));
}

static void a_handler_is_not_waited_for_by_a_close(void) {
  wharf_runtime_t runtime = threadless();
  wharf_port_t port = serve(runtime);
  CHECK_OK(wharf_post(port, 9, NULL));
  CHECK_OK(harbour_wait(port, 1, NULL));
  CHECK_OK(wharf_port_close(port, WHARF_FOREVER));
  CHECK(atomic_load(&handled) == 0);
  end_runtime(runtime);
}

/* Threads are to be had again: the next call brings them, and handlers get what has been left. */
static void all_goes_on_when_threads_come_back(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime), served = serve(runtime);
  allow_threads(0);
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  expect_refusal(port, 1);
  for (uint64_t tag = 1; tag <= 3; tag++) CHECK_OK(wharf_post(served, tag, NULL));
  CHECK_OK(harbour_shift(port, 2, 5, NULL));
  expect_refusal(port, 2);
  CHECK(atomic_load(&handled) == 0);
  allow_threads(INT32_MAX);
  CHECK_OK(harbour_add(port, 3, 1, 1, NULL));
  expect(port, 3, WHARF_KIND_OK);
  while (atomic_load(&handled) < 3) sched_yield();
  CHECK_OK(wharf_port_close(served, WHARF_FOREVER));
  CHECK_OK(wharf_port_close(port, WHARF_FOREVER));
  end_runtime(runtime);
}

/* A runtime that nobody will end is ended where it is given up. */
static void a_runtime_is_given_up_without_a_thread(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime);
  allow_threads(0);
  CHECK_OK(harbour_wait(port, 1, NULL));
  wharf_owner_drop(wharf_owner_new(runtime));
  CHECK(wharf_runtime_shutdown(runtime, 0) == WHARF_NO_RUNTIME);
  CHECK(wharf_port_close(port, 0) == WHARF_NO_PORT);
  allow_threads(INT32_MAX);
}

/* The first `given` threads come, whoever asks, and no more: the first worker is refused, or the
 * second, or those of the blocking pool. */
static void a_mixed_load_with_so_many_threads(int given) {
  enum { ROUNDS = 20, WAYS = 8 };
  allow_threads(given);
  wharf_runtime_t runtime = new_runtime(3);
  wharf_port_t port = open_port(runtime), served = serve(runtime);
  int seen[ROUNDS * WAYS] = {0};
  for (uint64_t tag = 0; tag < ROUNDS * WAYS; tag += WAYS) {
    wharf_task_t turn = 0, wait = 0;
    CHECK_OK(harbour_add(port, tag, 1, 1, NULL));
    CHECK_OK(harbour_shift(port, tag + 1, 9, NULL));
    CHECK_OK(harbour_turn(port, tag + 2, &turn));
    CHECK_OK(harbour_wait(port, tag + 3, &wait));
    CHECK_OK(wharf_spawn_fn(port, tag + 4, seven, NULL, NULL, NULL));
    CHECK_OK(wharf_spawn_poll(port, tag + 5, seven, NULL, NULL, NULL));
    CHECK_OK(wharf_timer_after(port, tag + 6, 1000, NULL));
    CHECK_OK(harbour_countdown(port, tag + 7, 3, NULL));
    CHECK_OK(wharf_post(served, tag, NULL));
    wharf_status_t status = wharf_task_cancel(turn);
    CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
    status = wharf_task_cancel(wait);
    CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
  }
  for (int ends = 0; ends < ROUNDS * WAYS;) {
    wharf_message_t message = next(port);
    if (is_terminal(message.kind)) ends += seen[message.tag]++ == 0;
    if (message.kind == WHARF_KIND_ERROR) check_refusal(&message);
    CHECK_OK(wharf_message_free(&message));
  }
  expect_nothing(port);
  for (int tag = 0; tag < ROUNDS * WAYS; tag++) CHECK(seen[tag] == 1);
  CHECK(harbour_alive() == 0);
  CHECK_OK(wharf_port_close(served, WHARF_FOREVER));
  CHECK_OK(wharf_port_close(port, WHARF_FOREVER));
  allow_threads(INT32_MAX);
  end_runtime(runtime);
}

int main(void) {
  every_way_is_answered_where_there_is_no_thread();
  a_handler_is_given_its_messages_at_the_end(true);
  a_handler_is_given_its_messages_at_the_end(false);
  a_handler_is_not_waited_for_by_a_close();
  all_goes_on_when_threads_come_back();
  a_runtime_is_given_up_without_a_thread();
  for (int given = 0; given < 7; given++) a_mixed_load_with_so_many_threads(given);
  return 0;
}
