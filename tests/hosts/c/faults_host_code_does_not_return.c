/* Host code that does not return at a shutdown, in each of the places from which it is called: the answer
 * is TIMEOUT, as often as it is asked for; what has ended can be drained all the while; nothing is freed
 * before its time; and once the code has returned, the rest is there, each last word once. */
#include "vm.h"

#include <sched.h>

enum { SHORT = 1000000, STUCK = 1, BESIDE = 2 };

/* Whether host code is stuck, and may go on. */
static atomic_int stuck, go_on;

static void get_stuck(void) {
  atomic_store(&stuck, 1);
  while (!atomic_load(&go_on)) sched_yield();
}

static int32_t stuck_function(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)result;
  get_stuck();
  CHECK(wharf_task_is_cancelled(task));
  return 0;
}

static int32_t pending(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  return WHARF_PENDING;
}

static void stuck_drop(void *context) {
  (void)context;
  get_stuck();
}

static void stuck_finalizer(void *nothing, void *peer) {
  get_stuck();
  parcel_freed(nothing, peer);
}

static void stuck_handler(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)port;
  if (message->tag == STUCK) get_stuck();
}

static atomic_int rings;

/* At the first message alone: the second is the shutdown's own. */
static void stuck_notify(void *context, wharf_port_t port) {
  (void)context, (void)port;
  if (atomic_fetch_add(&rings, 1) == 0) get_stuck();
}

static void stuck_post(int64_t tag) {
  if (tag == STUCK) get_stuck();
}

static parcel_t parcel;

/* Each place puts its task or message into a port of its own or into `port`, and says which. */
static wharf_port_t in_a_function(wharf_runtime_t runtime, wharf_port_t port) {
  (void)runtime;
  CHECK_OK(wharf_spawn_fn(port, STUCK, stuck_function, NULL, NULL, NULL));
  return port;
}

static wharf_port_t in_a_poll(wharf_runtime_t runtime, wharf_port_t port) {
  (void)runtime;
  CHECK_OK(wharf_spawn_poll(port, STUCK, stuck_function, NULL, NULL, NULL));
  return port;
}

static wharf_port_t in_a_drop(wharf_runtime_t runtime, wharf_port_t port) {
  wharf_task_t task;
  (void)runtime;
  CHECK_OK(wharf_spawn_poll(port, STUCK, pending, NULL, stuck_drop, &task));
  CHECK_OK(wharf_task_cancel(task));
  return port;
}

static wharf_port_t in_a_finalizer(wharf_runtime_t runtime, wharf_port_t port) {
  wharf_value_t value = parcel_value(&parcel);
  wharf_task_t task;
  (void)runtime;
  atomic_store(&parcel.freed, 0);
  value.value.as_external_typed_data.callback = stuck_finalizer;
  CHECK_OK(harbour_keep(port, STUCK, &value, &task));
  CHECK_OK(wharf_task_cancel(task));
  return port;
}

static wharf_port_t in_a_handler(wharf_runtime_t runtime, wharf_port_t port) {
  (void)port;
  CHECK_OK(wharf_port_serve(runtime, stuck_handler, NULL, NULL, &port));
  CHECK_OK(wharf_post(port, STUCK, NULL));
  return port;
}

static wharf_port_t in_a_notify(wharf_runtime_t runtime, wharf_port_t port) {
  port = open_port(runtime);
  atomic_store(&rings, 0);
  CHECK_OK(wharf_port_notify(port, stuck_notify, NULL));
  CHECK_OK(harbour_add(port, STUCK, 1, 1, NULL));
  return port;
}

static wharf_port_t in_a_post(wharf_runtime_t runtime, wharf_port_t port) {
  (void)port;
  vm_begin(VM_TAKES);
  vm.inside = stuck_post;
  port = vm_port(runtime);
  CHECK_OK(harbour_add(port, STUCK, 1, 1, NULL));
  return port;
}

static const struct place {
  const char *name;
  wharf_port_t (*begin)(wharf_runtime_t, wharf_port_t);
  /* The terminal messages that the port of the stuck code will show, and their kind; 0 where it has no
   * queue. */
  int32_t kind;
} places[] = {
    /* A function that has begun comes to its own end. */
    {"function", in_a_function, WHARF_KIND_OK},
    {"poll", in_a_poll, WHARF_KIND_OK},
    {"drop", in_a_drop, WHARF_KIND_CANCELLED},
    {"finalizer", in_a_finalizer, WHARF_KIND_CANCELLED},
    {"handler", in_a_handler, 0},
    {"notify", in_a_notify, WHARF_KIND_OK},
    {"post", in_a_post, 0},
};
enum { PLACES = sizeof places / sizeof *places };

static void begin(const struct place *place, wharf_runtime_t *runtime, wharf_port_t *beside,
                  wharf_port_t *port) {
  atomic_store(&stuck, 0);
  atomic_store(&go_on, 0);
  *runtime = new_runtime(2);
  *beside = open_port(*runtime);
  *port = place->begin(*runtime, *beside);
  while (!atomic_load(&stuck)) sched_yield();
  CHECK_OK(harbour_wait(*beside, BESIDE, NULL));
}

static void stays_timed_out(wharf_runtime_t runtime) {
  REFUSED(wharf_runtime_shutdown(runtime, 0), WHARF_TIMEOUT);
  REFUSED(wharf_runtime_shutdown(runtime, SHORT), WHARF_TIMEOUT);
  REFUSED(wharf_runtime_free(runtime), WHARF_WRONG_STATE);
}

/* What came to its end beside the stuck code, exactly. (The thread on which it would be dropped may be the
 * stuck one: then another takes it over.) */
static void drain_what_is_there(wharf_port_t beside) {
  expect(beside, BESIDE, WHARF_KIND_SHUT_DOWN);
  CHECK(harbour_alive() <= 1); /* at most the one that is being dropped */
  expect_nothing(beside);
}

static void a_shutdown_times_out_is_drained_and_repeated(const struct place *place) {
  wharf_runtime_t runtime;
  wharf_port_t beside, port;
  begin(place, &runtime, &beside, &port);
  stays_timed_out(runtime);
  drain_what_is_there(beside);
  stays_timed_out(runtime);
  REFUSED(harbour_add(port, 3, 1, 1, NULL), WHARF_SHUT_DOWN);
  REFUSED(wharf_post(port, 3, NULL), WHARF_SHUT_DOWN);

  atomic_store(&go_on, 1);
  CHECK_OK(wharf_runtime_shutdown(runtime, WHARF_FOREVER));
  atomic_store(&vm.silent, 1);
  CHECK(harbour_alive() == 0);
  if (place->kind) {
    expect(port, STUCK, place->kind);
    expect_nothing(port);
  }
  expect_nothing(beside);
  CHECK_OK(wharf_runtime_shutdown(runtime, 0));
  CHECK_OK(wharf_runtime_free(runtime));
  REFUSED(wharf_port_stats(port, &(wharf_port_stats_t){.size = sizeof(wharf_port_stats_t)}),
          WHARF_NO_PORT);
}

/* Two threads that end one runtime: both are held up, and both are answered by OK. */
static void *shuts_down(void *runtime) {
  CHECK_OK(wharf_runtime_shutdown(*(wharf_runtime_t *)runtime, LONG));
  return NULL;
}

static void a_shutdown_is_repeated_beside_one_that_waits(const struct place *place) {
  wharf_runtime_t runtime;
  wharf_port_t beside, port;
  begin(place, &runtime, &beside, &port);
  pthread_t first = start(shuts_down, &runtime), second = start(shuts_down, &runtime);
  expect(beside, BESIDE, WHARF_KIND_SHUT_DOWN);
  stays_timed_out(runtime);
  atomic_store(&go_on, 1);
  join(first);
  join(second);
  atomic_store(&vm.silent, 1);
  if (place->kind) expect(port, STUCK, place->kind);
  CHECK_OK(wharf_runtime_free(runtime));
}

/* The port is closed after the shutdown has timed out: nothing is delivered any more, and only the
 * finalizers and drops that were due are run. */
static void a_port_is_closed_after_a_timed_out_shutdown(const struct place *place) {
  wharf_runtime_t runtime;
  wharf_port_t beside, port;
  wharf_message_t message;
  begin(place, &runtime, &beside, &port);
  stays_timed_out(runtime);
  REFUSED(wharf_port_close(port, 0), WHARF_TIMEOUT);
  REFUSED(wharf_port_close(port, SHORT), WHARF_TIMEOUT);
  CHECK(wharf_port_try_recv(port, &message) != WHARF_OK);
  stays_timed_out(runtime);
  atomic_store(&go_on, 1);
  CHECK_OK(wharf_port_close(port, LONG));
  atomic_store(&vm.silent, 1);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

int main(void) {
  for (int at = 0; at < PLACES; at++) {
    a_shutdown_times_out_is_drained_and_repeated(&places[at]);
    a_shutdown_is_repeated_beside_one_that_waits(&places[at]);
    a_port_is_closed_after_a_timed_out_shutdown(&places[at]);
  }
  /* A program may end while its code is stuck: nothing waits for it. */
  wharf_runtime_t runtime;
  wharf_port_t beside, port;
  begin(&places[0], &runtime, &beside, &port);
  stays_timed_out(runtime);
  return 0;
}
