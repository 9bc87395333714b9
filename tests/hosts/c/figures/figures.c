/* What a C host gets out of the library, beside what the machine gives without it: run it on a
 * quiet machine, against a release build. `figures [rounds]` prints a line for each figure. */
#include "../check.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

static int by_value(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return a < b ? -1 : a > b;
}

enum { TRIPS = 20000 };
static int64_t trips[TRIPS];

static void report_trips(const char *what) {
  qsort(trips, TRIPS, sizeof *trips, by_value);
  printf("%-44s p50 %6.2f us   p99 %6.2f us\n", what, (double)trips[TRIPS / 2] / 1e3,
         (double)trips[TRIPS * 99 / 100] / 1e3);
}

/* Two threads that wake each other the way that the port does: a lock and a condition each. */
static struct box {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int full;
} there = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0},
  back = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void put(struct box *box, int what) {
  pthread_mutex_lock(&box->lock);
  box->full = what;
  pthread_mutex_unlock(&box->lock);
  pthread_cond_signal(&box->changed);
}

static int take(struct box *box) {
  pthread_mutex_lock(&box->lock);
  while (!box->full) pthread_cond_wait(&box->changed, &box->lock);
  int what = box->full;
  box->full = 0;
  pthread_mutex_unlock(&box->lock);
  return what;
}

static void *answer(void *argument) {
  (void)argument;
  while (take(&there) == 1) put(&back, 1);
  return NULL;
}

static void floor_trips(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, answer, NULL);
  for (int i = 0; i < TRIPS; i++) {
    int64_t start = now_ns();
    put(&there, 1);
    take(&back);
    trips[i] = now_ns() - start;
  }
  put(&there, 2);
  pthread_join(thread, NULL);
  report_trips("floor: two threads, locks and conditions");
}

static void port_trips(wharf_runtime_t runtime, int by_descriptor) {
  wharf_port_t port = open_port(runtime);
  wharf_message_t message;
  int fd = -1;
  if (by_descriptor) CHECK_OK(wharf_port_descriptor(port, &fd));
  for (int i = 0; i < TRIPS; i++) {
    int64_t start = now_ns();
    CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
    if (by_descriptor) {
      struct pollfd entry = {.fd = fd, .events = POLLIN, .revents = 0};
      do poll(&entry, 1, -1);
      while (wharf_port_try_recv(port, &message) != WHARF_OK);
    } else {
      CHECK_OK(wharf_port_recv(port, &message, WHARF_FOREVER));
    }
    trips[i] = now_ns() - start;
  }
  report_trips(by_descriptor ? "submit to answer, asleep on the descriptor"
                             : "submit to answer, asleep in a receive");
  CHECK_OK(wharf_port_close(port, LONG));
}

static void many_tasks(wharf_runtime_t runtime, uint32_t workers) {
  enum { TASKS = 1000000, FLIGHT = 10000, BATCH = 1024 };
  static wharf_message_t batch[BATCH];
  wharf_port_t port = open_port(runtime);
  size_t sent = 0, done = 0, count;
  int64_t start = now_ns();
  while (done < TASKS) {
    while (sent < TASKS && sent - done < FLIGHT) CHECK_OK(harbour_add(port, sent++, 1, 1, NULL));
    CHECK_OK(wharf_port_recv_batch(port, batch, BATCH, &count, WHARF_FOREVER));
    done += count;
  }
  double seconds = (double)(now_ns() - start) / 1e9;
  printf("a million tasks, 10,000 in flight, %u worker(s)  %6.2f M/s\n", workers,
         TASKS / seconds / 1e6);
  CHECK_OK(wharf_port_close(port, LONG));
}

static void many_messages(wharf_runtime_t runtime) {
  enum { MESSAGES = 10000000, BATCH = 4096 };
  static wharf_message_t batch[BATCH];
  wharf_port_options_t options = {0};
  wharf_port_t port;
  options.size = sizeof options;
  options.capacity = 65536;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  size_t done = 0, count;
  int64_t start = now_ns();
  CHECK_OK(harbour_count(port, 1, MESSAGES, NULL));
  while (done <= MESSAGES) {
    CHECK_OK(wharf_port_recv_batch(port, batch, BATCH, &count, WHARF_FOREVER));
    done += count;
  }
  double seconds = (double)(now_ns() - start) / 1e9;
  printf("messages of one task, in batches             %6.2f M/s\n", MESSAGES / seconds / 1e6);
  CHECK_OK(wharf_port_close(port, LONG));
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 3;
  int64_t start = now_ns();
  wharf_runtime_t one = new_runtime(1);
  wharf_port_t port = open_port(one);
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  expect(port, 1, WHARF_KIND_OK);
  printf("first runtime to first answer                %6.0f us\n", (double)(now_ns() - start) / 1e3);
  CHECK_OK(wharf_port_close(port, LONG));
  wharf_runtime_t two = new_runtime(2);
  while (rounds-- > 0) {
    floor_trips();
    port_trips(one, 0);
    port_trips(one, 1);
    many_tasks(one, 1);
    many_tasks(two, 2);
    many_messages(one);
  }
  end_runtime(one);
  end_runtime(two);
  return 0;
}
