/* P10: many messages in one call, one wake-up for many; the descriptor is readable while the port
 * is not empty. */
#include "check.h"

#include <poll.h>
#include <pthread.h>

enum { POSTERS = 3, EACH = 20000 };

static int readable(int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, 0) == 1;
}

static void *post_many(void *argument) {
  wharf_port_t port = *(wharf_port_t *)argument;
  for (uint64_t tag = 0; tag < EACH; tag++) CHECK_OK(wharf_post(port, tag, NULL));
  return NULL;
}

static void *receive_one(void *argument) {
  expect(*(wharf_port_t *)argument, 1, WHARF_KIND_DATA);
  return NULL;
}

static void *receive_none(void *argument) {
  wharf_message_t message;
  REFUSED(wharf_port_recv(*(wharf_port_t *)argument, &message, LONG), WHARF_NO_PORT);
  return NULL;
}

int main(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime);
  wharf_message_t batch[100];
  pthread_t threads[POSTERS];
  size_t count, total = 0;
  int fd, again;

  /* Messages that were there before the descriptor count as well. */
  CHECK_OK(wharf_post(port, 1, NULL));
  CHECK_OK(wharf_port_descriptor(port, &fd));
  CHECK(readable(fd));
  CHECK_OK(wharf_port_descriptor(port, &again));
  CHECK(again == fd);
  expect(port, 1, WHARF_KIND_DATA);
  CHECK(!readable(fd));

  for (uint64_t tag = 0; tag < 250; tag++) CHECK_OK(wharf_post(port, tag, NULL));
  for (total = 0; total < 250; total += count) {
    CHECK(readable(fd));
    CHECK_OK(wharf_port_recv_batch(port, batch, 100, &count, 0));
    CHECK(count == (total < 200 ? 100 : 50));
    for (size_t i = 0; i < count; i++) CHECK(batch[i].tag == total + i);
  }
  CHECK(!readable(fd));
  CHECK(wharf_port_recv_batch(port, batch, 100, &count, 0) == WHARF_EMPTY && count == 0);
  CHECK(wharf_port_recv_batch(port, batch, 100, &count, 1000000) == WHARF_TIMEOUT && count == 0);
  CHECK(wharf_port_recv(port, batch, 1000000) == WHARF_TIMEOUT);

  /* A loop that sleeps on the descriptor alone misses nothing. */
  for (int i = 0; i < POSTERS; i++) pthread_create(&threads[i], NULL, post_many, &port);
  for (total = 0; total < POSTERS * EACH; total += count) {
    struct pollfd entry = {.fd = fd, .events = POLLIN, .revents = 0};
    CHECK(poll(&entry, 1, 60000) == 1);
    wharf_status_t status = wharf_port_recv_batch(port, batch, 100, &count, 0);
    CHECK(status == WHARF_OK || status == WHARF_EMPTY); /* it may be readable once too often */
  }
  for (int i = 0; i < POSTERS; i++) pthread_join(threads[i], NULL);
  CHECK(wharf_port_try_recv(port, batch) == WHARF_EMPTY && !readable(fd));

  /* Several that sleep in a receive: each message wakes one. */
  for (int i = 0; i < POSTERS; i++) pthread_create(&threads[i], NULL, receive_one, &port);
  for (int i = 0; i < POSTERS; i++) CHECK_OK(wharf_post(port, 1, NULL));
  for (int i = 0; i < POSTERS; i++) pthread_join(threads[i], NULL);

  /* And a close wakes them all. */
  for (int i = 0; i < POSTERS; i++) pthread_create(&threads[i], NULL, receive_none, &port);
  CHECK_OK(wharf_port_close(port, LONG));
  for (int i = 0; i < POSTERS; i++) pthread_join(threads[i], NULL);
  end_runtime(runtime);
  return 0;
}
