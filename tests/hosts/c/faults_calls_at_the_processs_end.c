/* Functions given to atexit may call as others do, though the library's own data of that thread are
 * gone: only the words of a refusal are missing then. The runtime's threads still run. */
#include "check.h"

#include <unistd.h>

static wharf_runtime_t runtime;
static wharf_port_t port, handled;
static atomic_int handled_count;
static bool ended;

static void handle(void *context, wharf_port_t from, wharf_message_t *message) {
  (void)context, (void)from, (void)message;
  handled_count++;
}

static void end(void) {
  CHECK(wharf_port_close(12345, 0) == WHARF_NO_PORT);
  expect(port, 1, WHARF_KIND_OK);
  CHECK_OK(harbour_add(port, 2, 1, 1, NULL));
  expect(port, 2, WHARF_KIND_OK);
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK_OK(wharf_post(handled, 1, NULL));
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK(handled_count == 1);
  CHECK_OK(wharf_runtime_free(runtime));
  ended = true;
}

/* The first of the two to be named is the last to be called. */
static void judge(void) {
  if (!ended) _exit(1);
}

int main(void) {
  CHECK(atexit(judge) == 0 && atexit(end) == 0);
  runtime = new_runtime(1);
  port = open_port(runtime);
  CHECK_OK(wharf_port_serve(runtime, handle, NULL, NULL, &handled));
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  REFUSED(wharf_port_close(12345, 0), WHARF_NO_PORT);
  return 0;
}
