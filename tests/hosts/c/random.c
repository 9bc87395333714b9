/* Random calls with random arguments, against a model of what must arrive: P1 to P7.
 *
 *   random [--seed N] [--seconds N] [--voyages N]
 *
 * A voyage is a sequence of calls that its seed decides, made by one to three threads at once, each
 * with runtimes and ports of its own. What fails prints the voyage's seed; `--seed N` begins there
 * and makes the same calls again. */
#include "check.h"

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { RUNTIMES = 2, PORTS = 4, TASKS = 64, PARCELS = 512, STALE = 32, STEPS = 400 };

/* ---- what is expected ---- */

enum { ADD, ECHO, FAIL, SHIFT, WAIT, COUNT, KEEP, MIRROR, LEND, PANIC, UNSENDABLE, WAYS };

typedef struct {
  bool used;
  bool cancelled;
  int way;
  uint64_t tag;
  wharf_task_t id;
  /* The next element of a stream, and how many there are. */
  uint64_t due, elements;
} task_t;

typedef struct {
  wharf_port_t id;
  bool open, dart, credit;
  int runtime;
  uint32_t policy;
  size_t capacity;
  /* Numbers that the host's posts carry: given out, and last seen. */
  int64_t posted, seen, controls, controls_seen;
  task_t tasks[TASKS];
} port_t;

typedef struct {
  wharf_runtime_t id;
  bool made, shut;
} runtime_t;

typedef struct world {
  uint64_t seed;
  int number;
  runtime_t runtimes[RUNTIMES];
  port_t ports[PORTS];
  parcel_t *parcels;
  bool *given;
  size_t parcels_used;
  uint64_t stale[STALE];
  size_t outdated;
  uint64_t next_tag;
  /* What Dart ports have had: guarded, for posts come on wharf's threads. */
  pthread_mutex_t lock;
} world_t;

static _Atomic uint64_t voyage_seed;
static atomic_ulong calls, arrived;

static void say_seed(int signal) {
  char text[64];
  int length = snprintf(text, sizeof text, "the voyage's seed is %" PRIu64 "\n",
                        atomic_load(&voyage_seed));
  ssize_t ignored = write(2, text, (size_t)length);
  (void)ignored;
  if (signal != 0) _exit(3);
}

/* ---- a world's dice ---- */

static uint64_t roll(world_t *world, uint64_t sides) { return draw(&world->seed) % sides; }

static uint64_t bad_id(world_t *world) {
  switch (roll(world, 4)) {
  case 0: return draw(&world->seed) >> 1;
  case 1: return UINT64_MAX;
  case 2: return world->stale[roll(world, STALE)];
  default: return draw(&world->seed) | UINT64_C(1) << 63;
  }
}

static void outdate(world_t *world, uint64_t id) {
  world->stale[world->outdated++ % STALE] = id;
}

static parcel_t *fresh_parcel(world_t *world) {
  CHECK(world->parcels_used < PARCELS);
  return &world->parcels[world->parcels_used++];
}

/* ---- arrivals ---- */

static task_t *task_of(port_t *port, uint64_t tag) {
  for (int at = 0; at < TASKS; at++)
    if (port->tasks[at].used && port->tasks[at].tag == tag) return &port->tasks[at];
  return NULL;
}

static void host_post_arrives(port_t *port, int32_t kind, int64_t number) {
  int64_t *seen = kind == WHARF_KIND_CONTROL ? &port->controls_seen : &port->seen;
  CHECK(number > *seen);
  /* Gaps are posts that a policy has dropped. */
  CHECK(kind != WHARF_KIND_CONTROL || number == *seen + 1);
  CHECK(kind == WHARF_KIND_CONTROL || port->policy != WHARF_FULL_REFUSE || number == *seen + 1);
  *seen = number;
}

static void check_end(const port_t *port, const runtime_t *runtime, const task_t *task,
                      int32_t kind, int32_t code, int64_t number) {
  static const int32_t ENDS[WAYS] = {
      WHARF_KIND_OK, WHARF_KIND_OK,    WHARF_KIND_ERROR, WHARF_KIND_OK,
      -1,            WHARF_KIND_OK,    -1,               WHARF_KIND_OK,
      WHARF_KIND_OK, WHARF_KIND_PANIC, WHARF_KIND_ERROR};
  CHECK(kind == ENDS[task->way] || (kind == WHARF_KIND_CANCELLED && task->cancelled) ||
        (kind == WHARF_KIND_SHUT_DOWN && runtime->shut) ||
        /* A stream whose port has been shut down sees it. */
        (task->way == COUNT && kind == WHARF_KIND_ERROR && runtime->shut));
  if (kind == WHARF_KIND_ERROR && task->way == FAIL) CHECK(code == 5);
  if (kind == WHARF_KIND_ERROR && task->way == UNSENDABLE) CHECK(code == -WHARF_BAD_VALUE);
  if (kind == WHARF_KIND_OK && task->way == COUNT) {
    CHECK(number == (int64_t)task->elements);
    CHECK(port->policy != WHARF_FULL_REFUSE || task->due == task->elements);
  }
}

/* One message of a task's or of a host's. */
static void arrives(world_t *world, port_t *port, uint64_t tag, int32_t kind, int32_t code,
                    wharf_task_t id, int64_t number) {
  atomic_fetch_add(&arrived, 1);
  if (tag == 0) {
    host_post_arrives(port, kind, number);
    return;
  }
  task_t *task = task_of(port, tag);
  CHECK(task != NULL);
  CHECK(port->dart || task->id == id);
  if (kind == WHARF_KIND_DATA) {
    CHECK(task->way == COUNT && number >= (int64_t)task->due);
    CHECK(port->policy != WHARF_FULL_REFUSE || number == (int64_t)task->due);
    task->due = (uint64_t)number + 1;
    return;
  }
  CHECK(is_terminal(kind));
  check_end(port, &world->runtimes[port->runtime], task, kind, code, number);
  if (!port->dart) outdate(world, task->id);
  task->used = false;
}

static int64_t number_in(const wharf_value_t *value) {
  return value->type == WHARF_TYPE_INT64 ? value->value.as_int64 : -1;
}

static void received(world_t *world, port_t *port, wharf_message_t *message) {
  arrives(world, port, message->tag, message->kind, message->code, message->task,
          number_in(&message->value));
  CHECK_OK(wharf_message_free(message));
  if (roll(world, 8) == 0) CHECK_OK(wharf_message_free(message));
}

/* ---- a Dart VM for all worlds ---- */

enum { WORLDS = 3 };
static world_t *worlds[WORLDS];

static void finalize(const wharf_value_t *value) {
  if (value->type == WHARF_TYPE_ARRAY)
    for (ptrdiff_t at = 0; at < value->value.as_array.length; at++)
      finalize(value->value.as_array.values[at]);
  if (value->type == WHARF_TYPE_EXTERNAL_TYPED_DATA)
    value->value.as_external_typed_data.callback(NULL, value->value.as_external_typed_data.peer);
}

/* A port's number is its world's and its own, plus one. */
static bool post(int64_t number, wharf_value_t *message) {
  world_t *world = worlds[(number - 1) / PORTS];
  port_t *port = &world->ports[(number - 1) % PORTS];
  wharf_value_t **parts = message->value.as_array.values;
  pthread_mutex_lock(&world->lock);
  CHECK(port->open && port->dart);
  arrives(world, port, (uint64_t)parts[0]->value.as_int64, parts[1]->value.as_int32,
          parts[2]->value.as_int32, 0, number_in(parts[3]));
  pthread_mutex_unlock(&world->lock);
  finalize(message);
  return true;
}

/* ---- calls ---- */

static void make_runtime(world_t *world, runtime_t *runtime) {
  wharf_runtime_options_t options = {0};
  options.size = sizeof options;
  options.worker_threads = 1 + (uint32_t)roll(world, 2);
  options.thread_name = roll(world, 2) ? "voyage" : NULL;
  CHECK_OK(wharf_runtime_new(&options, &runtime->id));
  runtime->made = true;
  runtime->shut = false;
}

static void open_one(world_t *world, int at) {
  port_t *port = &world->ports[at];
  wharf_port_options_t options = {0};
  int runtime = (int)roll(world, RUNTIMES);
  runtime_t *of = &world->runtimes[runtime];
  if (!of->made) return;
  pthread_mutex_lock(&world->lock);
  memset(port, 0, sizeof *port);
  port->runtime = runtime;
  port->dart = roll(world, 3) == 0;
  options.size = sizeof options;
  if (!port->dart) {
    options.capacity = roll(world, 3) ? 0 : 1 + roll(world, 4);
    options.when_full = (uint32_t)roll(world, 3);
  }
  options.needs_credit = roll(world, 4) == 0;
  port->credit = options.needs_credit != 0;
  port->policy = options.when_full;
  port->capacity = options.capacity;
  port->open = true;
  pthread_mutex_unlock(&world->lock);
  wharf_status_t status =
      port->dart ? wharf_port_dart(of->id, 1 + world->number * PORTS + at, post,
                                   WHARF_DART_ENVELOPED, &options, &port->id)
                 : wharf_port_open(of->id, &options, &port->id);
  CHECK(status == (of->shut ? WHARF_SHUT_DOWN : WHARF_OK));
  port->open = status == WHARF_OK;
}

static wharf_status_t call_way(world_t *world, wharf_port_t port, task_t *task, parcel_t *parcel,
                               wharf_task_t *id) {
  wharf_value_t value = parcel ? parcel_value(parcel) : int_value(3);
  switch (task->way) {
  case ADD: return harbour_add(port, task->tag, 1, 2, id);
  case ECHO: return harbour_echo(port, task->tag, "ahoy", id);
  case FAIL: return harbour_fail(port, task->tag, 5, id);
  case SHIFT: return harbour_shift(port, task->tag, roll(world, 50), id);
  case WAIT: return harbour_wait(port, task->tag, id);
  case COUNT: return harbour_count(port, task->tag, task->elements, id);
  case KEEP: return harbour_keep(port, task->tag, &value, id);
  case MIRROR: return harbour_mirror(port, task->tag, &value, id);
  case LEND: return harbour_lend(port, task->tag, 32, id);
  case PANIC: return harbour_panic(port, task->tag, "voyage", id);
  default: return harbour_unsendable(port, task->tag, id);
  }
}

/* What a submit or a post to this port must answer, if all else is well. */
static wharf_status_t door(const world_t *world, const port_t *port) {
  if (!port->open) return WHARF_NO_PORT;
  return world->runtimes[port->runtime].shut ? WHARF_SHUT_DOWN : WHARF_OK;
}

static void submit(world_t *world, port_t *port) {
  task_t *task = NULL;
  pthread_mutex_lock(&world->lock);
  for (int at = 0; at < TASKS && task == NULL; at++)
    if (!port->tasks[at].used) task = &port->tasks[at];
  if (task == NULL) {
    pthread_mutex_unlock(&world->lock);
    return;
  }
  memset(task, 0, sizeof *task);
  task->way = roll(world, 20) == 0 ? PANIC : (int)roll(world, WAYS);
  task->tag = ++world->next_tag;
  task->elements = roll(world, 20);
  task->used = true;
  pthread_mutex_unlock(&world->lock);
  /* In a local, for it may be over, and its place another's, before the call returns. */
  int way = task->way;
  task_t call = *task;
  bool carries = way == KEEP || way == MIRROR;
  parcel_t *parcel = carries ? fresh_parcel(world) : NULL;
  wharf_status_t wanted = door(world, port);
  /* The id is written before an answer can come. */
  wharf_status_t status = call_way(world, port->id, &call, parcel, &task->id);
  CHECK(status == wanted);
  if (status == WHARF_OK && carries) world->given[parcel - world->parcels] = true;
  if (status != WHARF_OK) task->used = false;
}

/* A value with a number in it that the model knows again, or one that must be refused. */
static void post_one(world_t *world, port_t *port) {
  bool control = roll(world, 3) == 0;
  wharf_status_t (*function)(wharf_port_t, uint64_t, const wharf_value_t *) =
      control ? wharf_post_control : wharf_post;
  wharf_status_t wanted = door(world, port);
  if (roll(world, 4) == 0) {
    wharf_value_t bad = int_value(0);
    bad.type = roll(world, 2) ? WHARF_TYPE_UNSUPPORTED : 14 + (int32_t)roll(world, 1000);
    CHECK(function(port->id, 0, &bad) == (port->open ? WHARF_BAD_VALUE : WHARF_NO_PORT));
    return;
  }
  pthread_mutex_lock(&world->lock);
  int64_t *count = control ? &port->controls : &port->posted;
  wharf_value_t value = int_value(*count + 1);
  *count += 1;
  pthread_mutex_unlock(&world->lock);
  wharf_status_t status = function(port->id, 0, &value);
  if (wanted == WHARF_OK && (port->capacity != 0 || port->credit))
    CHECK(status == WHARF_OK || status == WHARF_FULL);
  else
    CHECK(status == wanted);
  if (status != WHARF_OK) *count -= 1;
}

static void grant(world_t *world, port_t *port) {
  if (!port->open || port->credit)
    CHECK(wharf_port_grant(port->id, roll(world, 10)) == door(world, port));
}

static void receive(world_t *world, port_t *port) {
  wharf_message_t messages[8];
  size_t count = 77;
  if (port->dart && port->open) {
    CHECK(wharf_port_try_recv(port->id, messages) == WHARF_WRONG_STATE);
    return;
  }
  int64_t wait = roll(world, 3) ? 0 : (int64_t)roll(world, 300000);
  if (roll(world, 2)) {
    wharf_status_t status = wharf_port_recv(port->id, messages, wait);
    if (status == WHARF_OK)
      received(world, port, messages);
    else
      CHECK(status == (!port->open ? WHARF_NO_PORT : wait ? WHARF_TIMEOUT : WHARF_EMPTY));
    return;
  }
  wharf_status_t status =
      wharf_port_recv_batch(port->id, messages, 1 + roll(world, 8), &count, wait);
  CHECK((status == WHARF_OK) == (count > 0) && count <= 8);
  for (size_t at = 0; at < count; at++) received(world, port, &messages[at]);
}

static void look_at_descriptor(port_t *port) {
  struct pollfd look = {.events = POLLIN};
  wharf_status_t status = wharf_port_descriptor(port->id, &look.fd);
  if (!port->open || port->dart) {
    CHECK(status == (port->open ? WHARF_WRONG_STATE : WHARF_NO_PORT));
    return;
  }
  CHECK(status == WHARF_OK);
  /* Only this thread takes messages out, so what waits now has rung, or is about to. */
  if (stats_of(port->id).waiting > 0) CHECK(poll(&look, 1, 60000) == 1);
}

static void cancel_one(world_t *world, port_t *port) {
  pthread_mutex_lock(&world->lock);
  task_t *task = &port->tasks[roll(world, TASKS)];
  wharf_task_t id = task->used ? task->id : bad_id(world);
  bool live = task->used;
  int what = (int)roll(world, 4);
  if (live && what < 2) task->cancelled = true;
  pthread_mutex_unlock(&world->lock);
  wharf_status_t status = what < 2    ? wharf_task_cancel(id)
                          : what == 2 ? wharf_task_pause(id)
                                      : wharf_task_resume(id);
  CHECK(status == WHARF_NO_TASK || (status == WHARF_OK && live));
}

/* A stream at a full port waits, and so does a paused task: whoever waits for ends cancels. */
static void cancel_all(world_t *world, port_t *port) {
  for (int at = 0; at < TASKS; at++) {
    pthread_mutex_lock(&world->lock);
    task_t *task = &port->tasks[at];
    wharf_task_t id = task->used ? task->id : 0;
    task->cancelled = task->used;
    pthread_mutex_unlock(&world->lock);
    if (id != 0) {
      wharf_status_t status = wharf_task_cancel(id);
      CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
    }
  }
}

/* All that was accepted has been answered. */
static void nothing_is_owed(world_t *world, port_t *port) {
  pthread_mutex_lock(&world->lock);
  for (int at = 0; at < TASKS; at++) CHECK(!port->tasks[at].used);
  CHECK(port->controls_seen == port->controls);
  CHECK(port->policy != WHARF_FULL_REFUSE || port->seen == port->posted);
  pthread_mutex_unlock(&world->lock);
}

/* Waits for the end of all tasks and checks that all has come; the port stays open. */
static void settle(world_t *world, port_t *port) {
  cancel_all(world, port);
  while (stats_of(port->id).tasks > 0 || (!port->dart && stats_of(port->id).waiting > 0)) {
    wharf_message_t message;
    if (port->dart)
      sched_yield();
    else if (wharf_port_recv(port->id, &message, 1000000) == WHARF_OK)
      received(world, port, &message);
  }
  nothing_is_owed(world, port);
}

static void close_one(world_t *world, port_t *port) {
  if (!port->open) {
    CHECK(wharf_port_close(port->id, 0) == WHARF_NO_PORT);
    return;
  }
  if (roll(world, 2)) settle(world, port);
  for (int64_t wait = (int64_t)roll(world, 2) * 10000;; wait = LONG) {
    wharf_status_t status = wharf_port_close(port->id, wait);
    CHECK(status == WHARF_OK || (status == WHARF_TIMEOUT && wait != LONG));
    if (status == WHARF_OK) break;
  }
  pthread_mutex_lock(&world->lock);
  port->open = false;
  outdate(world, port->id);
  pthread_mutex_unlock(&world->lock);
}

static void shut_one(world_t *world, int at) {
  runtime_t *runtime = &world->runtimes[at];
  if (!runtime->made) {
    CHECK(wharf_runtime_shutdown(bad_id(world), 0) == WHARF_NO_RUNTIME);
    make_runtime(world, runtime);
    return;
  }
  if (!runtime->shut && roll(world, 4) == 0) {
    CHECK(wharf_runtime_free(runtime->id) == WHARF_WRONG_STATE);
    return;
  }
  pthread_mutex_lock(&world->lock);
  runtime->shut = true;
  pthread_mutex_unlock(&world->lock);
  for (int64_t wait = (int64_t)roll(world, 2) * 10000;; wait = LONG) {
    wharf_status_t status = wharf_runtime_shutdown(runtime->id, wait);
    CHECK(status == WHARF_OK || (status == WHARF_TIMEOUT && wait != LONG));
    if (status == WHARF_OK) break;
  }
  /* The ports stay, and all answers are in them. */
  for (int port = 0; port < PORTS; port++)
    if (world->ports[port].open && world->ports[port].runtime == at) {
      CHECK(stats_of(world->ports[port].id).tasks == 0);
      if (roll(world, 2)) settle(world, &world->ports[port]);
    }
  CHECK_OK(wharf_runtime_free(runtime->id));
  outdate(world, runtime->id);
  runtime->made = false;
  for (int port = 0; port < PORTS; port++)
    if (world->ports[port].runtime == at) world->ports[port].open = false;
}

static void nonsense(world_t *world) {
  uint64_t id = bad_id(world), out = 0;
  wharf_message_t message;
  wharf_value_t value = int_value(1);
  size_t count;
  int fd;
  wharf_port_stats_t stats = {.size = roll(world, 2) ? sizeof stats : 0};
  switch (roll(world, 16)) {
  case 0: CHECK(wharf_port_open(id, NULL, &out) == WHARF_NO_RUNTIME); break;
  case 1: CHECK(wharf_port_recv(id, &message, 0) == WHARF_NO_PORT); break;
  case 2: CHECK(wharf_port_recv(id, NULL, 0) == WHARF_NULL); break;
  case 3: CHECK(wharf_port_recv_batch(id, &message, 1, &count, 5) == WHARF_NO_PORT); break;
  case 4: CHECK(wharf_port_recv_batch(id, &message, 0, &count, 5) == WHARF_OUT_OF_RANGE); break;
  case 5: CHECK(wharf_port_descriptor(id, &fd) == WHARF_NO_PORT); break;
  case 6: CHECK(wharf_post(id, 1, &value) == WHARF_NO_PORT); break;
  case 7: CHECK(wharf_port_grant(id, roll(world, 100)) == WHARF_NO_PORT); break;
  case 8:
    CHECK(wharf_port_stats(id, &stats) == (stats.size ? WHARF_NO_PORT : WHARF_BAD_OPTION));
    break;
  case 9: CHECK(wharf_port_close(id, -2) != WHARF_OK); break;
  case 10: CHECK(wharf_port_close(id, 1) == WHARF_NO_PORT); break;
  case 11: CHECK(wharf_runtime_free(id) == WHARF_NO_RUNTIME); break;
  case 12: CHECK(wharf_task_cancel(id) == WHARF_NO_TASK); break;
  case 13: CHECK(wharf_port_dart(id, 1, post, 0, NULL, &out) == WHARF_NO_RUNTIME); break;
  case 14: CHECK(harbour_echo(id, 1, "x", &out) == WHARF_NO_PORT && out == 0); break;
  default: {
    wharf_value_t copy;
    CHECK_OK(wharf_value_copy(&value, &copy));
    CHECK_OK(wharf_value_free(&copy));
  }
  }
}

static void step(world_t *world) {
  int at = (int)roll(world, PORTS);
  port_t *port = &world->ports[at];
  uint64_t what = roll(world, 100);
  atomic_fetch_add(&calls, 1);
  if (world->parcels_used == PARCELS && what < 30) what = 60;
  if (!port->open && what < 80 && roll(world, 4) != 0)
    open_one(world, at);
  else if (what < 30)
    submit(world, port);
  else if (what < 40)
    post_one(world, port);
  else if (what < 42)
    grant(world, port);
  else if (what < 60)
    receive(world, port);
  else if (what < 75)
    cancel_one(world, port);
  else if (what < 80)
    look_at_descriptor(port);
  else if (what < 84)
    close_one(world, port);
  else if (what < 86)
    shut_one(world, (int)roll(world, RUNTIMES));
  else
    nonsense(world);
}

static void *sail(void *argument) {
  world_t *world = argument;
  for (int at = 0; at < STALE; at++) world->stale[at] = UINT64_MAX;
  for (int at = 0; at < RUNTIMES; at++) make_runtime(world, &world->runtimes[at]);
  for (int steps = 0; steps < STEPS; steps++) step(world);
  for (int at = 0; at < PORTS; at++)
    if (world->ports[at].open) close_one(world, &world->ports[at]);
  for (int at = 0; at < RUNTIMES; at++)
    while (world->runtimes[at].made) shut_one(world, at);
  /* Each buffer that was accepted has been given back once; the others are untouched. */
  for (size_t at = 0; at < world->parcels_used; at++)
    CHECK(atomic_load(&world->parcels[at].freed) == world->given[at]);
  return NULL;
}

static void voyage(uint64_t seed) {
  uint64_t dice = seed * 2 + 1;
  int crews = 1 + (int)(draw(&dice) % WORLDS);
  pthread_t threads[WORLDS];
  atomic_store(&voyage_seed, seed);
  for (int at = 0; at < crews; at++) {
    world_t *world = calloc(1, sizeof *world);
    world->seed = draw(&dice) | 1;
    world->number = at;
    world->parcels = calloc(PARCELS, sizeof *world->parcels);
    world->given = calloc(PARCELS, sizeof *world->given);
    pthread_mutex_init(&world->lock, NULL);
    worlds[at] = world;
  }
  for (int at = 0; at < crews; at++) threads[at] = start(sail, worlds[at]);
  for (int at = 0; at < crews; at++) join(threads[at]);
  for (int at = 0; at < crews; at++) {
    pthread_mutex_destroy(&worlds[at]->lock);
    free(worlds[at]->parcels);
    free(worlds[at]->given);
    free(worlds[at]);
  }
  CHECK(harbour_alive() == 0 && harbour_lent() == 0);
}

static void say_seed_at_failure(void) { say_seed(0); }

int main(int argc, char **argv) {
  uint64_t seed = 1;
  long seconds = 0, voyages = 600, done = 0;
  for (int at = 1; at + 1 < argc; at++) {
    if (strcmp(argv[at], "--seed") == 0) seed = strtoull(argv[at + 1], NULL, 10);
    if (strcmp(argv[at], "--seconds") == 0) seconds = strtol(argv[at + 1], NULL, 10);
    if (strcmp(argv[at], "--voyages") == 0) voyages = strtol(argv[at + 1], NULL, 10);
  }
  on_failure = say_seed_at_failure;
  signal(SIGABRT, say_seed);
  harbour_hush();
  for (time_t begun = time(NULL); seconds ? time(NULL) - begun < seconds : done < voyages; done++)
    voyage(seed++);
  printf("%ld voyages, the next seed %" PRIu64 ": %lu steps, %lu messages, no finding\n", done, seed,
         atomic_load(&calls), atomic_load(&arrived));
  return 0;
}
