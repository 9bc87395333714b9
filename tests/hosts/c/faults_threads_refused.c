/* The system refuses threads: what was accepted is answered all the same, if only at the end. */
#include "check.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* No new threads from now on, or as many as before. The limit does not hold for root. */
static void allow_threads(bool allowed) {
  static struct rlimit before;
  struct rlimit none;
  if (before.rlim_max == 0) {
    CHECK(getrlimit(RLIMIT_NPROC, &before) == 0);
    if (geteuid() == 0) CHECK(setresuid(65534, 65534, 65534) == 0);
    /* The leak checker looks into its own process. */
    CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
  }
  none = before;
  none.rlim_cur = 0;
  CHECK(setrlimit(RLIMIT_NPROC, allowed ? &before : &none) == 0);
}

/* A stack that no memory holds: threads of this runtime can never be had. */
static wharf_runtime_t threadless(void) {
  wharf_runtime_options_t options = {0};
  wharf_runtime_t runtime;
  options.size = sizeof options;
  options.thread_stack_size = (size_t)1 << 46;
  CHECK_OK(wharf_runtime_new(&options, &runtime));
  return runtime;
}

static void a_shutdown_answers_for_threads_that_never_came(void) {
  wharf_runtime_t runtime = threadless();
  wharf_port_t port = open_port(runtime);
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = parcel_value(&parcel);
  wharf_task_t task;
  CHECK_OK(harbour_keep(port, 1, &value, &task));
  CHECK_OK(harbour_add(port, 2, 1, 1, NULL));
  CHECK_OK(harbour_add(port, 3, 1, 1, NULL));
  /* One is cancelled before; the others are answered by the end of their runtime. */
  CHECK_OK(wharf_task_cancel(task));
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  int seen[4] = {0};
  for (int at = 0; at < 3; at++) {
    wharf_message_t message = next(port);
    CHECK(seen[message.tag]++ == 0);
    CHECK(message.kind == (message.tag == 1 ? WHARF_KIND_CANCELLED : WHARF_KIND_SHUT_DOWN));
    CHECK_OK(wharf_message_free(&message));
  }
  expect_nothing(port);
  CHECK(atomic_load(&parcel.freed) == 1);
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

/* A close has nobody to drop the futures for it: it is bounded, and the shutdown ends them. */
static void a_close_is_bounded(void) {
  wharf_runtime_t runtime = threadless();
  wharf_port_t port = open_port(runtime);
  CHECK_OK(harbour_wait(port, 1, NULL));
  wharf_status_t status = wharf_port_close(port, 1000000);
  CHECK(status == WHARF_OK || status == WHARF_TIMEOUT);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK(wharf_port_close(port, LONG) == (status == WHARF_OK ? WHARF_NO_PORT : WHARF_OK));
  CHECK_OK(wharf_runtime_free(runtime));
  CHECK(harbour_alive() == 0);
}

/* A job for the blocking pool, to which no thread comes, fails and says why. */
static void a_blocking_job_without_a_thread_is_an_error(void) {
  wharf_runtime_t runtime = threadless();
  wharf_port_t port = open_port(runtime);
  CHECK_OK(harbour_turn(port, 1, NULL));
  wharf_message_t message = next(port);
  CHECK(message.tag == 1 && message.kind == WHARF_KIND_ERROR && message.code == -WHARF_SYSTEM);
  CHECK(strstr(wharf_message_text(&message), "thread") != NULL);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_port_close(port, LONG));
  end_runtime(runtime);
}

/* Threads are to be had again: the next call brings them, and they do what has been left. */
static void what_waited_is_done_when_threads_come_back(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime);
  allow_threads(false);
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  CHECK_OK(harbour_shift(port, 2, 5, NULL));
  expect_nothing(port);
  allow_threads(true);
  CHECK_OK(harbour_add(port, 3, 1, 1, NULL));
  int seen[4] = {0};
  for (int at = 0; at < 3; at++) {
    wharf_message_t message = next(port);
    CHECK(message.kind == WHARF_KIND_OK && seen[message.tag]++ == 0);
    CHECK_OK(wharf_message_free(&message));
  }
  CHECK_OK(wharf_port_close(port, LONG));
  end_runtime(runtime);
}

static atomic_int handled;

static void handle(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)port;
  CHECK(message->kind == WHARF_KIND_SHUT_DOWN || message->tag == 9);
  atomic_fetch_add(&handled, 1);
}

/* No worker has ever come to drain a handler's port: what is in it is handled at the end, last words of
 * tasks and all; or, where not one thread is to be had, the end is not held up. */
static void a_handler_is_given_its_messages_at_the_end(bool allowed) {
  wharf_runtime_t runtime = threadless();
  wharf_port_t port;
  atomic_store(&handled, 0);
  CHECK_OK(wharf_port_serve(runtime, handle, NULL, NULL, &port));
  CHECK_OK(wharf_post(port, 9, NULL));
  for (uint64_t tag = 1; tag <= 3; tag++) CHECK_OK(harbour_wait(port, tag, NULL));
  if (!allowed) allow_threads(false);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK(atomic_load(&handled) == (allowed ? 4 : 0));
  if (!allowed) allow_threads(true);
  CHECK_OK(wharf_runtime_free(runtime));
}

int main(void) {
  a_handler_is_given_its_messages_at_the_end(true);
  a_close_is_bounded();
  a_shutdown_answers_for_threads_that_never_came();
  a_handler_is_given_its_messages_at_the_end(false);
  a_blocking_job_without_a_thread_is_an_error();
  what_waited_is_done_when_threads_come_back();
  return 0;
}
