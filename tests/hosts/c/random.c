/* Random calls with random arguments, against a model of what must arrive: P1 to P7.
 *
 *   random [--seed N] [--seconds N] [--voyages N] [--choose yes]
 *
 * A voyage is a sequence of calls that its seed decides, made by one to three threads at once, each
 * with runtimes and ports of its own, while another looks into all of them. What fails prints the
 * voyage's seed; `--seed N` begins there and makes the same calls again. Without arguments, the
 * voyages of the corpus (random/corpus.h) come first: those that met something that none before
 * them had met (what ended how, at which sort of port), as `--choose yes` finds and prints them. */
#include "random/hosted.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* Far above what a voyage takes: one that takes longer waits for what will not come. */
enum { VOYAGE_S = 120 };

static _Atomic uint64_t voyage_seed;

static void say_seed(int signal) {
  char text[64];
  int length = snprintf(text, sizeof text, "the voyage's seed is %" PRIu64 "%s\n",
                        atomic_load(&voyage_seed), signal == SIGALRM ? ": it hangs" : "");
  ssize_t ignored = write(2, text, (size_t)length);
  (void)ignored;
  if (signal == SIGALRM) abort();
  if (signal != 0) _exit(3);
}

static void received(world_t *world, port_t *port, wharf_message_t *message) {
  pthread_mutex_lock(&world->lock);
  arrives(world, port, message->tag, message->kind, message->code, message->task, &message->value);
  pthread_mutex_unlock(&world->lock);
  CHECK_OK(wharf_message_free(message));
  if (roll(world, 8) == 0) CHECK_OK(wharf_message_free(message));
}

/* ---- opening and submitting ---- */

static void make_runtime(world_t *world, runtime_t *runtime) {
  wharf_runtime_options_t options = {0};
  options.size = sizeof options;
  options.worker_threads = 1 + (uint32_t)roll(world, 2);
  options.thread_name = roll(world, 2) ? "voyage" : NULL;
  options.spin_before_park_ns = roll(world, 3) ? 0 : roll(world, 200000);
  options.thread_keep_alive_ns = roll(world, 2) ? 0 : 1 + roll(world, 2000000);
  CHECK_OK(wharf_runtime_new(&options, &runtime->id));
  runtime->made = true;
  runtime->shut = false;
}

/* Fills in a port that is to be opened, and what it is opened with. */
static wharf_port_options_t plan(world_t *world, int at, int runtime) {
  port_t *port = &world->ports[at];
  wharf_port_options_t options = {0};
  pthread_mutex_lock(&world->lock);
  memset(port, 0, sizeof *port);
  port->berth = &world->berths[world->berths_used];
  port->berth->world = world;
  port->berth->at = at;
  port->berth->number = world->berths_used++;
  port->runtime = runtime;
  port->sink = (sink_t)roll(world, 3);
  port->notifies = port->sink == QUEUE && roll(world, 4) == 0;
  port->leaves = (port->sink == HANDLER || port->notifies) && roll(world, 4) == 0;
  port->berth->leaves = port->leaves;
  options.size = sizeof options;
  if (port->sink != DART) {
    options.capacity = roll(world, 3) ? 0 : 1 + roll(world, 4);
    options.when_full = (uint32_t)roll(world, 3);
  }
  options.needs_credit = roll(world, 4) == 0;
  if (roll(world, 2)) options.group = 1 + (uint64_t)world->number * GROUPS + roll(world, GROUPS);
  port->credit = options.needs_credit != 0;
  port->policy = options.when_full;
  port->capacity = options.capacity;
  port->group = options.group;
  port->open = true;
  pthread_mutex_unlock(&world->lock);
  return options;
}

static void open_one(world_t *world, int at) {
  port_t *port = &world->ports[at];
  int runtime = (int)roll(world, RUNTIMES);
  runtime_t *of = &world->runtimes[runtime];
  if (!of->made) return;
  wharf_port_options_t options = plan(world, at, runtime);
  switch (port->sink) {
  case QUEUE: CHECK_OK(wharf_port_open(of->id, &options, &port->id)); break;
  case DART:
    CHECK_OK(wharf_port_dart(of->id, 1 + world->number * PORTS + at, post, WHARF_DART_ENVELOPED,
                             &options, &port->id));
    break;
  case HANDLER: CHECK_OK(wharf_port_serve(of->id, handle, port->berth, &options, &port->id));
  }
  if (port->notifies) CHECK_OK(wharf_port_notify(port->id, rings, port->berth));
}

static work_t *fresh_work(world_t *world, port_t *port, task_t *task) {
  CHECK(world->works_used < WORKS);
  work_t *work = &world->works[world->works_used++];
  work->berth = port->berth;
  work->tag = task->tag;
  work->manner = (int)roll(world, MANNERS);
  work->polls = (int)roll(world, 4);
  work->wakes_itself = roll(world, 2) == 0;
  if (work->manner == PARCEL) {
    work->parcel = fresh_parcel(world);
    work->given = &world->given[work->parcel - world->parcels];
  }
  return work;
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
  case COUNTDOWN: return harbour_countdown(port, task->tag, task->elements, id);
  case FUNCTION: return wharf_spawn_fn(port, task->tag, function, task->work, drop, id);
  case FUTURE: return wharf_spawn_poll(port, task->tag, future, task->work, drop, id);
  case AFTER: return wharf_timer_after(port, task->tag, task->delay_ns, id);
  case EVERY: return wharf_timer_every(port, task->tag, task->delay_ns, id);
  default: return harbour_unsendable(port, task->tag, id);
  }
}

/* What a submit or a post to this port must answer, if all else is well. */
static wharf_status_t door(const world_t *world, const port_t *port) {
  if (!port->open) return WHARF_NO_PORT;
  return world->runtimes[port->runtime].shut ? WHARF_SHUT_DOWN : WHARF_OK;
}

/* As expected, unless the port's own handler has closed it meanwhile. */
static bool agrees(const port_t *port, wharf_status_t status, wharf_status_t wanted) {
  return status == wanted || (port->leaves && status == WHARF_NO_PORT);
}

static uint64_t delay(world_t *world) {
  switch (roll(world, 8)) {
  case 0: return 0;
  case 1: return UINT64_MAX >> roll(world, 8);
  case 2: return 1;
  default: return 1 + roll(world, 200000);
  }
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
  task->delay_ns = delay(world);
  if (task->way == EVERY && task->delay_ns < 1000000) task->delay_ns += 1 + roll(world, 10) * 1000;
  task->set_ns = now_ns();
  bool hosted = task->way == FUNCTION || task->way == FUTURE;
  if (hosted && port->berth != NULL) task->work = fresh_work(world, port, task);
  if (hosted && port->berth == NULL) task->way = ADD;
  task->used = true;
  /* In a local, for it may be over, and its place another's, before the call returns. */
  task_t call = *task;
  pthread_mutex_unlock(&world->lock);
  bool carries = call.way == KEEP || call.way == MIRROR;
  parcel_t *parcel = carries ? fresh_parcel(world) : NULL;
  wharf_status_t wanted = door(world, port);
  /* The id is written before an answer can come. */
  wharf_status_t status = call_way(world, port->id, &call, parcel, &task->id);
  CHECK(agrees(port, status, wanted));
  cover(SUBMITTED, port->sink * WAYS + call.way, status);
  if (status == WHARF_OK && carries) world->given[parcel - world->parcels] = true;
  if (status != WHARF_OK) task->used = false;
  if (status != WHARF_OK && call.work) CHECK(atomic_load(&call.work->dropped) == 0);
}

/* ---- posting ---- */

/* A value with a number in it that the model knows again, or one that must be refused. */
static void post_one(world_t *world, port_t *port) {
  bool control = roll(world, 3) == 0;
  wharf_status_t (*function)(wharf_port_t, uint64_t, const wharf_value_t *) =
      control ? wharf_post_control : wharf_post;
  wharf_status_t wanted = door(world, port);
  if (roll(world, 6) == 0) {
    wharf_value_t bad = int_value(0);
    bad.type = roll(world, 2) ? WHARF_TYPE_UNSUPPORTED : 14 + (int32_t)roll(world, 1000);
    CHECK(agrees(port, function(port->id, 0, &bad), port->open ? WHARF_BAD_VALUE : WHARF_NO_PORT));
    return;
  }
  const port_t *named = &world->ports[roll(world, PORTS)];
  wharf_value_t number, to = {0}, pair = {0}, *both[2] = {&number, &to};
  to.type = WHARF_TYPE_SEND_PORT;
  if (roll(world, 2)) to.value.as_send_port.id = (int64_t)(named->open ? named->id : bad_id(world));
  pair.type = WHARF_TYPE_ARRAY;
  pair.value.as_array.length = 2;
  pair.value.as_array.values = both;
  pthread_mutex_lock(&world->lock);
  int64_t *count = control ? &port->controls : &port->posted;
  *count += 1;
  (control ? port->named_control : port->named)[*count] = to.value.as_send_port.id;
  number = int_value(*count + (control ? CONTROL_BASE : 0));
  pthread_mutex_unlock(&world->lock);
  wharf_status_t status = function(port->id, 0, to.value.as_send_port.id ? &pair : &number);
  bool may_be_full = wanted == WHARF_OK && (port->capacity != 0 || port->credit);
  CHECK(agrees(port, status, wanted) || (may_be_full && status == WHARF_FULL));
  cover(POSTED, (int)(port->sink * 4 + port->policy) * 4 + control * 2 + port->credit, status);
  if (status == WHARF_OK) return;
  pthread_mutex_lock(&world->lock);
  *count -= 1;
  pthread_mutex_unlock(&world->lock);
}

static void grant(world_t *world, port_t *port, uint64_t messages) {
  if (port->open && !port->credit) return;
  pthread_mutex_lock(&world->lock);
  port->granted += messages;
  pthread_mutex_unlock(&world->lock);
  CHECK(agrees(port, wharf_port_grant(port->id, messages), door(world, port)));
}

/* What a handler port obeys itself; a full one is asked again. */
static void control(port_t *port, const wharf_value_t *value, uint64_t tag) {
  wharf_status_t status;
  while ((status = wharf_post_control(port->id, tag, value)) == WHARF_FULL) sched_yield();
  CHECK(agrees(port, status, WHARF_OK));
}

/* Returns once the port has obeyed all that it was told before. */
static void ping(world_t *world, port_t *port) {
  wharf_value_t what = int_value(WHARF_CONTROL_PING), to = {0}, pair = {0}, *both[2] = {&what, &to};
  to.type = WHARF_TYPE_SEND_PORT;
  to.value.as_send_port.id = (int64_t)world->bell;
  pair.type = WHARF_TYPE_ARRAY;
  pair.value.as_array.length = 2;
  pair.value.as_array.values = both;
  control(port, &pair, ++world->pings);
  wharf_message_t pong = next(world->bell);
  CHECK(pong.tag == world->pings && pong.kind == WHARF_KIND_DATA);
  CHECK(pong.value.type == WHARF_TYPE_NULL);
}

static void resume(port_t *port) {
  wharf_value_t what = int_value(WHARF_CONTROL_RESUME);
  atomic_store(&port->berth->paused, false);
  control(port, &what, 1);
}

static void pause_or_resume(world_t *world, port_t *port) {
  if (port->sink != HANDLER || port->leaves || door(world, port) != WHARF_OK) return;
  wharf_value_t what = int_value(WHARF_CONTROL_PAUSE);
  if (atomic_load(&port->berth->paused)) {
    resume(port);
    return;
  }
  control(port, &what, 1);
  ping(world, port);
  atomic_store(&port->berth->paused, true);
}

/* ---- receiving ---- */

static void receive(world_t *world, port_t *port) {
  wharf_message_t messages[8];
  size_t count = 77;
  if (port->sink != QUEUE && port->open) {
    CHECK(agrees(port, wharf_port_try_recv(port->id, messages), WHARF_WRONG_STATE));
    return;
  }
  int64_t wait = roll(world, 3) ? 0 : (int64_t)roll(world, 300000);
  unsigned long rings = port->berth ? atomic_load(&port->berth->rings) : 0;
  if (roll(world, 2)) {
    wharf_status_t status = wharf_port_recv(port->id, messages, wait);
    if (status == WHARF_OK)
      received(world, port, messages);
    else
      CHECK(agrees(port, status,
                   !port->open ? WHARF_NO_PORT : wait ? WHARF_TIMEOUT : WHARF_EMPTY));
    if (status != WHARF_OK) port->rings_when_empty = rings;
    return;
  }
  wharf_status_t status =
      wharf_port_recv_batch(port->id, messages, 1 + roll(world, 8), &count, wait);
  CHECK((status == WHARF_OK) == (count > 0) && count <= 8);
  for (size_t at = 0; at < count; at++) received(world, port, &messages[at]);
  if (count == 0) port->rings_when_empty = rings;
}

static void look_at_bell(port_t *port) {
  struct pollfd look = {.events = POLLIN};
  wharf_status_t status = wharf_port_descriptor(port->id, &look.fd);
  if (!port->open) {
    CHECK(status == WHARF_NO_PORT && wharf_port_notify(port->id, rings, NULL) == WHARF_NO_PORT);
    return;
  }
  if (port->leaves) return;
  if (port->sink != QUEUE || port->notifies)
    CHECK(agrees(port, status, WHARF_WRONG_STATE));
  else
    CHECK(status == WHARF_OK);
  CHECK(agrees(port, wharf_port_notify(port->id, rings, NULL), WHARF_WRONG_STATE));
  if (port->sink != QUEUE || stats_of(port->id).waiting == 0) return;
  /* Only this thread takes messages out, so what waits now has rung, or is about to. */
  if (!port->notifies) CHECK(poll(&look, 1, 60000) == 1);
  while (port->notifies && atomic_load(&port->berth->rings) <= port->rings_when_empty)
    sched_yield();
}

/* ---- steering tasks ---- */

static void steer_one(world_t *world, port_t *port) {
  pthread_mutex_lock(&world->lock);
  task_t *task = &port->tasks[roll(world, TASKS)];
  wharf_task_t id = task->used ? task->id : bad_id(world);
  bool live = task->used, cancelled = task->cancelled;
  int what = (int)roll(world, 6);
  if (live && what < 2) task->cancelled = true;
  pthread_mutex_unlock(&world->lock);
  if (what == 5) {
    bool asked = wharf_task_is_cancelled(id);
    CHECK(asked || (live && !cancelled));
    return;
  }
  wharf_status_t status = what < 2    ? wharf_task_cancel(id)
                          : what == 2 ? wharf_task_pause(id)
                          : what == 3 ? wharf_task_resume(id)
                                      : wharf_task_wake(id);
  CHECK(status == WHARF_NO_TASK || (status == WHARF_OK && live));
  cover(STEERED, what, status);
}

/* Whether a task ends only when it is told to. */
static bool has_no_end(const task_t *task) {
  return task->way == WAIT || task->way == KEEP || task->way == EVERY ||
         (task->way == AFTER && task->delay_ns > 1000000000) ||
         (task->work && task->work->manner == NO_END);
}

/* Has all tasks of a port end: by themselves, those that would, or at once. */
static void let_end(world_t *world, port_t *port, bool patient) {
  for (int at = 0; at < TASKS; at++) {
    pthread_mutex_lock(&world->lock);
    task_t *task = &port->tasks[at];
    wharf_task_t id = task->used ? task->id : 0;
    bool cancel = !patient || has_no_end(task);
    if (cancel) task->cancelled = task->used;
    pthread_mutex_unlock(&world->lock);
    if (id == 0) continue;
    wharf_status_t status = cancel ? wharf_task_cancel(id) : wharf_task_resume(id);
    CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
  }
}

/* One wake for each poll that has come to nothing: were one lost, the future would not end. */
static void wake_futures(world_t *world, port_t *port) {
  for (int at = 0; at < TASKS; at++) {
    pthread_mutex_lock(&world->lock);
    task_t *task = &port->tasks[at];
    work_t *work = task->used && task->way == FUTURE ? task->work : NULL;
    wharf_task_t id = task->id;
    pthread_mutex_unlock(&world->lock);
    if (work == NULL || work->wakes_itself) continue;
    int called = atomic_load(&work->called);
    if (called == work->woken) continue;
    work->woken = called;
    wharf_status_t status = wharf_task_wake(id);
    CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
  }
}

/* What a paused handler has left at a shutdown, the host takes out itself: all that is owed is there. */
static void take_what_was_left(world_t *world, port_t *port) {
  wharf_message_t message;
  wharf_status_t status;
  while ((status = wharf_port_recv(port->id, &message, LONG)) == WHARF_OK)
    received(world, port, &message);
  CHECK(status == WHARF_SHUT_DOWN && !is_owed(world, port));
}

/* Waits until all that was accepted has been answered; the port stays open. */
static void settle(world_t *world, port_t *port) {
  bool open = door(world, port) == WHARF_OK, patient = open && roll(world, 2) == 0;
  wharf_message_t message;
  if (port->leaves) return;
  if (atomic_load(&port->berth->paused)) {
    if (!open) {
      take_what_was_left(world, port);
      return;
    }
    resume(port);
  }
  cover(SETTLED, port->sink * 4 + patient * 2 + open, (int)port->policy * 2 + port->credit);
  if (patient && port->credit) grant(world, port, 1000000);
  let_end(world, port, patient);
  while (is_owed(world, port)) {
    if (port->sink != QUEUE)
      sched_yield();
    else if (wharf_port_recv(port->id, &message, 1000000) == WHARF_OK)
      received(world, port, &message);
    if (patient) wake_futures(world, port);
  }
  while (port->sink == QUEUE && wharf_port_try_recv(port->id, &message) == WHARF_OK)
    received(world, port, &message);
}

/* ---- ends ---- */

/* The port has come to rest: nothing of the host's is called for it, and nothing of it is held. */
static void has_closed(world_t *world, port_t *port) {
  pthread_mutex_lock(&world->lock);
  port->open = false;
  atomic_store(&port->berth->closed, true);
  CHECK(atomic_load(&port->berth->inside) == 0);
  for (int at = 0; at < TASKS; at++)
    if (port->tasks[at].used && port->tasks[at].work)
      CHECK(atomic_load(&port->tasks[at].work->dropped) == 1);
  outdate(world, port->id);
  pthread_mutex_unlock(&world->lock);
}

static void wait_for_close(port_t *port, int64_t wait, bool closed_already) {
  for (;; wait = LONG) {
    wharf_status_t status = wharf_port_close(port->id, wait);
    cover(CLOSED, port->sink * 2 + closed_already, status);
    if (status == WHARF_OK) return;
    if (status == WHARF_NO_PORT && (closed_already || port->leaves)) return;
    CHECK(status == WHARF_TIMEOUT && wait != LONG);
  }
}

static void close_one(world_t *world, port_t *port) {
  if (!port->open) {
    CHECK(wharf_port_close(port->id, 0) == WHARF_NO_PORT);
    return;
  }
  if (roll(world, 2)) settle(world, port);
  bool killed =
      port->sink == HANDLER && door(world, port) == WHARF_OK && roll(world, 3) == 0;
  wharf_value_t kill = int_value(WHARF_CONTROL_KILL);
  if (killed) control(port, &kill, 1);
  wait_for_close(port, (int64_t)roll(world, 2) * 10000, killed);
  has_closed(world, port);
}

static void close_group(world_t *world) {
  uint64_t group = 1 + (uint64_t)world->number * GROUPS + roll(world, GROUPS);
  for (int64_t wait = (int64_t)roll(world, 2) * 10000;; wait = LONG) {
    wharf_status_t status = wharf_group_close(group, wait);
    if (status == WHARF_OK) break;
    CHECK(status == WHARF_TIMEOUT && wait != LONG);
  }
  for (int at = 0; at < PORTS; at++)
    if (world->ports[at].open && world->ports[at].group == group)
      has_closed(world, &world->ports[at]);
}

static void is_shut(world_t *world, runtime_t *runtime) {
  pthread_mutex_lock(&world->lock);
  runtime->shut = true;
  pthread_mutex_unlock(&world->lock);
}

static void is_gone(world_t *world, int at) {
  outdate(world, world->runtimes[at].id);
  world->runtimes[at].made = false;
  for (int port = 0; port < PORTS; port++)
    if (world->ports[port].open && world->ports[port].runtime == at)
      has_closed(world, &world->ports[port]);
}

/* The ports stay, all answers are in them, and nothing of the host's is called any more. */
static void look_after_shutdown(world_t *world, port_t *port) {
  wharf_port_stats_t stats = {.size = sizeof stats};
  wharf_status_t status = wharf_port_stats(port->id, &stats);
  CHECK(agrees(port, status, WHARF_OK) && stats.tasks == 0);
  atomic_store(&port->berth->closed, true);
  CHECK(atomic_load(&port->berth->inside) == 0);
  if (roll(world, 2)) settle(world, port);
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
  is_shut(world, runtime);
  for (int64_t wait = (int64_t)roll(world, 2) * 10000;; wait = LONG) {
    wharf_status_t status = wharf_runtime_shutdown(runtime->id, wait);
    CHECK(status == WHARF_OK || (status == WHARF_TIMEOUT && wait != LONG));
    cover(SHUT, wait != 0, status);
    if (status == WHARF_OK) break;
  }
  for (int port = 0; port < PORTS; port++)
    if (world->ports[port].open && world->ports[port].runtime == at)
      look_after_shutdown(world, &world->ports[port]);
  CHECK_OK(wharf_runtime_free(runtime->id));
  is_gone(world, at);
}

/* What a host's garbage collector does. */
static void give_up(world_t *world, owner_t *owner) {
  uint64_t id = owner->id;
  for (int at = 0; at < RUNTIMES; at++)
    if (world->runtimes[at].made && world->runtimes[at].id == id) is_shut(world, &world->runtimes[at]);
  wharf_owner_drop(owner->pointer);
  owner->pointer = NULL;
  for (int at = 0; at < PORTS; at++) {
    port_t *port = &world->ports[at];
    if (!port->open || port->id != id) continue;
    cover(GIVEN_UP, 0, port->sink);
    wait_for_close(port, LONG, true);
    has_closed(world, port);
  }
  for (int at = 0; at < RUNTIMES; at++) {
    if (!world->runtimes[at].made || world->runtimes[at].id != id) continue;
    wharf_status_t status;
    while ((status = wharf_runtime_shutdown(id, LONG)) != WHARF_NO_RUNTIME) {
      CHECK(status == WHARF_OK);
      sched_yield();
    }
    is_gone(world, at);
  }
}

static void own_or_give_up(world_t *world) {
  owner_t *owner = &world->owners[roll(world, OWNERS)];
  const port_t *port = &world->ports[roll(world, PORTS)];
  const runtime_t *runtime = &world->runtimes[roll(world, RUNTIMES)];
  if (owner->pointer) {
    give_up(world, owner);
    return;
  }
  bool exists = true;
  if (port->open && !port->leaves && roll(world, 3))
    owner->id = port->id;
  else if (runtime->made && roll(world, 4) == 0)
    owner->id = runtime->id;
  else {
    owner->id = bad_id(world);
    exists = false;
  }
  owner->pointer = wharf_owner_new(owner->id);
  CHECK((owner->pointer != NULL) == exists);
}

/* ---- nonsense ---- */

static void nonsense(world_t *world) {
  uint64_t id = bad_id(world), out = 0;
  wharf_message_t message;
  wharf_value_t value = int_value(1);
  size_t count;
  int fd;
  wharf_port_stats_t stats = {.size = roll(world, 2) ? sizeof stats : 0};
  switch (roll(world, 26)) {
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
  case 15: CHECK(wharf_port_serve(id, handle, NULL, NULL, &out) == WHARF_NO_RUNTIME); break;
  case 16: CHECK(wharf_port_serve(id, NULL, NULL, NULL, &out) == WHARF_NULL); break;
  case 17: CHECK(wharf_port_notify(id, rings, NULL) == WHARF_NO_PORT); break;
  case 18: CHECK(wharf_spawn_fn(id, 1, function, NULL, drop, &out) == WHARF_NO_PORT); break;
  case 19: CHECK(wharf_spawn_poll(id, 1, future, NULL, drop, NULL) == WHARF_NO_PORT); break;
  case 20: CHECK(wharf_timer_after(id, 1, roll(world, 9), &out) == WHARF_NO_PORT); break;
  case 21: CHECK(wharf_timer_every(id, 1, 0, &out) == WHARF_OUT_OF_RANGE); break;
  case 22: CHECK(wharf_task_wake(id) == WHARF_NO_TASK && wharf_task_is_cancelled(id)); break;
  case 23: CHECK(wharf_group_close(0, 1) == WHARF_OUT_OF_RANGE); break;
  case 24: wharf_owner_drop(NULL); break;
  default: {
    wharf_value_t copy;
    CHECK_OK(wharf_value_copy(&value, &copy));
    CHECK_OK(wharf_value_free(&copy));
  }
  }
}

/* ---- voyages ---- */

static void step(world_t *world) {
  int at = (int)roll(world, PORTS);
  port_t *port = &world->ports[at];
  uint64_t what = roll(world, 100);
  atomic_fetch_add(&calls, 1);
  if (!port->open && what < 80 && roll(world, 4) != 0)
    open_one(world, at);
  else if (what < 30)
    submit(world, port);
  else if (what < 40)
    post_one(world, port);
  else if (what < 42)
    grant(world, port, roll(world, 10));
  else if (what < 56)
    receive(world, port);
  else if (what < 70)
    steer_one(world, port);
  else if (what < 75)
    pause_or_resume(world, port);
  else if (what < 79)
    look_at_bell(port);
  else if (what < 83)
    close_one(world, port);
  else if (what < 85)
    shut_one(world, (int)roll(world, RUNTIMES));
  else if (what < 86)
    close_group(world);
  else if (what < 89)
    own_or_give_up(world);
  else
    nonsense(world);
}

static void *sail(void *argument) {
  world_t *world = argument;
  world->bell = open_port(0);
  for (int at = 0; at < STALE; at++) world->stale[at] = UINT64_MAX;
  for (int at = 0; at < RUNTIMES; at++) make_runtime(world, &world->runtimes[at]);
  for (int steps = 0; steps < STEPS; steps++) step(world);
  for (int at = 0; at < OWNERS; at++)
    if (world->owners[at].pointer) give_up(world, &world->owners[at]);
  for (int at = 0; at < PORTS; at++)
    if (world->ports[at].open) close_one(world, &world->ports[at]);
  for (int at = 0; at < RUNTIMES; at++)
    while (world->runtimes[at].made) shut_one(world, at);
  CHECK_OK(wharf_port_close(world->bell, LONG));
  /* Each buffer that was accepted has been given back once; the others are untouched. */
  for (size_t at = 0; at < world->parcels_used; at++)
    CHECK(atomic_load(&world->parcels[at].freed) == world->given[at]);
  return NULL;
}

static atomic_bool landed;

/* Looks into all worlds from outside of them, and does what must not matter to any. */
static void *circle(void *argument) {
  uint64_t dice = *(uint64_t *)argument;
  while (!atomic_load(&landed)) {
    world_t *world = worlds[draw(&dice) % WORLDS];
    if (world == NULL) continue;
    pthread_mutex_lock(&world->lock);
    const port_t *port = &world->ports[draw(&dice) % PORTS];
    wharf_port_t id = port->id;
    wharf_task_t task = port->tasks[draw(&dice) % TASKS].id;
    pthread_mutex_unlock(&world->lock);
    wharf_port_stats_t stats = {.size = sizeof stats};
    wharf_status_t status = WHARF_OK;
    switch (draw(&dice) % 4) {
    case 0: status = wharf_port_stats(id, &stats); break;
    case 1: status = wharf_task_resume(task); break;
    case 2: status = wharf_task_wake(task); break;
    default: wharf_task_is_cancelled(task); sched_yield();
    }
    CHECK(status == WHARF_OK || status == WHARF_NO_PORT || status == WHARF_NO_TASK);
  }
  return NULL;
}

static void voyage(uint64_t seed) {
  uint64_t dice = seed * 2 + 1;
  int crews = 1 + (int)(draw(&dice) % WORLDS);
  pthread_t threads[WORLDS], gull;
  atomic_store(&voyage_seed, seed);
  alarm(VOYAGE_S);
  for (int at = 0; at < crews; at++) {
    world_t *world = calloc(1, sizeof *world);
    world->seed = draw(&dice) | 1;
    world->number = at;
    pthread_mutex_init(&world->lock, NULL);
    worlds[at] = world;
  }
  for (int at = crews; at < WORLDS; at++) worlds[at] = NULL;
  atomic_store(&landed, false);
  for (int at = 0; at < crews; at++) threads[at] = start(sail, worlds[at]);
  gull = start(circle, &dice);
  for (int at = 0; at < crews; at++) join(threads[at]);
  atomic_store(&landed, true);
  join(gull);
  for (int at = 0; at < crews; at++) {
    pthread_mutex_destroy(&worlds[at]->lock);
    free(worlds[at]);
  }
  CHECK(harbour_alive() == 0 && harbour_lent() == 0);
}

static const uint64_t CORPUS[] = {
#include "random/corpus.h"
};

static void say_seed_at_failure(void) { say_seed(0); }

int main(int argc, char **argv) {
  uint64_t seed = 1;
  long seconds = 0, voyages = 600, done = 0, met = 0;
  bool choose = false;
  for (int at = 1; at + 1 < argc; at++) {
    if (strcmp(argv[at], "--seed") == 0) seed = strtoull(argv[at + 1], NULL, 10);
    if (strcmp(argv[at], "--seconds") == 0) seconds = strtol(argv[at + 1], NULL, 10);
    if (strcmp(argv[at], "--voyages") == 0) voyages = strtol(argv[at + 1], NULL, 10);
    if (strcmp(argv[at], "--choose") == 0) choose = true;
  }
  on_failure = say_seed_at_failure;
  signal(SIGABRT, say_seed);
  signal(SIGALRM, say_seed);
  harbour_hush();
  if (argc < 3)
    for (size_t at = 0; at < sizeof CORPUS / sizeof *CORPUS; at++) voyage(CORPUS[at]);
  for (time_t begun = time(NULL); seconds ? time(NULL) - begun < seconds : done < voyages; done++) {
    voyage(seed++);
    if (choose && atomic_load(&covered_count) > met) printf("%" PRIu64 ",\n", seed - 1);
    met = atomic_load(&covered_count);
  }
  printf("%ld voyages, the next seed %" PRIu64 ": %lu steps, %lu messages, %ld sorts of ends, "
         "no finding\n",
         done, seed, atomic_load(&calls), atomic_load(&arrived), atomic_load(&covered_count));
  return 0;
}
