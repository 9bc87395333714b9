/* The floor: a thread that takes submissions out of one locked ring and answers through another;
   each side sleeps on a condition when its ring is empty. */
#include "host.h"
#include <pthread.h>

enum { ROOM = 1 << 14 };

struct ring {
  pthread_mutex_t lock;
  pthread_cond_t filled, emptied;
  uint64_t head, tail;
  struct { uint64_t tag; int64_t value; } slots[ROOM];
};

static struct ring asked = {.lock = PTHREAD_MUTEX_INITIALIZER,
                            .filled = PTHREAD_COND_INITIALIZER,
                            .emptied = PTHREAD_COND_INITIALIZER};
static struct ring answered = {.lock = PTHREAD_MUTEX_INITIALIZER,
                               .filled = PTHREAD_COND_INITIALIZER,
                               .emptied = PTHREAD_COND_INITIALIZER};
static const uint64_t FLOOD = UINT64_MAX;

static void put(struct ring *ring, uint64_t tag, int64_t value) {
  pthread_mutex_lock(&ring->lock);
  while (ring->tail - ring->head == ROOM) pthread_cond_wait(&ring->emptied, &ring->lock);
  ring->slots[ring->tail % ROOM].tag = tag;
  ring->slots[ring->tail % ROOM].value = value;
  int was_empty = ring->tail++ == ring->head;
  pthread_mutex_unlock(&ring->lock);
  if (was_empty) pthread_cond_signal(&ring->filled);
}

static size_t take(struct ring *ring, uint64_t *tags, int64_t *values, size_t most) {
  size_t count = 0;
  pthread_mutex_lock(&ring->lock);
  while (ring->tail == ring->head) pthread_cond_wait(&ring->filled, &ring->lock);
  int was_full = ring->tail - ring->head == ROOM;
  for (; count < most && ring->head != ring->tail; count++, ring->head++) {
    tags[count] = ring->slots[ring->head % ROOM].tag;
    values[count] = ring->slots[ring->head % ROOM].value;
  }
  pthread_mutex_unlock(&ring->lock);
  if (was_full) pthread_cond_signal(&ring->emptied);
  return count;
}

static void *worker(void *unused) {
  static uint64_t tags[1024];
  static int64_t values[1024];
  (void)unused;
  for (;;) {
    size_t count = take(&asked, tags, values, 1024);
    for (size_t i = 0; i < count; i++) {
      if (tags[i] == FLOOD) {
        for (int64_t n = 0; n < values[i]; n++) put(&answered, FLOOD, n);
      }
      put(&answered, tags[i], values[i] + 1);
    }
  }
  return NULL;
}

void host_open(uint32_t workers) {
  (void)workers;
  pthread_t thread;
  pthread_create(&thread, NULL, worker, NULL);
}

void host_submit(uint64_t tag) { put(&asked, tag, (int64_t)tag); }

void host_flood(uint64_t count) { put(&asked, FLOOD, (int64_t)count); }

size_t host_receive(size_t most) {
  static uint64_t tags[1024];
  static int64_t values[1024];
  return take(&answered, tags, values, most < 1024 ? most : 1024);
}
