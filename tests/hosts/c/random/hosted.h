/* The host's own code that random.c has called: a Dart VM's post, handlers, a notify function,
 * functions and futures. Each checks that it may be called at all, one at a time where that is
 * promised, and calls back into the library. */
#ifndef RANDOM_HOSTED_H
#define RANDOM_HOSTED_H

#include "model.h"

#include <sched.h>

/* What the host's code does besides, inside a call of wharf's. */
static void look_around(world_t *world, uint64_t what) {
  wharf_message_t message;
  switch (what % 8) {
  case 0: CHECK(wharf_port_recv(world->bell, &message, 5) == WHARF_WOULD_BLOCK); break;
  case 1: CHECK(wharf_port_close(UINT64_MAX, LONG) == WHARF_NO_PORT); break;
  case 2: CHECK(wharf_task_cancel(0) == WHARF_NO_TASK); break;
  case 3: CHECK(wharf_port_try_recv(0, &message) == WHARF_NO_PORT); break;
  case 4: sched_yield(); break;
  case 5: CHECK(wharf_spawn_fn(0, 1, NULL, NULL, NULL, NULL) == WHARF_NULL); break;
  default: break;
  }
}

/* ---- a Dart VM ---- */

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
  CHECK(port->open && port->sink == DART && !atomic_load(&port->berth->closed));
  arrives(world, port, (uint64_t)parts[0]->value.as_int64, parts[1]->value.as_int32,
          parts[2]->value.as_int32, 0, parts[3]);
  pthread_mutex_unlock(&world->lock);
  finalize(message);
  return true;
}

/* ---- ports that call ---- */

static void rings(void *context, wharf_port_t id) {
  berth_t *berth = context;
  CHECK(!atomic_load(&berth->closed) && id != 0);
  unsigned long rung = atomic_fetch_add(&berth->rings, 1);
  if (!berth->leaves || rung % 8 != 3) return;
  wharf_status_t status = wharf_port_close(id, rung % 3 ? 0 : LONG);
  cover(LEFT, 0, status);
  CHECK(status == WHARF_DEFERRED || status == WHARF_NO_PORT);
}

/* Answers whoever is named in a message. */
static void answer(berth_t *berth, wharf_port_t self, wharf_port_t to) {
  wharf_value_t number = int_value(berth->answers + 1), own = {0}, *both[2] = {&number, &own};
  wharf_value_t pair = {0};
  own.type = WHARF_TYPE_SEND_PORT;
  own.value.as_send_port.id = (int64_t)self;
  pair.type = WHARF_TYPE_ARRAY;
  pair.value.as_array.length = 2;
  pair.value.as_array.values = both;
  wharf_status_t status = wharf_post(to, ANSWER(berth), &pair);
  CHECK(status == WHARF_OK || status == WHARF_FULL || status == WHARF_NO_PORT ||
        status == WHARF_SHUT_DOWN);
  cover(ANSWERED, 0, status);
  if (status == WHARF_OK) berth->answers++;
}

static void handle(void *context, wharf_port_t id, wharf_message_t *message) {
  berth_t *berth = context;
  world_t *world = berth->world;
  port_t *port = &world->ports[berth->at];
  CHECK(!atomic_load(&berth->closed) && atomic_fetch_add(&berth->inside, 1) == 0);
  CHECK(message->kind == WHARF_KIND_CONTROL || !atomic_load(&berth->paused));
  pthread_mutex_lock(&world->lock);
  CHECK(port->berth == berth);
  bool posted = message->tag == 0, leaves = port->leaves;
  arrives(world, port, message->tag, message->kind, message->code, message->task, &message->value);
  pthread_mutex_unlock(&world->lock);
  int64_t number = number_in(&message->value), names = port_in(&message->value);
  if (posted && names != 0) answer(berth, id, (wharf_port_t)names);
  if (posted && leaves && number % 8 == 3) {
    /* Now or before: a closed port's handler still ends the call that it is in. */
    wharf_status_t status = wharf_port_close(id, number % 3 ? 0 : LONG);
    CHECK(status == WHARF_DEFERRED || status == WHARF_NO_PORT);
  }
  look_around(world, (uint64_t)number);
  CHECK(!atomic_load(&berth->closed) && atomic_fetch_sub(&berth->inside, 1) == 1);
}

/* ---- functions and futures ---- */

static int32_t outcome(work_t *work, wharf_value_t *result) {
  CHECK(result->type == WHARF_TYPE_NULL);
  snprintf(work->text, sizeof work->text, "work %" PRIu64, work->tag);
  switch (work->manner) {
  case TEXT:
  case ERROR:
    result->type = WHARF_TYPE_STRING;
    result->value.as_string = work->text;
    return work->manner == TEXT ? 0 : 77;
  case PARCEL:
    *work->given = true;
    *result = parcel_value(work->parcel);
    return 0;
  case BAD_VALUE:
  case BAD_ERROR: result->type = 99; return work->manner == BAD_VALUE ? 0 : 77;
  default: *result = int_value((int64_t)work->tag); return 0;
  }
}

static void enter(work_t *work) {
  CHECK(!atomic_load(&work->berth->closed) && atomic_load(&work->dropped) == 0);
  CHECK(atomic_fetch_add(&work->inside, 1) == 0);
  atomic_fetch_add(&work->called, 1);
}

static int32_t leave(work_t *work, int32_t code) {
  CHECK(!atomic_load(&work->berth->closed) && atomic_load(&work->dropped) == 0);
  CHECK(atomic_fetch_sub(&work->inside, 1) == 1);
  return code;
}

static int32_t function(void *context, wharf_task_t task, wharf_value_t *result) {
  work_t *work = context;
  enter(work);
  look_around(work->berth->world, work->tag);
  while (work->manner == NO_END && !wharf_task_is_cancelled(task)) sched_yield();
  return leave(work, outcome(work, result));
}

static int32_t future(void *context, wharf_task_t task, wharf_value_t *result) {
  work_t *work = context;
  enter(work);
  look_around(work->berth->world, work->tag);
  if (work->manner == NO_END || work->polls > 0) {
    work->polls--;
    if (work->wakes_itself && work->polls >= 0) CHECK_OK(wharf_task_wake(task));
    return leave(work, WHARF_PENDING);
  }
  return leave(work, outcome(work, result));
}

static void drop(void *context) {
  work_t *work = context;
  CHECK(!atomic_load(&work->berth->closed) && atomic_load(&work->inside) == 0);
  CHECK(atomic_fetch_add(&work->dropped, 1) == 0);
  memset(work->text, 'x', sizeof work->text - 1);
}

#endif
