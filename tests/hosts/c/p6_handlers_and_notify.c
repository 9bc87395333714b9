/* P6: after a close or shutdown has been answered by OK, no code of the host's is called for it;
 * host code that does not return makes it a timeout that can be repeated; closing from inside a
 * handler does not wait, and two handlers may close each other. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int calls, inside, gate;
static atomic_bool closed;

static void handler(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)context, (void)port, (void)message;
  CHECK(!atomic_load(&closed));
  CHECK(atomic_fetch_add(&inside, 1) == 0); /* one at a time */
  atomic_fetch_add(&calls, 1);
  while (atomic_load(&gate)) sched_yield();
  atomic_fetch_sub(&inside, 1);
}

static wharf_port_t other[2];
static atomic_int closes;
static void closer(void *context, wharf_port_t port, wharf_message_t *message) {
  (void)message;
  int me = (int)(intptr_t)context;
  atomic_fetch_add(&inside, 1);
  while (atomic_load(&inside) < 2) sched_yield(); /* both are in */
  wharf_status_t status = wharf_port_close(other[1 - me], WHARF_FOREVER);
  CHECK(status == WHARF_DEFERRED);
  wharf_message_t none;
  CHECK(wharf_port_recv(port, &none, LONG) != WHARF_OK);
  atomic_fetch_add(&closes, 1);
  while (atomic_load(&closes) < 2) sched_yield(); /* neither has left before the other closed it */
}

static int32_t stuck(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)result;
  while (atomic_load(&gate)) sched_yield();
  CHECK(wharf_task_is_cancelled(task));
  return 0;
}

static void notify(void *context, wharf_port_t port) {
  (void)context, (void)port;
  CHECK(!atomic_load(&closed));
  atomic_fetch_add(&calls, 1);
}

static void *poster(void *argument) {
  wharf_port_t port = *(wharf_port_t *)argument;
  while (wharf_post(port, 1, NULL) == WHARF_OK) {}
  return NULL;
}

static void until_gone(wharf_port_t port) {
  wharf_status_t status;
  do status = wharf_post(port, 1, NULL); while (status == WHARF_OK);
  while (wharf_port_close(port, LONG) == WHARF_OK) {}
}

static void closes_it(void *context, wharf_port_t port) {
  (void)context;
  CHECK(wharf_port_close(port, WHARF_FOREVER) == WHARF_DEFERRED);
}

/* A port that its notify function closes, called at once by who puts it up, goes when that returns. */
static void closed_by_its_notify_function(wharf_runtime_t runtime) {
  wharf_port_t port = open_port(runtime);
  CHECK_OK(wharf_post(port, 1, NULL));
  CHECK_OK(wharf_port_notify(port, closes_it, NULL));
  wharf_port_stats_t stats = {0};
  stats.size = sizeof stats;
  REFUSED(wharf_port_stats(port, &stats), WHARF_NO_PORT);
}

static pthread_t receiver;
static atomic_int closed_in_receives;
static void closes_it_in_a_receive(void *context, wharf_port_t port) {
  (void)context;
  if (!pthread_equal(pthread_self(), receiver)) return;
  CHECK(wharf_port_close(port, WHARF_FOREVER) == WHARF_DEFERRED);
  atomic_fetch_add(&closed_in_receives, 1);
}

/* A message may come in while a receive, which has found none, puts the bell down. It rings then, on
 * the receiver's thread, and what is called there may close the port: that is gone when receive and
 * post are over. (Where one processor runs both threads the moment is rarely met: after many receives
 * the round closes the port itself.) */
static void closed_in_a_receive(wharf_runtime_t runtime) {
  receiver = pthread_self();
  for (int round = 0; round < 10; round++) {
    wharf_port_t port = open_port(runtime);
    wharf_message_t messages[64];
    size_t count;
    wharf_port_stats_t stats = {.size = sizeof stats};
    CHECK_OK(wharf_port_notify(port, closes_it_in_a_receive, NULL));
    pthread_t thread = start(poster, &port);
    int before = atomic_load(&closed_in_receives);
    for (int i = 0; i < 2000 && atomic_load(&closed_in_receives) == before; i++) {
      wharf_status_t status = wharf_port_recv_batch(port, messages, 64, &count, 0);
      CHECK(status == WHARF_OK || status == WHARF_EMPTY || status == WHARF_NO_PORT);
      if (status == WHARF_EMPTY) sched_yield();
    }
    if (atomic_load(&closed_in_receives) == before) CHECK_OK(wharf_port_close(port, LONG));
    join(thread);
    REFUSED(wharf_port_stats(port, &stats), WHARF_NO_PORT);
  }
}

static void slowly_freed(void *nothing, void *peer) {
  (void)nothing;
  atomic_store((atomic_int *)peer, 1);
  while (atomic_load(&gate)) sched_yield();
}

/* Bytes in a message that the port itself obeys, and keeps from the handler, are given back before a
 * close is answered by OK. */
static void bytes_in_an_order(wharf_runtime_t runtime) {
  static uint8_t byte;
  atomic_int freed = 0;
  wharf_port_t port;
  CHECK_OK(wharf_port_serve(runtime, handler, NULL, NULL, &port));
  wharf_value_t ping = int_value(WHARF_CONTROL_PING), to = {0}, bytes = {0};
  to.type = WHARF_TYPE_SEND_PORT;
  to.value.as_send_port.id = (int64_t)port;
  bytes.type = WHARF_TYPE_EXTERNAL_TYPED_DATA;
  bytes.value.as_external_typed_data.element = WHARF_DATA_UINT8;
  bytes.value.as_external_typed_data.length = 1;
  bytes.value.as_external_typed_data.data = &byte;
  bytes.value.as_external_typed_data.peer = &freed;
  bytes.value.as_external_typed_data.callback = slowly_freed;
  wharf_value_t *parts[] = {&ping, &to, &bytes};
  wharf_value_t order = {0};
  order.type = WHARF_TYPE_ARRAY;
  order.value.as_array.length = 3;
  order.value.as_array.values = parts;
  atomic_store(&gate, 1);
  CHECK_OK(wharf_post_control(port, 1, &order));
  while (!atomic_load(&freed)) sched_yield();
  REFUSED(wharf_port_close(port, 0), WHARF_TIMEOUT);
  atomic_store(&gate, 0);
  CHECK_OK(wharf_port_close(port, LONG));
}

int main(void) {
  wharf_runtime_t runtime = new_runtime(2);
  closed_by_its_notify_function(runtime);
  closed_in_a_receive(runtime);
  bytes_in_an_order(runtime);
  wharf_port_t port;
  pthread_t threads[2];

  /* A handler under load, closed. */
  for (int round = 0; round < 30; round++) {
    atomic_store(&closed, false);
    CHECK_OK(wharf_port_serve(runtime, handler, NULL, NULL, &port));
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, poster, &port);
    while (atomic_load(&calls) < (round + 1) * 3) sched_yield();
    CHECK_OK(wharf_port_close(port, LONG));
    atomic_store(&closed, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  }

  /* A notify function under load, closed. */
  for (int round = 0; round < 30; round++) {
    atomic_store(&closed, false);
    atomic_store(&calls, 0);
    port = open_port(runtime);
    CHECK_OK(wharf_port_notify(port, notify, NULL));
    pthread_create(&threads[0], NULL, poster, &port);
    wharf_message_t message;
    for (int i = 0; i < 20; i++) {
      message = next(port);
      CHECK_OK(wharf_message_free(&message));
    }
    CHECK(atomic_load(&calls) >= 1);
    CHECK_OK(wharf_port_close(port, LONG));
    atomic_store(&closed, true);
    pthread_join(threads[0], NULL);
  }

  /* Host code that does not return: a timeout, again, and then it is done. */
  atomic_store(&closed, false);
  atomic_store(&gate, 1);
  atomic_store(&calls, 0);
  CHECK_OK(wharf_port_serve(runtime, handler, NULL, NULL, &port));
  CHECK_OK(wharf_post(port, 1, NULL));
  while (atomic_load(&calls) == 0) sched_yield();
  REFUSED(wharf_port_close(port, 1000000), WHARF_TIMEOUT);
  REFUSED(wharf_post(port, 1, NULL), WHARF_NO_PORT);
  REFUSED(wharf_port_close(port, 0), WHARF_TIMEOUT);
  atomic_store(&gate, 0);
  CHECK_OK(wharf_port_close(port, LONG));
  REFUSED(wharf_port_close(port, LONG), WHARF_NO_PORT);

  /* Two handlers close each other. */
  atomic_store(&inside, 0);
  for (intptr_t i = 0; i < 2; i++)
    CHECK_OK(wharf_port_serve(runtime, closer, (void *)i, NULL, &other[i]));
  for (int i = 0; i < 2; i++) CHECK_OK(wharf_post(other[i], 1, NULL));
  while (atomic_load(&closes) < 2) sched_yield();
  for (int i = 0; i < 2; i++) until_gone(other[i]);

  /* The same for a shutdown, with a function on the blocking pool; the answers can be drained. */
  atomic_store(&gate, 1);
  port = open_port(runtime);
  CHECK_OK(wharf_spawn_fn(port, 5, stuck, NULL, NULL, NULL));
  CHECK_OK(harbour_wait(port, 6, NULL));
  expect_nothing(port);
  CHECK_OK(harbour_add(port, 7, 1, 1, NULL));
  expect(port, 7, WHARF_KIND_OK);
  wharf_status_t status = wharf_runtime_shutdown(runtime, 1000000);
  CHECK(status == WHARF_TIMEOUT || status == WHARF_OK); /* OK if it had not begun */
  if (status == WHARF_TIMEOUT) REFUSED(wharf_runtime_free(runtime), WHARF_WRONG_STATE);
  atomic_store(&gate, 0);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  for (int i = 0; i < 2; i++) {
    wharf_message_t message = next(port);
    CHECK(message.tag == 5 || (message.tag == 6 && message.kind == WHARF_KIND_SHUT_DOWN));
  }
  expect_nothing(port);
  CHECK(harbour_alive() == 0);
  CHECK_OK(wharf_runtime_free(runtime));
  REFUSED(wharf_port_try_recv(port, &(wharf_message_t){0}), WHARF_NO_PORT);
  return 0;
}
