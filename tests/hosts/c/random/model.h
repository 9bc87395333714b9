/* The model that random.c holds the library against: what has been opened and submitted, and what
 * may arrive for it. */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include "check.h"

#include <time.h>

enum {
  WORLDS = 3,
  RUNTIMES = 2,
  PORTS = 6,
  TASKS = 64,
  PARCELS = 512,
  WORKS = 512,
  OWNERS = 8,
  GROUPS = 3,
  STALE = 32,
  STEPS = 400,
  /* Ports that one world opens, at most: one a step. */
  BERTHS = STEPS
};

/* What a task does: functions of the library's, then what wharf itself offers. */
enum {
  ADD, ECHO, FAIL, SHIFT, WAIT, COUNT, KEEP, MIRROR, LEND, PANIC, UNSENDABLE, COUNTDOWN,
  FUNCTION, FUTURE, AFTER, EVERY, WAYS
};

/* How a function or future of the host's ends. */
enum { NUMBER, TEXT, PARCEL, ERROR, BAD_VALUE, BAD_ERROR, NO_END, MANNERS };

/* Where a port's messages go. */
typedef enum { QUEUE, DART, HANDLER } sink_t;

struct world;

/* One opening of a port: what the host's functions are called with, kept after the port is gone. */
typedef struct {
  struct world *world;
  int number, at;
  /* The port has been closed: nothing may be called with this any more (P6). */
  atomic_bool closed;
  /* What it calls may close it. */
  bool leaves;
  /* The handler has been told to wait, and has said that it knows. */
  atomic_bool paused;
  atomic_int inside;
  atomic_ulong rings;
  int64_t answers;
} berth_t;

/* What a host's own function or future is called with. */
typedef struct {
  berth_t *berth;
  uint64_t tag;
  int manner;
  /* A future: polls before its end, and whether it wakes itself. */
  int polls;
  bool wakes_itself;
  parcel_t *parcel;
  bool *given;
  atomic_int inside, called, dropped;
  /* How often it had been called when it was last woken. */
  int woken;
  char text[32];
} work_t;

typedef struct {
  bool used;
  bool cancelled;
  int way;
  uint64_t tag;
  wharf_task_t id;
  /* The next element of a stream, and how many there are. */
  uint64_t due, elements;
  /* A timer's delay or period, and the moment before which it was not set. */
  uint64_t delay_ns, set_ns;
  work_t *work;
} task_t;

typedef struct {
  wharf_port_t id;
  berth_t *berth;
  bool open, credit;
  /* Its handler or notify function may close it. */
  bool leaves;
  /* It rings through a function; how often it had when it was last seen empty. */
  bool notifies;
  unsigned long rings_when_empty;
  sink_t sink;
  int runtime;
  uint32_t policy;
  size_t capacity;
  uint64_t group;
  /* Numbers that the host's posts carry: given out, and last seen. */
  int64_t posted, seen, controls, controls_seen;
  /* Data messages that were allowed, and that came. */
  uint64_t granted, data_seen;
  /* The tag of the last delay of 0 that has ended. */
  uint64_t instant_seen;
  /* The port that a post has named, by the post's number. */
  int64_t named[STEPS + 1], named_control[STEPS + 1];
  /* The last number in the answers of each handler. */
  int64_t answered[BERTHS];
  task_t tasks[TASKS];
} port_t;

typedef struct {
  wharf_runtime_t id;
  bool made, shut;
} runtime_t;

typedef struct {
  void *pointer;
  uint64_t id;
} owner_t;

typedef struct world {
  uint64_t seed;
  int number;
  runtime_t runtimes[RUNTIMES];
  port_t ports[PORTS];
  berth_t berths[BERTHS];
  int berths_used;
  parcel_t parcels[PARCELS];
  bool given[PARCELS];
  size_t parcels_used;
  work_t works[WORKS];
  size_t works_used;
  owner_t owners[OWNERS];
  uint64_t stale[STALE];
  size_t outdated;
  uint64_t next_tag, pings;
  /* Where handlers answer a ping. */
  wharf_port_t bell;
  /* Guards what messages change that come on wharf's threads. */
  pthread_mutex_t lock;
} world_t;

static world_t *worlds[WORLDS];
static atomic_ulong calls, arrived;

/* What the host posts has tag 0, what a handler answers the highest ones. */
#define ANSWER(berth) (UINT64_MAX - (uint64_t)(berth)->number)
/* Above all numbers that a handler port obeys itself. */
#define CONTROL_BASE 1000

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- what has been met, for choosing a corpus ---- */

enum { ARRIVED, SUBMITTED, POSTED, ANSWERED, CLOSED, SHUT, SETTLED, GIVEN_UP, STEERED, LEFT, SORTS };

static atomic_bool covered[SORTS * 64 * 32];
static atomic_long covered_count;

/* Something of this sort has ended in this way. */
static void cover(int sort, int what, int end) {
  atomic_bool *met = &covered[(sort * 64 + what) * 32 + (end & 31)];
  CHECK(what < 64);
  if (!atomic_exchange(met, true)) atomic_fetch_add(&covered_count, 1);
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

static int64_t number_in(const wharf_value_t *value) {
  if (value->type == WHARF_TYPE_ARRAY && value->value.as_array.length > 0)
    value = value->value.as_array.values[0];
  return value->type == WHARF_TYPE_INT64 ? value->value.as_int64 : -1;
}

/* The port that the second of two values names; 0 if none is named. */
static int64_t port_in(const wharf_value_t *value) {
  if (value->type != WHARF_TYPE_ARRAY || value->value.as_array.length != 2) return 0;
  value = value->value.as_array.values[1];
  if (value->type != WHARF_TYPE_SEND_PORT) return 0;
  CHECK(value->value.as_send_port.origin_id == 0);
  return value->value.as_send_port.id;
}

static task_t *task_of(port_t *port, uint64_t tag) {
  for (int at = 0; at < TASKS; at++)
    if (port->tasks[at].used && port->tasks[at].tag == tag) return &port->tasks[at];
  return NULL;
}

static void host_post_arrives(port_t *port, int32_t kind, const wharf_value_t *value) {
  bool control = kind == WHARF_KIND_CONTROL;
  int64_t *seen = control ? &port->controls_seen : &port->seen;
  int64_t number = number_in(value) - (control ? CONTROL_BASE : 0);
  CHECK(number > *seen && number <= STEPS);
  /* Gaps are posts that a policy has dropped. */
  CHECK(!control || number == *seen + 1);
  CHECK(control || port->policy != WHARF_FULL_REFUSE || number == *seen + 1);
  *seen = number;
  CHECK(port_in(value) == (control ? port->named_control : port->named)[number]);
}

static void answer_arrives(port_t *port, uint64_t tag, int32_t kind, int64_t number) {
  int64_t *last = &port->answered[UINT64_MAX - tag];
  CHECK(kind == WHARF_KIND_DATA && number > *last);
  *last = number;
}

/* An element of a stream, or a beat. */
static void element_arrives(const port_t *port, task_t *task, int64_t number) {
  CHECK(task->way == COUNT || task->way == COUNTDOWN || task->way == EVERY);
  uint64_t place = task->way == COUNTDOWN ? task->elements - (uint64_t)number : (uint64_t)number;
  CHECK(number >= 0 && place >= task->due);
  if (task->way == EVERY)
    CHECK(number > 0 && now_ns() >= task->set_ns + place * task->delay_ns);
  else
    CHECK(place < task->elements && (port->policy != WHARF_FULL_REFUSE || place == task->due));
  task->due = place + 1;
}

/* The end of a function or future of the host's. */
static void check_work(const task_t *task, int32_t kind, int32_t code, const wharf_value_t *value) {
  work_t *work = task->work;
  char text[32];
  CHECK(atomic_load(&work->dropped) == 1 && atomic_load(&work->inside) == 0);
  int called = atomic_load(&work->called);
  /* A function that has begun is not stopped: its answer is what it came to. */
  if (task->way == FUNCTION) CHECK(called == (kind == WHARF_KIND_OK || kind == WHARF_KIND_ERROR));
  if (kind == WHARF_KIND_CANCELLED || kind == WHARF_KIND_SHUT_DOWN) return;
  CHECK(called > 0);
  bool fails = work->manner == ERROR || work->manner == BAD_VALUE || work->manner == BAD_ERROR;
  CHECK(kind == (fails ? WHARF_KIND_ERROR : WHARF_KIND_OK));
  if (work->manner == NUMBER || work->manner == NO_END)
    CHECK(number_in(value) == (int64_t)work->tag);
  if (work->manner == TEXT || work->manner == ERROR) {
    /* It was copied before it was dropped, and spoiled. */
    snprintf(text, sizeof text, "work %" PRIu64, work->tag);
    if (value->type == WHARF_TYPE_ARRAY) value = value->value.as_array.values[0];
    CHECK(value->type == WHARF_TYPE_STRING && strcmp(value->value.as_string, text) == 0);
  }
  if (work->manner == ERROR || work->manner == BAD_ERROR) CHECK(code == 77);
  if (work->manner == BAD_VALUE) CHECK(code == -WHARF_BAD_VALUE);
}

static void check_end(port_t *port, const runtime_t *runtime, const task_t *task, int32_t kind,
                      int32_t code, const wharf_value_t *value) {
  static const int32_t ENDS[WAYS] = {
      WHARF_KIND_OK, WHARF_KIND_OK,    WHARF_KIND_ERROR, WHARF_KIND_OK, -1, WHARF_KIND_OK,
      -1,            WHARF_KIND_OK,    WHARF_KIND_OK,    WHARF_KIND_PANIC, WHARF_KIND_ERROR,
      WHARF_KIND_OK, -1,               -1,               WHARF_KIND_OK, -1};
  bool stream = task->way == COUNT || task->way == COUNTDOWN || task->way == EVERY;
  if (kind == WHARF_KIND_CANCELLED)
    CHECK(task->cancelled);
  else if (kind == WHARF_KIND_SHUT_DOWN)
    CHECK(runtime->shut);
  else if (kind == WHARF_KIND_ERROR && stream)
    /* A stream whose port has been shut down sees it. */
    CHECK(runtime->shut && code == -WHARF_SHUT_DOWN);
  else if (!task->work)
    CHECK(kind == ENDS[task->way]);
  if (task->work) check_work(task, kind, code, value);
  if (kind == WHARF_KIND_ERROR && task->way == FAIL) CHECK(code == 5);
  if (kind == WHARF_KIND_ERROR && task->way == UNSENDABLE) CHECK(code == -WHARF_BAD_VALUE);
  if (kind == WHARF_KIND_OK && (task->way == COUNT || task->way == COUNTDOWN)) {
    CHECK(number_in(value) == (int64_t)task->elements);
    CHECK(port->policy != WHARF_FULL_REFUSE || task->due == task->elements);
  }
  if (kind == WHARF_KIND_OK && task->way == AFTER) {
    CHECK(now_ns() >= task->set_ns + task->delay_ns);
    if (task->delay_ns == 0) {
      CHECK(task->tag > port->instant_seen);
      port->instant_seen = task->tag;
    }
  }
}

/* One message, of a task's, a host's or a handler's. */
static void arrives(world_t *world, port_t *port, uint64_t tag, int32_t kind, int32_t code,
                    wharf_task_t id, const wharf_value_t *value) {
  atomic_fetch_add(&arrived, 1);
  if (kind == WHARF_KIND_DATA) CHECK(!port->credit || ++port->data_seen <= port->granted);
  if (tag > UINT64_MAX - BERTHS) {
    answer_arrives(port, tag, kind, number_in(value));
    return;
  }
  if (tag == 0) {
    host_post_arrives(port, kind, value);
    return;
  }
  task_t *task = task_of(port, tag);
  CHECK(task != NULL);
  CHECK(port->sink == DART || task->id == id);
  if (kind == WHARF_KIND_DATA) {
    element_arrives(port, task, number_in(value));
    return;
  }
  CHECK(is_terminal(kind));
  cover(ARRIVED, port->sink * WAYS + task->way, kind);
  check_end(port, &world->runtimes[port->runtime], task, kind, code, value);
  if (port->sink == QUEUE) outdate(world, task->id);
  task->used = false;
}

/* Whether something that was accepted has not been answered yet. */
static bool is_owed(world_t *world, port_t *port) {
  bool owed = false;
  pthread_mutex_lock(&world->lock);
  for (int at = 0; at < TASKS; at++) owed |= port->tasks[at].used;
  owed |= port->controls_seen != port->controls;
  owed |= port->policy == WHARF_FULL_REFUSE && port->seen != port->posted;
  pthread_mutex_unlock(&world->lock);
  return owed;
}

#endif
