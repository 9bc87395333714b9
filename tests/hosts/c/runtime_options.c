/* What can be chosen of a runtime, by a program that was compiled with this header or with an older one. */
#include "check.h"

#include <sched.h>

/* The struct as it was before members were added at its end. */
typedef struct {
  size_t size;
  uint32_t worker_threads, max_blocking_threads;
  size_t thread_stack_size;
  const char *thread_name;
} older_t;

static int32_t name_of_thread(void *context, wharf_task_t task, wharf_value_t *result) {
  static _Thread_local char name[16];
  (void)context, (void)task;
  CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
  result->type = WHARF_TYPE_STRING;
  result->value.as_string = name;
  return 0;
}

static void runs_tasks(wharf_runtime_t runtime, const char *name) {
  wharf_port_t port = open_port(runtime);
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  expect(port, 1, WHARF_KIND_OK);
  CHECK_OK(wharf_spawn_fn(port, 2, name_of_thread, NULL, NULL, NULL));
  wharf_message_t message = next(port);
  CHECK(strcmp(wharf_message_text(&message), name) == 0);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_port_close(port, LONG));
}

/* What lies behind an older struct is not read: here all of it would be wrong. */
static void an_older_program_knows_fewer_options(void) {
  union {
    wharf_runtime_options_t now;
    older_t older;
    unsigned char bytes[sizeof(wharf_runtime_options_t)];
  } options;
  static const size_t ends[] = {
      sizeof(older_t),
      offsetof(older_t, thread_name),
      offsetof(older_t, thread_stack_size),
      offsetof(older_t, max_blocking_threads),
      offsetof(older_t, worker_threads),
  };
  for (size_t at = 0; at < sizeof ends / sizeof *ends; at++) {
    size_t size = ends[at];
    wharf_runtime_t runtime;
    memset(&options, 0xff, sizeof options);
    memset(&options, 0, sizeof(older_t));
    options.older.size = size;
    options.older.thread_name = "older";
    options.older.worker_threads = 1;
    memset(options.bytes + size, 0xff, sizeof options - size);
    CHECK_OK(wharf_runtime_new(&options.now, &runtime));
    if (size == sizeof(older_t)) runs_tasks(runtime, "older");
    end_runtime(runtime);
  }
}

/* Up to a member, and into the middle of one: the bytes that are there count. */
static void each_size_is_taken(void) {
  for (size_t size = sizeof(older_t); size <= sizeof(wharf_runtime_options_t); size++) {
    wharf_runtime_t runtime;
    wharf_runtime_options_t options = {0};
    options.size = size;
    CHECK_OK(wharf_runtime_new(&options, &runtime));
    end_runtime(runtime);
  }
}

/* Each answer follows its task, with workers that look out for the next one. (That they do is the
 * executor's to test.) */
static void workers_may_spin(uint64_t limit) {
  wharf_runtime_t runtime;
  wharf_runtime_options_t options = {0};
  options.size = sizeof options;
  options.worker_threads = 2;
  options.spin_before_park_ns = limit;
  CHECK_OK(wharf_runtime_new(&options, &runtime));
  wharf_port_t port = open_port(runtime);
  for (uint64_t tag = 0; tag < 2000; tag++) {
    CHECK_OK(harbour_add(port, tag, 1, 1, NULL));
    expect(port, tag, WHARF_KIND_OK);
  }
  end_runtime(runtime);
}

typedef struct {
  atomic_int begun, ended;
  atomic_int stuck, go_on, shut_down;
  wharf_runtime_t runtime;
} crew_t;

static _Thread_local bool attached;

static void begins(void *context) {
  crew_t *crew = context;
  CHECK(!attached);
  attached = true;
  atomic_fetch_add(&crew->begun, 1);
}

static void ends(void *context) {
  crew_t *crew = context;
  CHECK(attached);
  atomic_store(&crew->stuck, 1);
  while (!atomic_load(&crew->go_on)) sched_yield();
  /* Not from here. */
  if (atomic_load(&crew->shut_down)) REFUSED(wharf_runtime_shutdown(crew->runtime, WHARF_FOREVER), WHARF_TIMEOUT);
  atomic_fetch_add(&crew->ended, 1);
}

static int32_t is_attached(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  CHECK(attached);
  return 0;
}

static wharf_runtime_t with_hooks(crew_t *crew, uint64_t keep_alive) {
  wharf_runtime_options_t options = {0};
  memset(crew, 0, sizeof *crew);
  options.size = sizeof options;
  options.worker_threads = 2;
  options.thread_keep_alive_ns = keep_alive;
  options.on_thread_start = begins;
  options.on_thread_stop = ends;
  options.hook_context = crew;
  CHECK_OK(wharf_runtime_new(&options, &crew->runtime));
  CHECK(atomic_load(&crew->begun) == 0); /* not before there is something to do */
  wharf_port_t port = open_port(crew->runtime);
  for (uint64_t tag = 0; tag < 20; tag++) {
    CHECK_OK(wharf_spawn_fn(port, tag, is_attached, NULL, NULL, NULL));
    CHECK_OK(wharf_spawn_poll(port, tag, is_attached, NULL, NULL, NULL));
  }
  for (int at = 0; at < 40; at++) {
    wharf_message_t message = next(port);
    CHECK(message.kind == WHARF_KIND_OK);
  }
  CHECK(atomic_load(&crew->begun) >= 2);
  return crew->runtime;
}

/* Each thread calls both, and a shutdown is not over before the last has returned. */
static void a_shutdown_waits_for_the_hooks(void) {
  crew_t crew;
  wharf_runtime_t runtime = with_hooks(&crew, 0);
  atomic_store(&crew.shut_down, 1);
  REFUSED(wharf_runtime_shutdown(runtime, 1000000), WHARF_TIMEOUT);
  while (!atomic_load(&crew.stuck)) sched_yield();
  REFUSED(wharf_runtime_shutdown(runtime, 0), WHARF_TIMEOUT);
  REFUSED(wharf_runtime_free(runtime), WHARF_WRONG_STATE);
  atomic_store(&crew.go_on, 1);
  CHECK_OK(wharf_runtime_shutdown(runtime, WHARF_FOREVER));
  CHECK(atomic_load(&crew.begun) == atomic_load(&crew.ended));
  CHECK_OK(wharf_runtime_shutdown(runtime, 0));
  CHECK_OK(wharf_runtime_free(runtime));
}

/* A nanosecond without work is enough: threads end while the runtime goes on, and others come. */
static void idle_threads_end(void) {
  crew_t crew;
  wharf_runtime_t runtime = with_hooks(&crew, 1);
  atomic_store(&crew.go_on, 1);
  while (atomic_load(&crew.ended) == 0) sched_yield();
  wharf_port_t port = open_port(runtime);
  CHECK_OK(wharf_spawn_fn(port, 1, is_attached, NULL, NULL, NULL));
  expect(port, 1, WHARF_KIND_OK);
  CHECK_OK(wharf_runtime_shutdown(runtime, WHARF_FOREVER));
  CHECK(atomic_load(&crew.begun) == atomic_load(&crew.ended));
  CHECK_OK(wharf_runtime_free(runtime));
}

int main(void) {
  an_older_program_knows_fewer_options();
  each_size_is_taken();
  workers_may_spin(50000);
  workers_may_spin(UINT64_MAX);
  a_shutdown_waits_for_the_hooks();
  idle_threads_end();
  return 0;
}
