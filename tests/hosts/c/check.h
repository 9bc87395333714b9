/* What all C tests share: checks that say where they failed, and a receive that must succeed. */
#ifndef CHECK_H
#define CHECK_H

#include "harbour.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
/* Longer than any test may take: reaching it is a failure, never a pass. */
#define LONG (60 * SECOND)

static void failed(const char *file, int line, const char *what) {
  char text[512] = "";
  wharf_last_error_message(text, sizeof text);
  fprintf(stderr, "%s:%d: %s does not hold; last error %d: %s\n", file, line, what,
          (int)wharf_last_error_code(), text);
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

#endif
