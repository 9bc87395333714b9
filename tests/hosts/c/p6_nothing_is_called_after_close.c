/* P6: once a close or a shutdown has been answered by OK, no code of the host's is called for it.
 * Where host code does not return, the answer is TIMEOUT and the call can be repeated; inside host
 * code, closing never waits. */
#include "vm.h"

#include <sched.h>

enum { SHORT = 1000000 };

static wharf_runtime_t runtime;

static void a_close_waits_for_host_code(void) {
  vm_begin(VM_BLOCKS);
  wharf_port_t port = vm_port(runtime);
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  vm_wait_blocked();
  REFUSED(wharf_port_close(port, 0), WHARF_TIMEOUT);
  REFUSED(wharf_port_close(port, SHORT), WHARF_TIMEOUT);
  REFUSED(harbour_add(port, 2, 1, 1, NULL), WHARF_NO_PORT);
  REFUSED(wharf_port_close(port, SHORT), WHARF_TIMEOUT);
  vm_go(VM_TAKES);
  CHECK_OK(wharf_port_close(port, LONG));
  atomic_store(&vm.silent, 1);
  CHECK(vm.calls == 1);
  REFUSED(wharf_port_close(port, LONG), WHARF_NO_PORT);
}

/* Ports are closed while their tasks post: from the answer on, silence. */
static void a_close_amid_posts_is_the_last_word(void) {
  for (int round = 0; round < 200; round++) {
    vm_begin(VM_TAKES);
    wharf_port_t port = vm_port(runtime);
    for (uint64_t tag = 0; tag < 4; tag++) CHECK_OK(harbour_count(port, tag, 1000, NULL));
    vm_wait(1 + round % 50);
    CHECK_OK(wharf_port_close(port, LONG));
    atomic_store(&vm.silent, 1);
    CHECK(harbour_alive() == 0);
  }
}

static void a_shutdown_waits_for_host_code(void) {
  wharf_runtime_t mine = new_runtime(2);
  vm_begin(VM_BLOCKS);
  wharf_port_t port = vm_port(mine), queue = open_port(mine);
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  CHECK_OK(harbour_wait(queue, 2, NULL));
  vm_wait_blocked();
  REFUSED(wharf_runtime_shutdown(mine, 0), WHARF_TIMEOUT);
  REFUSED(wharf_runtime_shutdown(mine, SHORT), WHARF_TIMEOUT);
  REFUSED(wharf_runtime_free(mine), WHARF_WRONG_STATE);
  REFUSED(harbour_add(queue, 3, 1, 1, NULL), WHARF_SHUT_DOWN);
  vm_go(VM_TAKES);
  CHECK_OK(wharf_runtime_shutdown(mine, LONG));
  atomic_store(&vm.silent, 1);
  CHECK_OK(wharf_runtime_shutdown(mine, 0));
  /* Freeing is a step of its own: till then the queue can be drained. */
  expect(queue, 2, WHARF_KIND_SHUT_DOWN);
  expect_nothing(queue);
  CHECK_OK(wharf_runtime_free(mine));
  wharf_message_t message;
  REFUSED(wharf_port_try_recv(queue, &message), WHARF_NO_PORT);
}

/* A task that does not look up from its work: the shutdown is bounded, and says so. */
static void a_hog_holds_up_a_shutdown_but_not_its_caller(void) {
  wharf_runtime_t mine = new_runtime(1);
  wharf_port_t port = open_port(mine);
  harbour_release(false);
  CHECK_OK(harbour_hog(port, 1, NULL));
  while (harbour_alive() == 0) stats_of(port);
  REFUSED(wharf_runtime_shutdown(mine, SHORT), WHARF_TIMEOUT);
  expect_nothing(port);
  harbour_release(true);
  CHECK_OK(wharf_runtime_shutdown(mine, LONG));
  CHECK(harbour_alive() == 0);
  wharf_message_t message = next(port);
  CHECK(message.tag == 1 && is_terminal(message.kind));
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_runtime_free(mine));
}

static atomic_int answered, freeing, go_on;

static void freed_slowly(void *nothing, void *peer) {
  CHECK(!atomic_load(&answered));
  atomic_store(&freeing, 1);
  while (!atomic_load(&go_on)) sched_yield();
  CHECK(!atomic_load(&answered));
  parcel_freed(nothing, peer);
}

/* Bytes that are given back in a call of `freed_slowly`. */
static wharf_value_t slow_value(parcel_t *parcel) {
  wharf_value_t value = parcel_value(parcel);
  value.value.as_external_typed_data.callback = freed_slowly;
  atomic_store(&answered, 0);
  atomic_store(&freeing, 0);
  atomic_store(&go_on, 0);
  return value;
}

static void *closes(void *port) {
  wharf_status_t status = wharf_port_close(*(wharf_port_t *)port, LONG);
  CHECK(status == WHARF_OK || status == WHARF_NO_PORT);
  return NULL;
}

/* A close frees what waits in the port: another close waits for the finalizers that it calls. */
static void a_close_waits_for_another(void) {
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = slow_value(&parcel);
  wharf_port_t port = open_port(runtime);
  CHECK_OK(wharf_post(port, 1, &value));
  pthread_t other = start(closes, &port);
  while (!atomic_load(&freeing)) sched_yield();
  REFUSED(wharf_port_close(port, 0), WHARF_TIMEOUT);
  REFUSED(wharf_port_close(port, SHORT), WHARF_TIMEOUT);
  atomic_store(&go_on, 1);
  closes(&port);
  atomic_store(&answered, 1);
  join(other);
  CHECK(atomic_load(&parcel.freed) == 1);
}

/* A message that is dropped for a newer one is freed by whoever posts that, a task of another port's. */
static void a_close_waits_for_what_a_full_port_drops(void) {
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = slow_value(&parcel);
  wharf_port_options_t options = {.size = sizeof options, .capacity = 1};
  options.when_full = WHARF_FULL_DROP_OLDEST;
  wharf_port_t full, port = open_port(runtime);
  CHECK_OK(wharf_port_open(runtime, &options, &full));
  CHECK_OK(wharf_post(full, 1, &value));
  CHECK_OK(harbour_hail(port, 2, full, "make room", NULL));
  while (!atomic_load(&freeing)) sched_yield();
  REFUSED(wharf_port_close(full, 0), WHARF_TIMEOUT);
  REFUSED(wharf_port_close(full, SHORT), WHARF_TIMEOUT);
  atomic_store(&go_on, 1);
  CHECK_OK(wharf_port_close(full, LONG));
  atomic_store(&answered, 1);
  CHECK(atomic_load(&parcel.freed) == 1);
  CHECK_OK(wharf_port_close(port, LONG));
}

/* A finalizer is host code, too: that of a result which nobody receives any more. */
static void a_close_waits_for_finalizers(void) {
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = slow_value(&parcel);
  wharf_port_t port = open_port(runtime);
  CHECK_OK(harbour_ferry(port, 1, &value, NULL));
  while (harbour_alive() == 0) stats_of(port);
  REFUSED(wharf_port_close(port, SHORT), WHARF_TIMEOUT);
  while (!atomic_load(&freeing)) sched_yield();
  REFUSED(wharf_port_close(port, SHORT), WHARF_TIMEOUT);
  atomic_store(&go_on, 1);
  CHECK_OK(wharf_port_close(port, LONG));
  atomic_store(&answered, 1);
  CHECK(atomic_load(&parcel.freed) == 1);
}

static wharf_port_t own, friends;
static atomic_int answers[3];

/* Runs inside a post. Tags 1 and 2 close the other's port, so that the two close each other. */
static void close_inside(int64_t tag) {
  static atomic_int inside;
  if (tag == 1 || tag == 2) {
    atomic_fetch_add(&inside, 1);
    while (atomic_load(&inside) < 2) stats_of(own);
    atomic_store(&answers[tag], wharf_port_close(tag == 1 ? friends : own, WHARF_FOREVER) + 100);
    /* Neither leaves before the other has closed its port under it. */
    while (atomic_load(&answers[3 - tag]) == 0) harbour_alive();
  } else {
    atomic_store(&answers[0], wharf_port_close(own, WHARF_FOREVER) + 100);
  }
}

static void inside_host_code_closing_never_waits(void) {
  vm_begin(VM_TAKES);
  vm.inside = close_inside;
  own = vm_port(runtime);
  CHECK_OK(wharf_post(own, 7, NULL));
  CHECK(atomic_load(&answers[0]) == 100 + WHARF_DEFERRED);
  REFUSED(wharf_post(own, 8, NULL), WHARF_NO_PORT);

  vm_begin(VM_TAKES);
  vm.inside = close_inside;
  own = vm_port(runtime);
  friends = vm_port(runtime);
  CHECK_OK(harbour_add(own, 1, 1, 1, NULL));
  CHECK_OK(harbour_add(friends, 2, 1, 1, NULL));
  while (atomic_load(&answers[1]) == 0 || atomic_load(&answers[2]) == 0) harbour_alive();
  CHECK(atomic_load(&answers[1]) == 100 + WHARF_DEFERRED);
  CHECK(atomic_load(&answers[2]) == 100 + WHARF_DEFERRED);
  /* From outside, closing again waits until they have come to rest. */
  wharf_status_t rest = wharf_port_close(own, LONG);
  CHECK(rest == WHARF_OK || rest == WHARF_NO_PORT);
  rest = wharf_port_close(friends, LONG);
  CHECK(rest == WHARF_OK || rest == WHARF_NO_PORT);
}

static wharf_runtime_t around;
static atomic_int shut, recvd;

static void shut_down_inside(int64_t tag) {
  wharf_message_t message;
  (void)tag;
  atomic_store(&recvd, wharf_port_recv(friends, &message, WHARF_FOREVER) + 100);
  CHECK(wharf_port_try_recv(friends, &message) == WHARF_EMPTY);
  atomic_store(&shut, wharf_runtime_shutdown(around, WHARF_FOREVER) + 100);
}

static void inside_host_code_nothing_waits_for_itself(void) {
  around = new_runtime(1);
  vm_begin(VM_TAKES);
  vm.inside = shut_down_inside;
  friends = open_port(around);
  own = vm_port(around);
  CHECK_OK(harbour_add(own, 1, 1, 1, NULL));
  while (atomic_load(&shut) == 0) harbour_alive();
  CHECK(atomic_load(&recvd) == 100 + WHARF_WOULD_BLOCK);
  CHECK(atomic_load(&shut) == 100 + WHARF_TIMEOUT);
  CHECK_OK(wharf_runtime_shutdown(around, LONG));
  atomic_store(&vm.silent, 1);
  CHECK_OK(wharf_runtime_free(around));
}

int main(void) {
  runtime = new_runtime(2);
  a_close_waits_for_host_code();
  a_close_waits_for_finalizers();
  a_close_waits_for_another();
  a_close_waits_for_what_a_full_port_drops();
  a_close_amid_posts_is_the_last_word();
  a_shutdown_waits_for_host_code();
  a_hog_holds_up_a_shutdown_but_not_its_caller();
  inside_host_code_closing_never_waits();
  inside_host_code_nothing_waits_for_itself();
  end_runtime(runtime);
  return 0;
}
