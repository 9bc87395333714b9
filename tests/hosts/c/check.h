/* What all C tests share: checks that say where they failed, and a receive that must succeed. */
#ifndef CHECK_H
#define CHECK_H

#include "harbour.h"
#include "hooks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
/* Longer than any test may take: reaching it is a failure, never a pass. */
#define LONG (60 * SECOND)

/* Says what a program knows of how it came to a failure. */
static void (*on_failure)(void);

static void failed(const char *file, int line, const char *what) {
  char text[512] = "";
  wharf_last_error_message(text, sizeof text);
  fprintf(stderr, "%s:%d: %s does not hold; last error %d: %s\n", file, line, what,
          (int)wharf_last_error_code(), text);
  if (on_failure) on_failure();
  _Exit(1);
}

#define CHECK(what) ((what) ? (void)0 : failed(__FILE__, __LINE__, #what))
#define CHECK_OK(call) CHECK((call) == WHARF_OK)
/* A refused call: this status, and the last error says so too. */
#define REFUSED(call, status) \
  CHECK((call) == (status) && wharf_last_error_code() == (status) && wharf_last_error_length() > 0)

static inline wharf_message_t next(wharf_port_t port) {
  wharf_message_t message;
  CHECK_OK(wharf_port_recv(port, &message, LONG));
  return message;
}

/* Receives a message that carries nothing to be looked at. */
static inline void expect(wharf_port_t port, uint64_t tag, int32_t kind) {
  wharf_message_t message = next(port);
  if (message.tag != tag || message.kind != kind)
    fprintf(stderr, "tag %" PRIu64 " kind %d arrived: %s\n", message.tag, (int)message.kind,
            wharf_message_text(&message) ? wharf_message_text(&message) : "no text");
  CHECK(message.tag == tag);
  CHECK(message.kind == kind);
  CHECK_OK(wharf_message_free(&message));
}

static inline void expect_nothing(wharf_port_t port) {
  wharf_message_t message;
  CHECK(wharf_port_try_recv(port, &message) == WHARF_EMPTY);
}

static inline wharf_runtime_t new_runtime(uint32_t workers) {
  wharf_runtime_t runtime;
  wharf_runtime_options_t options = {0};
  options.size = sizeof options;
  options.worker_threads = workers;
  CHECK_OK(wharf_runtime_new(&options, &runtime));
  return runtime;
}

static inline wharf_port_t open_port(wharf_runtime_t runtime) {
  wharf_port_t port;
  CHECK_OK(wharf_port_open(runtime, NULL, &port));
  return port;
}

static inline void end_runtime(wharf_runtime_t runtime) {
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

static inline wharf_port_stats_t stats_of(wharf_port_t port) {
  wharf_port_stats_t stats = {0};
  stats.size = sizeof stats;
  CHECK_OK(wharf_port_stats(port, &stats));
  return stats;
}

/* Whether a kind is a task's last message. */
static inline int is_terminal(int32_t kind) {
  return kind >= WHARF_KIND_OK && kind <= WHARF_KIND_SHUT_DOWN;
}

/* Bytes of the host's, with a finalizer that counts. */
typedef struct {
  uint8_t bytes[16];
  atomic_int freed;
} parcel_t;

static inline void parcel_freed(void *nothing, void *peer) {
  parcel_t *parcel = peer;
  CHECK(nothing == NULL);
  CHECK(atomic_fetch_add(&parcel->freed, 1) == 0);
}

static inline wharf_value_t parcel_value(parcel_t *parcel) {
  wharf_value_t value;
  memset(&value, 0, sizeof value);
  value.type = WHARF_TYPE_EXTERNAL_TYPED_DATA;
  value.value.as_external_typed_data.element = WHARF_DATA_UINT8;
  value.value.as_external_typed_data.length = sizeof parcel->bytes;
  value.value.as_external_typed_data.data = parcel->bytes;
  value.value.as_external_typed_data.peer = parcel;
  value.value.as_external_typed_data.callback = parcel_freed;
  return value;
}

static inline wharf_value_t int_value(int64_t number) {
  wharf_value_t value;
  memset(&value, 0, sizeof value);
  value.type = WHARF_TYPE_INT64;
  value.value.as_int64 = number;
  return value;
}

/* The path of a file in the folder of another. */
static inline void beside(const char *other, const char *name, char *path, size_t size) {
  const char *end = strrchr(other, '/');
  CHECK(end != NULL);
  snprintf(path, size, "%.*s/%s", (int)(end - other), other, name);
}

/* A thread that must start. */
static inline pthread_t start(void *(*function)(void *), void *argument) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, function, argument) == 0);
  return thread;
}

static inline void join(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

/* A sequence of numbers that a seed decides (xorshift64*). */
static inline uint64_t draw(uint64_t *seed) {
  *seed ^= *seed >> 12;
  *seed ^= *seed << 25;
  *seed ^= *seed >> 27;
  return *seed * UINT64_C(2685821657736338717);
}

#endif
