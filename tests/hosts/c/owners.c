/* Owners: what a host's garbage collector gives up is closed without anybody waiting for it. */
#include "check.h"

#include <sched.h>

static atomic_bool entered, released;

static int32_t work(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task, (void)result;
  atomic_store(&entered, true);
  while (!atomic_load(&released)) sched_yield();
  return 0;
}

static bool exists(wharf_port_t port) {
  wharf_port_stats_t stats = {.size = sizeof stats};
  return wharf_port_stats(port, &stats) == WHARF_OK;
}

static void *owner_of(uint64_t id) {
  void *owner = wharf_owner_new(id);
  CHECK(owner != NULL);
  return owner;
}

/* Nobody closes the port again: the last to end sees it off. */
static void a_port_with_work_is_forgotten_when_the_work_is_done(void) {
  wharf_port_t port = open_port(0);
  void *owner = owner_of(port);
  CHECK_OK(wharf_spawn_fn(port, 1, work, NULL, NULL, NULL));
  while (!atomic_load(&entered)) sched_yield();
  wharf_owner_drop(owner);
  CHECK(exists(port) && wharf_post(port, 1, NULL) == WHARF_NO_PORT);
  atomic_store(&released, true);
  while (exists(port)) sched_yield();
}

static void tasks_of_a_given_up_port_are_cancelled(void) {
  wharf_port_t port = open_port(0);
  void *owner = owner_of(port);
  CHECK_OK(harbour_wait(port, 1, NULL));
  wharf_owner_drop(owner);
  while (harbour_alive() != 0 || exists(port)) sched_yield();
}

static void a_given_up_runtime_ends_and_takes_its_ports_along(void) {
  wharf_runtime_t runtime = new_runtime(1);
  wharf_port_t port = open_port(runtime);
  CHECK_OK(harbour_wait(port, 1, NULL));
  wharf_owner_drop(owner_of(runtime));
  while (exists(port) || harbour_alive() != 0) sched_yield();
  while (wharf_runtime_shutdown(runtime, 0) != WHARF_NO_RUNTIME) sched_yield();
}

static void what_was_closed_by_hand_is_owned_no_more(void) {
  wharf_port_t port = open_port(0);
  void *owner = owner_of(port);
  CHECK_OK(wharf_port_close(port, LONG));
  wharf_port_t others[64];
  for (int at = 0; at < 64; at++) others[at] = open_port(0);
  wharf_owner_drop(owner);
  for (int at = 0; at < 64; at++) CHECK_OK(wharf_port_close(others[at], LONG));
}

/* What a handler gives up, once the owner is there. */
static _Atomic(void *) own;

static void handle(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)message;
  wharf_owner_drop(atomic_load(&own));
  CHECK(wharf_post(port, 2, NULL) == WHARF_NO_PORT);
}

/* The port's own handler lets it go: it ends when the handler returns. */
static void from_inside(void) {
  wharf_port_t port;
  CHECK_OK(wharf_port_serve(0, handle, NULL, NULL, &port));
  atomic_store(&own, owner_of(port));
  CHECK_OK(wharf_post(port, 1, NULL));
  while (exists(port)) sched_yield();
}

int main(void) {
  CHECK(wharf_owner_new(0) == NULL && wharf_last_error_code() == WHARF_NO_PORT);
  CHECK(wharf_owner_new(UINT64_MAX) == NULL);
  wharf_owner_drop(NULL);
  a_port_with_work_is_forgotten_when_the_work_is_done();
  tasks_of_a_given_up_port_are_cancelled();
  a_given_up_runtime_ends_and_takes_its_ports_along();
  what_was_closed_by_hand_is_owned_no_more();
  from_inside();
  return 0;
}
