/* No descriptor is to be had: a status or an error that says so, and all goes on when there is. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

static struct rlimit before;

static void allow_descriptors(bool allowed) {
  struct rlimit limit = before;
  if (!allowed) {
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(lowest >= 0 && close(lowest) == 0);
    limit.rlim_cur = (rlim_t)lowest;
  }
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Tasks that need no descriptor do not notice. */
static void what_needs_none_goes_on(wharf_port_t port) {
  CHECK_OK(harbour_add(port, 1, 1, 1, NULL));
  expect(port, 1, WHARF_KIND_OK);
  CHECK_OK(harbour_shift(port, 2, 100, NULL));
  expect(port, 2, WHARF_KIND_OK);
  CHECK_OK(harbour_sleep(port, 3, 1000000, NULL));
  expect(port, 3, WHARF_KIND_OK);
}

static void what_needs_one_says_why(wharf_port_t port) {
  int descriptor = -7;
  REFUSED(wharf_port_descriptor(port, &descriptor), WHARF_SYSTEM);
  CHECK(descriptor == -7);
  CHECK_OK(harbour_listen(port, 4, NULL));
  wharf_message_t message = next(port);
  CHECK(message.tag == 4 && message.kind == WHARF_KIND_ERROR);
  CHECK(message.code == EMFILE && wharf_message_text(&message) != NULL);
  CHECK_OK(wharf_message_free(&message));
}

static void all_is_well(wharf_port_t port) {
  struct pollfd look = {.events = POLLIN};
  CHECK_OK(wharf_port_descriptor(port, &look.fd));
  CHECK_OK(harbour_listen(port, 5, NULL));
  CHECK(poll(&look, 1, 60000) == 1);
  expect(port, 5, WHARF_KIND_OK);
  what_needs_none_goes_on(port);
}

int main(void) {
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  /* A runtime that starts when there are none, and one that has been at work before. */
  wharf_runtime_t busy = new_runtime(2);
  wharf_port_t old = open_port(busy);
  what_needs_none_goes_on(old);
  allow_descriptors(false);
  wharf_runtime_t fresh = new_runtime(2);
  wharf_port_t port = open_port(fresh);
  what_needs_none_goes_on(port);
  what_needs_one_says_why(port);
  what_needs_none_goes_on(old);
  what_needs_one_says_why(old);
  allow_descriptors(true);
  all_is_well(port);
  all_is_well(old);
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK_OK(wharf_port_close(old, LONG));
  end_runtime(fresh);
  end_runtime(busy);
  return 0;
}
