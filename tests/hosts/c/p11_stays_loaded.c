/* P11: a library that is closed by its host stays where its code is still needed: by a thread of its
 * own, by an owner that the host will drop, by the Dart VM. No linker flag keeps these copies. */
#include "check.h"

#include <dlfcn.h>
#include <unistd.h>

/* ISO C has no cast from an object pointer to a function's. */
#define LOAD(library, type, variable, name)    \
  type variable;                               \
  do {                                         \
    void *found = dlsym(library, name);        \
    CHECK(found != NULL);                      \
    memcpy(&variable, &found, sizeof variable); \
  } while (0)

typedef wharf_status_t (*open_fn)(wharf_runtime_t, const wharf_port_options_t *, wharf_port_t *);
typedef wharf_status_t (*after_fn)(wharf_port_t, uint64_t, uint64_t, wharf_task_t *);
typedef wharf_status_t (*recv_fn)(wharf_port_t, wharf_message_t *, int64_t);
typedef wharf_status_t (*close_fn)(uint64_t, int64_t);
typedef wharf_status_t (*stats_fn)(wharf_port_t, wharf_port_stats_t *);
typedef void *(*owner_fn)(uint64_t);
typedef void (*drop_fn)(void *);
typedef wharf_status_t (*dart_fn)(wharf_runtime_t, int64_t, wharf_dart_post_t, uint32_t,
                                  const wharf_port_options_t *, wharf_port_t *);

static char path[64];

/* A copy of the library, loaded as one of its own. */
static void *load_a_copy(const char *original, const char *name) {
  snprintf(path, sizeof path, "./%s-%ld.so", name, (long)getpid());
  FILE *from = fopen(original, "rb"), *to = fopen(path, "wb");
  CHECK(from != NULL && to != NULL);
  static char buffer[1 << 16];
  size_t count;
  while ((count = fread(buffer, 1, sizeof buffer, from)) > 0)
    CHECK(fwrite(buffer, 1, count, to) == count);
  fclose(from);
  CHECK(fclose(to) == 0);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  CHECK(library != NULL);
  return library;
}

static void close_it_in_vain(void *library) {
  CHECK(dlclose(library) == 0);
  void *again = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  CHECK(again != NULL);
  CHECK(dlclose(again) == 0);
  CHECK(remove(path) == 0);
}

/* Its calls are made on a thread of their own, since what the library keeps per thread would hold it. */
static void *wait_for_an_answer(void *library) {
  LOAD(library, open_fn, open, "wharf_port_open");
  LOAD(library, after_fn, after, "wharf_timer_after");
  LOAD(library, recv_fn, recv, "wharf_port_recv");
  LOAD(library, close_fn, shutdown, "wharf_runtime_shutdown");
  wharf_port_t port;
  wharf_message_t message;
  CHECK_OK(open(0, NULL, &port));
  CHECK_OK(after(port, 4, 1000000, NULL));
  CHECK(dlclose(library) == 0);
  CHECK_OK(recv(port, &message, LONG));
  CHECK(message.tag == 4 && message.kind == WHARF_KIND_OK);
  CHECK_OK(shutdown(0, LONG));
  return NULL;
}

static void a_thread_runs(const char *original) {
  void *library = load_a_copy(original, "thread");
  pthread_t caller;
  CHECK(pthread_create(&caller, NULL, wait_for_an_answer, library) == 0);
  CHECK(pthread_join(caller, NULL) == 0);
  library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  CHECK(library != NULL);
  close_it_in_vain(library);
}

static void an_owner_is_out(const char *original) {
  void *library = load_a_copy(original, "owner");
  LOAD(library, open_fn, open, "wharf_port_open");
  LOAD(library, owner_fn, own, "wharf_owner_new");
  LOAD(library, drop_fn, drop, "wharf_owner_drop");
  LOAD(library, stats_fn, stats, "wharf_port_stats");
  wharf_port_t port;
  wharf_port_stats_t counts = {.size = sizeof counts};
  CHECK_OK(open(0, NULL, &port));
  void *owner = own(port);
  CHECK(owner != NULL);
  close_it_in_vain(library);
  drop(owner);
  CHECK(stats(port, &counts) == WHARF_NO_PORT);
}

static bool taken(int64_t port, wharf_value_t *message) { return port != 0 && message != NULL; }

static void a_virtual_machine_has_its_finalizers(const char *original) {
  void *library = load_a_copy(original, "dart");
  LOAD(library, dart_fn, open, "wharf_port_dart");
  wharf_port_t port;
  CHECK_OK(open(0, 7, taken, WHARF_DART_ENVELOPED, NULL, &port));
  close_it_in_vain(library);
}

int main(int argc, char **argv) {
  CHECK(argc == 2); /* libharbour.so */
  a_thread_runs(argv[1]);
  an_owner_is_out(argv[1]);
  a_virtual_machine_has_its_finalizers(argv[1]);
  return 0;
}
