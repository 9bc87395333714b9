/* A thread that ends may still call in: from the destructor of a thread's own data, after the library's
 * own of that thread are gone. Such a call does what it says, or is refused and posts nothing. */
#include "check.h"

/* What the C library keeps of a thread's destructors that are named after it has run them. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:__cxa_thread_atexit_impl\n"; }

static pthread_key_t key;
/* Its first call comes at its end: a refusal's words would stay behind, for nobody frees them then. */
static bool first_at_the_end;
static wharf_runtime_t runtime;
static wharf_port_t port;
static atomic_int rounds, dropped;

static int32_t work(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  return 0;
}
static void drop(void *context) {
  (void)context;
  atomic_fetch_add(&dropped, 1);
}
static void handler(void *context, wharf_port_t self, wharf_message_t *message) {
  (void)context, (void)self, (void)message;
}

/* Every kind of call: what submits, posts, receives, opens, closes, is refused. */
static void call_everything(void) {
  wharf_port_t own, served;
  wharf_task_t task;
  wharf_message_t message;
  wharf_value_t number = int_value(1);
  parcel_t parcel = {0};
  wharf_value_t bytes = parcel_value(&parcel);
  int fd;
  CHECK_OK(wharf_port_open(runtime, NULL, &own));
  CHECK_OK(wharf_port_descriptor(own, &fd));
  CHECK_OK(wharf_port_serve(runtime, handler, NULL, NULL, &served));
  CHECK_OK(wharf_post(served, 1, &number));
  CHECK_OK(wharf_post(own, 1, &bytes));
  expect(own, 1, WHARF_KIND_DATA);
  CHECK(atomic_load(&parcel.freed) == 1);
  CHECK_OK(wharf_timer_after(own, 2, 0, NULL));
  expect(own, 2, WHARF_KIND_OK);
  CHECK_OK(wharf_timer_after(own, 3, 1000, NULL));
  expect(own, 3, WHARF_KIND_OK);
  CHECK_OK(wharf_timer_every(own, 4, 1000000, &task));
  CHECK_OK(wharf_task_pause(task));
  CHECK_OK(wharf_task_resume(task));
  CHECK_OK(wharf_task_cancel(task));
  do message = next(own); while (!is_terminal(message.kind));
  CHECK(message.tag == 4 && message.kind == WHARF_KIND_CANCELLED);
  CHECK_OK(wharf_spawn_fn(own, 5, work, NULL, drop, NULL));
  expect(own, 5, WHARF_KIND_OK);
  CHECK_OK(wharf_spawn_poll(own, 6, work, NULL, drop, NULL));
  expect(own, 6, WHARF_KIND_OK);
  CHECK_OK(harbour_echo(own, 7, "ahoy", NULL));
  expect(own, 7, WHARF_KIND_OK);
  CHECK(wharf_port_try_recv(own, &message) == WHARF_EMPTY);
  CHECK(wharf_port_recv(own, &message, 1000) == WHARF_TIMEOUT);
  if (!first_at_the_end) {
    CHECK(harbour_echo(own, 8, NULL, NULL) == WHARF_NULL);
    CHECK(wharf_port_close(UINT64_MAX, 0) == WHARF_NO_PORT);
    /* The words of an error may be gone by now; its status is not. */
    CHECK(wharf_last_error_length() == 0 || wharf_last_error_code() == WHARF_NO_PORT);
  }
  wharf_owner_drop(wharf_owner_new(served));
  CHECK_OK(wharf_port_close(own, LONG));
  wharf_runtime_t second = new_runtime(1);
  own = open_port(second);
  CHECK_OK(harbour_wait(own, 9, NULL));
  end_runtime(second);
}

/* The system calls destructors in rounds, and the library's thread-locals go in the first or before. */
static void at_the_end(void *again) {
  (void)again;
  if (atomic_fetch_add(&rounds, 1) < 2) CHECK(pthread_setspecific(key, &key) == 0);
  call_everything();
  CHECK_OK(wharf_post(port, 1, NULL));
}

static void *thread(void *calls_before) {
  CHECK(pthread_setspecific(key, &key) == 0);
  if (calls_before != NULL) call_everything();
  return NULL;
}

int main(void) {
  runtime = new_runtime(2);
  port = open_port(runtime);
  CHECK(pthread_key_create(&key, at_the_end) == 0);
  for (int i = 0; i < 2; i++) {
    first_at_the_end = i == 0;
    atomic_store(&rounds, 0);
    atomic_store(&dropped, 0);
    join(start(thread, i ? &key : NULL));
    CHECK(atomic_load(&rounds) == 3 && atomic_load(&dropped) == 2 * (3 + i));
    for (int round = 0; round < 3; round++) expect(port, 1, WHARF_KIND_DATA);
    expect_nothing(port);
  }
  end_runtime(runtime);
  return 0;
}
