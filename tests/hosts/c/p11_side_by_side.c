/* P11: several runtimes and ports, and two libraries built on wharf, in one process: each keeps to
 * its own, and their ids are foreign to each other. A library is not unloaded under its threads. */
#include "check.h"

#include <dlfcn.h>

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  CHECK(found != NULL);
  return found;
}

/* ISO C has no cast from an object pointer to a function's. */
#define LOAD(library, type, variable, name)       \
  type variable;                                  \
  do {                                            \
    void *found = symbol(library, name);          \
    memcpy(&variable, &found, sizeof variable);   \
  } while (0)

typedef wharf_status_t (*open_fn)(wharf_runtime_t, const wharf_port_options_t *, wharf_port_t *);
typedef wharf_status_t (*after_fn)(wharf_port_t, uint64_t, uint64_t, wharf_task_t *);
typedef wharf_status_t (*recv_fn)(wharf_port_t, wharf_message_t *, int64_t);
typedef wharf_status_t (*close_fn)(wharf_port_t, int64_t);
typedef wharf_status_t (*cancel_fn)(wharf_task_t);

int main(int argc, char **argv) {
  CHECK(argc == 2); /* libwharf.so beside libharbour.so */
  char path[4096];
  beside(argv[1], "libwharf.so", path, sizeof path);
  wharf_runtime_t one = new_runtime(1), two = new_runtime(1), standard, again;
  wharf_port_t first = open_port(one), second = open_port(two), third = open_port(0);

  for (uint64_t tag = 0; tag < 100; tag++) {
    CHECK_OK(harbour_add(first, tag, 1, 1, NULL));
    CHECK_OK(harbour_add(second, tag + 1000, 1, 1, NULL));
    CHECK_OK(harbour_add(third, tag + 2000, 1, 1, NULL));
  }
  for (uint64_t i = 0; i < 100; i++) {
    wharf_message_t message = next(first);
    CHECK(message.tag < 100);
    message = next(second);
    CHECK(message.tag >= 1000 && message.tag < 1100);
    message = next(third);
    CHECK(message.tag >= 2000);
  }
  /* Ending one leaves the others alone. */
  CHECK_OK(harbour_wait(first, 1, NULL));
  CHECK_OK(harbour_wait(second, 2, NULL));
  end_runtime(one);
  REFUSED(wharf_port_close(first, 0), WHARF_NO_PORT);
  expect_nothing(second);
  CHECK_OK(wharf_runtime_default(&standard));
  CHECK_OK(wharf_runtime_default(&again));
  CHECK(standard == again && standard != two);
  end_runtime(two);

  /* The default runtime can be ended, and comes back when it is wanted. */
  end_runtime(standard);
  CHECK_OK(wharf_runtime_default(&again));
  CHECK(again != standard);
  third = open_port(0);
  CHECK_OK(harbour_add(third, 1, 1, 1, NULL));
  expect(third, 1, WHARF_KIND_OK);

  /* Another library with the same functions. */
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(library != NULL);
  LOAD(library, open_fn, other_open, "wharf_port_open");
  LOAD(library, after_fn, other_after, "wharf_timer_after");
  LOAD(library, recv_fn, other_recv, "wharf_port_recv");
  LOAD(library, close_fn, other_close, "wharf_port_close");
  LOAD(library, cancel_fn, other_cancel, "wharf_task_cancel");
  CHECK(other_open != wharf_port_open);
  wharf_port_t foreign;
  wharf_task_t task, theirs;
  wharf_message_t message;
  CHECK_OK(other_open(0, NULL, &foreign));
  CHECK(other_close(third, 0) == WHARF_NO_PORT);
  REFUSED(wharf_port_close(foreign, 0), WHARF_NO_PORT);
  CHECK_OK(harbour_wait(third, 2, &task));
  CHECK_OK(other_after(foreign, 3, UINT64_C(3600000000000), &theirs));
  CHECK(other_cancel(task) == WHARF_NO_TASK);
  REFUSED(wharf_task_cancel(theirs), WHARF_NO_TASK);
  CHECK_OK(other_cancel(theirs));
  CHECK_OK(other_recv(foreign, &message, LONG));
  CHECK(message.tag == 3 && message.kind == WHARF_KIND_CANCELLED);
  expect_nothing(third);

  /* Closed by its host, it stays, for its threads run in it. */
  CHECK_OK(other_after(foreign, 4, 20000000, NULL));
  CHECK(dlclose(library) == 0);
  CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL);
  CHECK_OK(other_recv(foreign, &message, LONG));
  CHECK(message.tag == 4 && message.kind == WHARF_KIND_OK);
  CHECK_OK(other_close(foreign, LONG));
  end_runtime(0);
  return 0;
}
