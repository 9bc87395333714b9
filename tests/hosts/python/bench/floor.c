/* What no runtime can be faster than: a thread that answers each eventfd with another, and nothing
 * else. One write may stand for many requests, as one message of wharf's for many tasks. */
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

static int request, answer;

static void *serve(void *unused) {
  (void)unused;
  uint64_t count;
  while (read(request, &count, sizeof count) == sizeof count) {
    if (write(answer, &count, sizeof count) != sizeof count) break;
  }
  return NULL;
}

int start(int request_fd, int answer_fd) {
  pthread_t thread;
  request = request_fd;
  answer = answer_fd;
  return pthread_create(&thread, NULL, serve, NULL);
}
