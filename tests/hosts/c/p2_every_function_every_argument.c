/* P2: a refused call answers with a status at once and posts nothing: every function with every
 * argument that it can't take. */
#include "check.h"

/* A length that no memory holds is not the end of the process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

static int32_t never(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  abort();
}
static void never_drop(void *context) { (void)context; abort(); }
static void never_handle(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)port, (void)message;
  abort();
}
static void never_notify(void *context, wharf_port_t port) { (void)context, (void)port; abort(); }
static bool never_post(int64_t port, wharf_value_t *message) {
  (void)port, (void)message;
  abort();
}

static void ids(uint64_t id) {
  wharf_message_t message;
  wharf_port_stats_t stats = {0};
  wharf_port_t out;
  size_t count = 9;
  int fd;
  stats.size = sizeof stats;
  if (id != 0) { /* 0 is the default runtime */
    REFUSED(wharf_port_open(id, NULL, &out), WHARF_NO_RUNTIME);
    REFUSED(wharf_port_serve(id, never_handle, NULL, NULL, &out), WHARF_NO_RUNTIME);
    REFUSED(wharf_port_dart(id, 1, never_post, 0, NULL, &out), WHARF_NO_RUNTIME);
  }
  REFUSED(wharf_runtime_shutdown(id, 0), WHARF_NO_RUNTIME);
  REFUSED(wharf_runtime_free(id), WHARF_NO_RUNTIME);
  REFUSED(wharf_port_recv(id, &message, 0), WHARF_NO_PORT);
  REFUSED(wharf_port_try_recv(id, &message), WHARF_NO_PORT);
  REFUSED(wharf_port_recv_batch(id, &message, 1, &count, 0), WHARF_NO_PORT);
  CHECK(count == 0);
  REFUSED(wharf_port_descriptor(id, &fd), WHARF_NO_PORT);
  REFUSED(wharf_port_notify(id, never_notify, NULL), WHARF_NO_PORT);
  REFUSED(wharf_port_grant(id, 1), WHARF_NO_PORT);
  REFUSED(wharf_port_stats(id, &stats), WHARF_NO_PORT);
  REFUSED(wharf_port_close(id, 0), WHARF_NO_PORT);
  REFUSED(wharf_post(id, 1, NULL), WHARF_NO_PORT);
  REFUSED(wharf_post_control(id, 1, NULL), WHARF_NO_PORT);
  REFUSED(harbour_add(id, 1, 1, 1, NULL), WHARF_NO_PORT);
  REFUSED(wharf_spawn_fn(id, 1, never, NULL, never_drop, NULL), WHARF_NO_PORT);
  REFUSED(wharf_spawn_poll(id, 1, never, NULL, never_drop, NULL), WHARF_NO_PORT);
  REFUSED(wharf_timer_after(id, 1, 0, NULL), WHARF_NO_PORT);
  REFUSED(wharf_timer_every(id, 1, 1, NULL), WHARF_NO_PORT);
  REFUSED(wharf_task_cancel(id), WHARF_NO_TASK);
  REFUSED(wharf_task_pause(id), WHARF_NO_TASK);
  REFUSED(wharf_task_resume(id), WHARF_NO_TASK);
  REFUSED(wharf_task_wake(id), WHARF_NO_TASK);
  CHECK(wharf_task_is_cancelled(id));
}

static void options(wharf_runtime_t runtime) {
  wharf_runtime_t new;
  wharf_port_t port;
  wharf_runtime_options_t r = {0};
  wharf_port_options_t p = {0};
  struct { wharf_port_options_t known; uint64_t unknown; } later = {0};

  REFUSED(wharf_runtime_new(&r, &new), WHARF_BAD_OPTION); /* size is 0 */
  r.size = 1u << 20;
  REFUSED(wharf_runtime_new(&r, &new), WHARF_BAD_OPTION);
  r.size = sizeof r;
  r.worker_threads = 1u << 30;
  REFUSED(wharf_runtime_new(&r, &new), WHARF_BAD_OPTION);
  r.worker_threads = 0;
  r.thread_stack_size = SIZE_MAX;
  REFUSED(wharf_runtime_new(&r, &new), WHARF_BAD_OPTION);
  r.thread_stack_size = 0;
  r.thread_name = "\xc3";
  REFUSED(wharf_runtime_new(&r, &new), WHARF_NOT_UTF8);

  p.size = sizeof p;
  p.when_full = 9;
  REFUSED(wharf_port_open(runtime, &p, &port), WHARF_BAD_OPTION);
  /* A struct from a later header: fine while what is unknown is 0. */
  later.known.size = sizeof later;
  CHECK_OK(wharf_port_open(runtime, &later.known, &port));
  CHECK_OK(wharf_port_close(port, LONG));
  later.unknown = 1;
  REFUSED(wharf_port_open(runtime, &later.known, &port), WHARF_BAD_OPTION);
  /* And from an earlier one. */
  p.when_full = 0;
  p.size = sizeof p.size;
  CHECK_OK(wharf_port_open(runtime, &p, &port));
  CHECK_OK(wharf_port_close(port, LONG));
}

int main(void) {
  wharf_runtime_t runtime = new_runtime(1);
  wharf_port_t port = open_port(runtime), closed = open_port(runtime);
  wharf_message_t message;
  wharf_task_t task;
  size_t count;

  CHECK_OK(wharf_timer_after(port, 1, 0, &task));
  expect(port, 1, WHARF_KIND_OK);
  CHECK_OK(wharf_port_close(closed, LONG));
  uint64_t wrong[] = {0, 1, 77, UINT64_MAX, INT64_MAX, closed, closed ^ 1, closed + 1,
                      port | UINT64_C(1) << 63, task ^ 1};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) ids(wrong[i]);
  REFUSED(wharf_task_cancel(task), WHARF_NO_TASK);
  REFUSED(wharf_task_cancel(port), WHARF_NO_TASK);
  REFUSED(wharf_task_cancel(runtime), WHARF_NO_TASK);
  REFUSED(wharf_port_close(runtime, 0), WHARF_NO_PORT);
  REFUSED(wharf_port_open(port, NULL, &closed), WHARF_NO_RUNTIME);

  /* NULL for each pointer that is needed. */
  REFUSED(wharf_runtime_new(NULL, NULL), WHARF_NULL);
  REFUSED(wharf_runtime_default(NULL), WHARF_NULL);
  REFUSED(wharf_port_open(runtime, NULL, NULL), WHARF_NULL);
  REFUSED(wharf_port_serve(runtime, NULL, NULL, NULL, &closed), WHARF_NULL);
  REFUSED(wharf_port_serve(runtime, never_handle, NULL, NULL, NULL), WHARF_NULL);
  REFUSED(wharf_port_dart(runtime, 1, NULL, 0, NULL, &closed), WHARF_NULL);
  REFUSED(wharf_port_dart(runtime, 1, never_post, 0, NULL, NULL), WHARF_NULL);
  REFUSED(wharf_port_recv(port, NULL, 0), WHARF_NULL);
  REFUSED(wharf_port_recv_batch(port, NULL, 1, &count, 0), WHARF_NULL);
  REFUSED(wharf_port_recv_batch(port, &message, 1, NULL, 0), WHARF_NULL);
  REFUSED(wharf_port_descriptor(port, NULL), WHARF_NULL);
  REFUSED(wharf_port_notify(port, NULL, NULL), WHARF_NULL);
  REFUSED(wharf_port_stats(port, NULL), WHARF_NULL);
  REFUSED(wharf_spawn_fn(port, 1, NULL, NULL, never_drop, NULL), WHARF_NULL);
  REFUSED(wharf_spawn_poll(port, 1, NULL, NULL, never_drop, NULL), WHARF_NULL);
  REFUSED(wharf_message_free(NULL), WHARF_NULL);
  REFUSED(wharf_messages_free(NULL, 1), WHARF_NULL);
  CHECK_OK(wharf_messages_free(NULL, 0));
  REFUSED(wharf_value_copy(NULL, &message.value), WHARF_NULL);
  REFUSED(wharf_value_copy(&message.value, NULL), WHARF_NULL);
  REFUSED(wharf_value_free(NULL), WHARF_NULL);
  CHECK(wharf_message_text(NULL) == NULL);
  CHECK(wharf_last_error_message(NULL, 10) == 0);
  store_dart_post_cobject(NULL);
  REFUSED(harbour_echo(port, 1, NULL, NULL), WHARF_NULL);
  REFUSED(harbour_sum(port, 1, NULL, 5, NULL), WHARF_NULL);
  REFUSED(harbour_mirror(port, 1, NULL, NULL), WHARF_NULL);

  /* Lengths and times. */
  REFUSED(wharf_port_recv_batch(port, &message, 0, &count, 0), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_port_recv_batch(port, &message, SIZE_MAX, &count, 0), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_messages_free(&message, SIZE_MAX), WHARF_OUT_OF_RANGE);
  REFUSED(harbour_sum(port, 1, (const uint8_t *)"", SIZE_MAX, NULL), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_port_recv(port, &message, -2), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_port_close(port, INT64_MIN), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_runtime_shutdown(runtime, -7), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_timer_every(port, 1, 0, NULL), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_port_dart(runtime, 0, never_post, 0, NULL, &closed), WHARF_OUT_OF_RANGE);
  REFUSED(wharf_port_dart(runtime, 1, never_post, 3, NULL, &closed), WHARF_BAD_OPTION);
  REFUSED(wharf_group_close(0, 0), WHARF_OUT_OF_RANGE);
  REFUSED(harbour_verdicts(port, 1, (const int32_t *)&message, SIZE_MAX / 16, NULL), WHARF_NO_MEMORY);
  /* Numbers from anywhere in memory. */
  unsigned char bytes[1 + 3 * sizeof(int32_t)] = {0};
  CHECK_OK(harbour_verdicts(port, 2, (const int32_t *)(const void *)(bytes + 1), 3, NULL));
  message = next(port);
  CHECK(message.tag == 2 && message.kind == WHARF_KIND_OK);
  CHECK(message.value.value.as_array.length == 3);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(harbour_sum(port, 2, NULL, 0, NULL));
  expect(port, 2, WHARF_KIND_OK);
  REFUSED(harbour_echo(port, 1, "\xf0\x28", NULL), WHARF_NOT_UTF8);
  REFUSED(harbour_length(port, 1, "\x80", NULL), WHARF_NOT_UTF8);
  options(runtime);

  /* The wrong kind of port, the wrong state. */
  REFUSED(wharf_runtime_free(runtime), WHARF_WRONG_STATE);
  int fd;
  CHECK_OK(wharf_port_descriptor(port, &fd));
  REFUSED(wharf_port_notify(port, never_notify, NULL), WHARF_WRONG_STATE);
  CHECK_OK(wharf_port_serve(runtime, never_handle, NULL, NULL, &closed));
  REFUSED(wharf_port_recv(closed, &message, 0), WHARF_WRONG_STATE);
  REFUSED(wharf_port_descriptor(closed, &fd), WHARF_WRONG_STATE);

  /* Nothing of all this has left a message. */
  expect_nothing(port);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  REFUSED(wharf_port_open(runtime, NULL, &closed), WHARF_SHUT_DOWN);
  REFUSED(wharf_post(port, 1, NULL), WHARF_SHUT_DOWN);
  REFUSED(wharf_spawn_fn(port, 1, never, NULL, never_drop, NULL), WHARF_SHUT_DOWN);
  REFUSED(wharf_timer_after(port, 1, 0, NULL), WHARF_SHUT_DOWN);
  expect_nothing(port);

  /* The words for it all. */
  for (int32_t status = 0; status < 100; status++) {
    const char *text = wharf_status_text(status);
    CHECK(text == NULL || strlen(text) > 0);
  }
  CHECK(wharf_status_text(WHARF_PANICKED) != NULL && wharf_status_text(-1) == NULL);
  char small[5];
  size_t written = wharf_last_error_message(small, sizeof small);
  CHECK(written == 4 && small[4] == 0);
  CHECK_OK(wharf_runtime_free(runtime));
  return 0;
}
