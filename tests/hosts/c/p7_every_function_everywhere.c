/* P2 and P7: every function in every state: in a forked child, on what has been closed or shut down,
 * from inside each kind of function that wharf calls, and from several threads at once. */
#include "check.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the calls are about: a port and task that live, or have, and a queue without messages. */
typedef struct {
  wharf_runtime_t runtime;
  wharf_port_t port, quiet;
  wharf_task_t task;
} scene_t;

static int32_t nothing(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  return 0;
}
static void handle_nothing(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)port, (void)message;
}
static void notify_nothing(void *context, wharf_port_t port) { (void)context, (void)port; }
static bool take(int64_t port, wharf_value_t *message) {
  (void)port, (void)message;
  return true;
}

/* Closes what a call has opened. */
static wharf_status_t closed(wharf_status_t status, const wharf_port_t *port) {
  if (status == WHARF_OK) CHECK_OK(wharf_port_close(*port, 0));
  return status;
}

/* ---- one function for each of wharf's ---- */

#define CALL(name) static wharf_status_t call_##name(const scene_t *at)

CALL(wharf_abi_version) { (void)at; return wharf_abi_version() != WHARF_ABI_VERSION; }
CALL(wharf_version) { (void)at; return wharf_version() == NULL; }
CALL(wharf_status_text) { (void)at; return wharf_status_text(WHARF_FORKED) == NULL; }
CALL(wharf_last_error_code) { (void)at; return wharf_last_error_code() < 0; }
CALL(wharf_last_error_length) { (void)at; return wharf_last_error_length() > 4096; }
CALL(wharf_last_error_message) {
  char text[4];
  (void)at;
  return wharf_last_error_message(text, sizeof text) > 3;
}
CALL(wharf_runtime_new) {
  wharf_runtime_t made;
  (void)at;
  wharf_status_t status = wharf_runtime_new(NULL, &made);
  if (status == WHARF_OK) wharf_owner_drop(wharf_owner_new(made));
  return status;
}
CALL(wharf_runtime_default) {
  wharf_runtime_t runtime;
  (void)at;
  return wharf_runtime_default(&runtime);
}
CALL(wharf_runtime_free) { return wharf_runtime_free(at->runtime); }
CALL(wharf_port_open) {
  wharf_port_t port = 0;
  return closed(wharf_port_open(at->runtime, NULL, &port), &port);
}
CALL(wharf_port_dart) {
  wharf_port_t port = 0;
  return closed(wharf_port_dart(at->runtime, 1, take, WHARF_DART_RAW, NULL, &port), &port);
}
CALL(wharf_port_serve) {
  wharf_port_t port = 0;
  return closed(wharf_port_serve(at->runtime, handle_nothing, NULL, NULL, &port), &port);
}
CALL(wharf_port_notify) { return wharf_port_notify(at->quiet, notify_nothing, NULL); }
CALL(wharf_port_descriptor) {
  int descriptor;
  return wharf_port_descriptor(at->quiet, &descriptor);
}
CALL(wharf_port_recv) {
  wharf_message_t message;
  return wharf_port_recv(at->quiet, &message, 1);
}
CALL(wharf_port_try_recv) {
  wharf_message_t message;
  return wharf_port_try_recv(at->quiet, &message);
}
CALL(wharf_port_recv_batch) {
  wharf_message_t message;
  size_t count = 7;
  wharf_status_t status = wharf_port_recv_batch(at->quiet, &message, 1, &count, 1);
  CHECK(count == (status == WHARF_OK));
  return status;
}
CALL(wharf_port_close) { return wharf_port_close(at->quiet, WHARF_FOREVER); }
CALL(wharf_port_grant) { return wharf_port_grant(at->port, 1000); }
CALL(wharf_port_stats) {
  wharf_port_stats_t stats = {.size = sizeof stats};
  return wharf_port_stats(at->port, &stats);
}
CALL(wharf_group_close) { (void)at; return wharf_group_close(UINT64_MAX, 1); }
CALL(wharf_post) { return wharf_post(at->port, 1, NULL); }
CALL(wharf_post_control) { return wharf_post_control(at->port, 1, NULL); }
CALL(wharf_spawn_fn) { return wharf_spawn_fn(at->port, 1, nothing, NULL, NULL, NULL); }
CALL(wharf_spawn_poll) { return wharf_spawn_poll(at->port, 1, nothing, NULL, NULL, NULL); }
CALL(wharf_timer_after) { return wharf_timer_after(at->port, 1, 1, NULL); }
CALL(wharf_timer_every) { return wharf_timer_every(at->port, 1, UINT64_MAX, NULL); }
CALL(wharf_task_pause) { return wharf_task_pause(at->task); }
CALL(wharf_task_resume) { return wharf_task_resume(at->task); }
CALL(wharf_task_wake) { return wharf_task_wake(at->task); }
CALL(wharf_task_is_cancelled) {
  return wharf_task_is_cancelled(at->task) ? WHARF_NO_TASK : WHARF_OK;
}
CALL(wharf_task_cancel) { return wharf_task_cancel(at->task); }
CALL(wharf_message_free) {
  wharf_message_t message = {0};
  (void)at;
  return wharf_message_free(&message);
}
CALL(wharf_messages_free) {
  wharf_message_t messages[2] = {{0}, {0}};
  (void)at;
  return wharf_messages_free(messages, 2);
}
CALL(wharf_message_text) {
  wharf_message_t message = {0};
  (void)at;
  return wharf_message_text(&message) != NULL;
}
CALL(wharf_value_copy) {
  wharf_value_t value = int_value(1), copy;
  (void)at;
  return wharf_value_copy(&value, &copy);
}
CALL(wharf_value_free) {
  wharf_value_t value = {0};
  (void)at;
  return wharf_value_free(&value);
}
CALL(wharf_finalizer_flag) {
  uint32_t flag = 0;
  (void)at;
  wharf_finalizer_flag(NULL, NULL);
  wharf_finalizer_flag(NULL, &flag);
  return flag == 1 ? WHARF_OK : WHARF_BAD_VALUE;
}
/* Owners are kept to the end: to drop one would be to close the port. */
static void *owners[512];
static atomic_int owned;
CALL(wharf_owner_new) {
  void *owner = wharf_owner_new(at->port);
  if (owner) owners[atomic_fetch_add(&owned, 1)] = owner;
  return owner ? WHARF_OK : wharf_last_error_code();
}
CALL(wharf_owner_drop) { (void)at; wharf_owner_drop(NULL); return WHARF_OK; }
CALL(wharf_dart_initialize) { (void)at; return wharf_dart_initialize(NULL); }
CALL(store_dart_post_cobject) { (void)at; store_dart_post_cobject(NULL); return WHARF_OK; }
CALL(wharf_runtime_shutdown) { return wharf_runtime_shutdown(at->runtime, 1000000000); }

/* What each answers: in a forked child; about what was closed and freed; after a shutdown; inside a
 * function that wharf has called. */
static const struct {
  const char *name;
  wharf_status_t (*call)(const scene_t *);
  wharf_status_t forked, gone, shut, inside;
} FUNCTIONS[] = {
#define ROW(name, forked, gone, shut, inside) \
  {#name, call_##name, WHARF_##forked, WHARF_##gone, WHARF_##shut, WHARF_##inside}
    ROW(wharf_abi_version, OK, OK, OK, OK),
    ROW(wharf_version, OK, OK, OK, OK),
    ROW(wharf_status_text, OK, OK, OK, OK),
    ROW(wharf_last_error_code, OK, OK, OK, OK),
    ROW(wharf_last_error_length, OK, OK, OK, OK),
    ROW(wharf_last_error_message, OK, OK, OK, OK),
    ROW(wharf_message_text, OK, OK, OK, OK),
    ROW(wharf_owner_drop, OK, OK, OK, OK),
    ROW(store_dart_post_cobject, OK, OK, OK, OK),
    ROW(wharf_dart_initialize, FORKED, NULL, NULL, NULL),
    ROW(wharf_runtime_new, FORKED, OK, OK, OK),
    ROW(wharf_runtime_default, FORKED, OK, OK, OK),
    ROW(wharf_port_open, FORKED, NO_RUNTIME, SHUT_DOWN, OK),
    ROW(wharf_port_dart, FORKED, NO_RUNTIME, SHUT_DOWN, OK),
    ROW(wharf_port_serve, FORKED, NO_RUNTIME, SHUT_DOWN, OK),
    ROW(wharf_port_descriptor, FORKED, NO_PORT, OK, OK),
    ROW(wharf_port_notify, FORKED, NO_PORT, WRONG_STATE, WRONG_STATE),
    ROW(wharf_port_recv, FORKED, NO_PORT, SHUT_DOWN, WOULD_BLOCK),
    ROW(wharf_port_try_recv, FORKED, NO_PORT, EMPTY, EMPTY),
    ROW(wharf_port_recv_batch, FORKED, NO_PORT, SHUT_DOWN, WOULD_BLOCK),
    ROW(wharf_port_grant, FORKED, NO_PORT, SHUT_DOWN, OK),
    ROW(wharf_port_stats, FORKED, NO_PORT, OK, OK),
    ROW(wharf_group_close, FORKED, OK, OK, OK),
    ROW(wharf_post, FORKED, NO_PORT, SHUT_DOWN, OK),
    ROW(wharf_post_control, FORKED, NO_PORT, SHUT_DOWN, OK),
    ROW(wharf_spawn_fn, FORKED, NO_PORT, SHUT_DOWN, OK),
    ROW(wharf_spawn_poll, FORKED, NO_PORT, SHUT_DOWN, OK),
    ROW(wharf_timer_after, FORKED, NO_PORT, SHUT_DOWN, OK),
    ROW(wharf_timer_every, FORKED, NO_PORT, SHUT_DOWN, OK),
    ROW(wharf_task_is_cancelled, NO_TASK, NO_TASK, NO_TASK, OK),
    ROW(wharf_task_pause, FORKED, NO_TASK, NO_TASK, OK),
    ROW(wharf_task_resume, FORKED, NO_TASK, NO_TASK, OK),
    ROW(wharf_task_wake, FORKED, NO_TASK, NO_TASK, OK),
    ROW(wharf_task_cancel, FORKED, NO_TASK, NO_TASK, OK),
    ROW(wharf_message_free, FORKED, OK, OK, OK),
    ROW(wharf_messages_free, FORKED, OK, OK, OK),
    ROW(wharf_value_copy, FORKED, OK, OK, OK),
    ROW(wharf_value_free, FORKED, OK, OK, OK),
    ROW(wharf_finalizer_flag, OK, OK, OK, OK),
    ROW(wharf_owner_new, FORKED, NO_PORT, OK, OK),
    ROW(wharf_port_close, FORKED, NO_PORT, OK, OK),
    ROW(wharf_runtime_free, FORKED, NO_RUNTIME, OK, WRONG_STATE),
    ROW(wharf_runtime_shutdown, FORKED, NO_RUNTIME, NO_RUNTIME, TIMEOUT),
};

enum { ALL = sizeof FUNCTIONS / sizeof *FUNCTIONS };
typedef enum { FORKED, GONE, SHUT, INSIDE } state_t;

static void is(int row, wharf_status_t found, wharf_status_t wanted) {
  if (found == wanted) return;
  fprintf(stderr, "%s: %d, not %d\n", FUNCTIONS[row].name, (int)found, (int)wanted);
  CHECK(!"as the table says");
}

static void call_all(const scene_t *scene, state_t state) {
  for (int row = 0; row < ALL; row++) {
    wharf_status_t wanted = state == FORKED ? FUNCTIONS[row].forked
                            : state == GONE ? FUNCTIONS[row].gone
                            : state == SHUT ? FUNCTIONS[row].shut
                                            : FUNCTIONS[row].inside;
    is(row, FUNCTIONS[row].call(scene), wanted);
  }
}

/* ---- scenes ---- */

static scene_t scene_of(wharf_runtime_t runtime) {
  scene_t scene = {runtime, open_port(runtime), open_port(runtime), 0};
  CHECK_OK(harbour_wait(scene.port, 1, &scene.task));
  return scene;
}

static void gone_and_shut(void) {
  scene_t scene = scene_of(new_runtime(1));
  CHECK_OK(wharf_runtime_shutdown(scene.runtime, LONG));
  expect(scene.port, 1, WHARF_KIND_SHUT_DOWN);
  call_all(&scene, SHUT);
  call_all(&scene, GONE);
}

static void forked(void) {
  wharf_runtime_t runtime = new_runtime(1);
  scene_t scene = scene_of(runtime);
  void *owner = wharf_owner_new(scene.quiet);
  fflush(NULL);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    call_all(&scene, FORKED);
    wharf_owner_drop(owner);
    /* What a child may do at any time; it also leaves behind what was the parent's threads'. */
    execlp("true", "true", NULL);
    _Exit(1);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  wharf_owner_drop(owner);
  end_runtime(runtime);
}

/* ---- inside ---- */

/* The scene for the next call of each kind, and how many have been there. */
static scene_t stage;
static atomic_int visits;

static void visit(void) {
  call_all(&stage, INSIDE);
  atomic_fetch_add(&visits, 1);
}

static int32_t visit_function(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  visit();
  return 0;
}
static void visit_drop(void *context) { (void)context; visit(); }
static void visit_handler(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)port, (void)message;
  visit();
}
static void visit_notify(void *context, wharf_port_t port) { (void)context, (void)port; visit(); }
static bool visit_post(int64_t port, wharf_value_t *message) {
  (void)port, (void)message;
  visit();
  return true;
}
static void visit_finalizer(void *nothing, void *peer) { (void)nothing, (void)peer; visit(); }

typedef enum { FUNCTION, FUTURE, DROP, HANDLER, NOTIFY, POST, FINALIZER, KINDS } kind_t;

static void inside(kind_t kind) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime), other = 0;
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = parcel_value(&parcel);
  wharf_task_t task;
  stage = scene_of(runtime);
  int before = atomic_load(&visits);
  value.value.as_external_typed_data.callback = visit_finalizer;
  switch (kind) {
  case FUNCTION: CHECK_OK(wharf_spawn_fn(port, 1, visit_function, NULL, NULL, NULL)); break;
  case FUTURE: CHECK_OK(wharf_spawn_poll(port, 1, visit_function, NULL, NULL, NULL)); break;
  case DROP: CHECK_OK(wharf_spawn_poll(port, 1, nothing, NULL, visit_drop, NULL)); break;
  case HANDLER:
    CHECK_OK(wharf_port_serve(runtime, visit_handler, NULL, NULL, &other));
    CHECK_OK(wharf_post(other, 1, NULL));
    break;
  case NOTIFY:
    CHECK_OK(wharf_port_notify(port, visit_notify, NULL));
    CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
    break;
  case POST:
    CHECK_OK(wharf_port_dart(runtime, 1, visit_post, WHARF_DART_RAW, NULL, &other));
    CHECK_OK(harbour_add(other, 1, 1, 1, NULL));
    break;
  default:
    /* On a worker, as a cancelled task lets go of it. */
    CHECK_OK(harbour_keep(port, 1, &value, &task));
    CHECK_OK(wharf_task_cancel(task));
  }
  while (atomic_load(&visits) == before) sched_yield();
  /* From inside, the runtime has begun to shut down. */
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

/* ---- at once ---- */

static void *many_times(void *argument) {
  const wharf_runtime_t *runtime = argument;
  for (int round = 0; round < 50; round++) {
    scene_t scene = scene_of(*runtime);
    for (int row = 0; row < ALL; row++) {
      if (FUNCTIONS[row].call == call_wharf_runtime_shutdown) continue;
      wharf_status_t status = FUNCTIONS[row].call(&scene);
      bool waits = FUNCTIONS[row].inside == WHARF_WOULD_BLOCK;
      is(row, status, waits ? WHARF_TIMEOUT : FUNCTIONS[row].inside);
    }
    CHECK_OK(wharf_port_close(scene.port, LONG));
  }
  return NULL;
}

static void at_once(void) {
  wharf_runtime_t runtime = new_runtime(2);
  pthread_t threads[4];
  for (int at = 0; at < 4; at++) threads[at] = start(many_times, &runtime);
  for (int at = 0; at < 4; at++) join(threads[at]);
  end_runtime(runtime);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--list") == 0) {
    for (int row = 0; row < ALL; row++) puts(FUNCTIONS[row].name);
    return 0;
  }
  gone_and_shut();
  forked();
  for (kind_t kind = 0; kind < KINDS; kind++) inside(kind);
  at_once();
  for (int at = 0; at < atomic_load(&owned); at++) wharf_owner_drop(owners[at]);
  return 0;
}
