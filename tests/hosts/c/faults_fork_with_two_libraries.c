/* A process forks that has two libraries built on wharf, and a third that it has loaded and not used: the
 * child is told by each of the first two that nothing works, at once, whatever the parent was doing; the
 * third is as good as new in the child. The parent does not notice. */
#include "check.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is called of each library. */
#define FUNCTIONS(X)                                                                               \
  X(wharf_runtime_new) X(wharf_runtime_default) X(wharf_runtime_shutdown) X(wharf_runtime_free)    \
  X(wharf_port_open) X(wharf_port_recv) X(wharf_port_try_recv) X(wharf_port_close)                 \
  X(wharf_port_descriptor) X(wharf_port_grant) X(wharf_post) X(wharf_timer_after)                  \
  X(wharf_spawn_fn) X(wharf_task_cancel) X(wharf_task_is_cancelled) X(wharf_group_close)           \
  X(wharf_owner_new) X(wharf_owner_drop) X(wharf_last_error_code) X(wharf_last_error_message)      \
  X(wharf_last_error_length) X(wharf_abi_version) X(wharf_status_text)

/* Of the type that the header says. */
#define MEMBER(name) __typeof__(&name) name;
#define LOAD(name)                                 \
  do {                                             \
    void *found = dlsym(handle, #name);            \
    CHECK(found != NULL);                          \
    memcpy(&it->name, &found, sizeof found);       \
  } while (0);

typedef struct {
  FUNCTIONS(MEMBER)
  wharf_runtime_t runtime;
  wharf_port_t port, standard;
  wharf_task_t task;
  void *owner;
  uint64_t sent, answered;
} library_t;

static int32_t seven(void *context, wharf_task_t task, wharf_value_t *result) {
  (void)context, (void)task;
  *result = int_value(7);
  return 0;
}

static void load(library_t *it, void *handle) {
  if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(handle != NULL);
  FUNCTIONS(LOAD)
}

static void begin(library_t *it) {
  CHECK_OK(it->wharf_runtime_new(NULL, &it->runtime));
  CHECK_OK(it->wharf_port_open(it->runtime, NULL, &it->port));
  CHECK_OK(it->wharf_port_open(0, NULL, &it->standard));
  CHECK_OK(it->wharf_timer_after(it->port, 1, UINT64_C(3600000000000), &it->task));
  it->owner = it->wharf_owner_new(it->standard);
  CHECK(it->owner != NULL);
}

static void end(library_t *it) {
  wharf_message_t message;
  CHECK_OK(it->wharf_task_cancel(it->task));
  CHECK_OK(it->wharf_port_recv(it->port, &message, LONG));
  CHECK(message.tag == 1 && message.kind == WHARF_KIND_CANCELLED);
  it->wharf_owner_drop(it->owner);
  CHECK_OK(it->wharf_runtime_shutdown(it->runtime, LONG));
  CHECK_OK(it->wharf_runtime_free(it->runtime));
  CHECK_OK(it->wharf_runtime_shutdown(0, LONG));
  CHECK_OK(it->wharf_runtime_free(0));
}

/* A call that says that this is a child, and keeps so as the last error. */
#define FORKED(call) \
  CHECK((call) == WHARF_FORKED && it->wharf_last_error_code() == WHARF_FORKED)

static void all_say_that_this_is_a_child(library_t *it) {
  wharf_runtime_t runtime = 0;
  wharf_port_t port = 0;
  wharf_message_t message;
  int descriptor = -7;
  char text[256];
  FORKED(it->wharf_runtime_new(NULL, &runtime));
  FORKED(it->wharf_runtime_default(&runtime));
  FORKED(it->wharf_port_open(0, NULL, &port));
  FORKED(it->wharf_port_open(it->runtime, NULL, &port));
  FORKED(it->wharf_timer_after(it->port, 2, 0, NULL));
  FORKED(it->wharf_spawn_fn(it->port, 2, seven, NULL, NULL, NULL));
  FORKED(it->wharf_post(it->port, 2, NULL));
  FORKED(it->wharf_port_recv(it->port, &message, WHARF_FOREVER));
  FORKED(it->wharf_port_try_recv(it->standard, &message));
  FORKED(it->wharf_port_descriptor(it->port, &descriptor));
  FORKED(it->wharf_port_grant(it->port, 1));
  FORKED(it->wharf_task_cancel(it->task));
  FORKED(it->wharf_group_close(1, WHARF_FOREVER));
  FORKED(it->wharf_port_close(it->port, WHARF_FOREVER));
  FORKED(it->wharf_runtime_shutdown(it->runtime, WHARF_FOREVER));
  FORKED(it->wharf_runtime_free(it->runtime));
  CHECK(it->wharf_task_is_cancelled(it->task));
  CHECK(it->wharf_owner_new(it->port) == NULL);
  it->wharf_owner_drop(it->owner);
  CHECK(runtime == 0 && port == 0 && descriptor == -7);
  /* The words that a reader needs. */
  size_t length = it->wharf_last_error_message(text, sizeof text);
  CHECK(length == it->wharf_last_error_length() && strstr(text, "fork") != NULL);
  CHECK(strstr(it->wharf_status_text(WHARF_FORKED), "fork") != NULL);
  CHECK(it->wharf_abi_version() == WHARF_ABI_VERSION);
}

static void works(library_t *it) {
  wharf_message_t message;
  begin(it);
  CHECK_OK(it->wharf_spawn_fn(it->standard, 3, seven, NULL, NULL, NULL));
  CHECK_OK(it->wharf_port_recv(it->standard, &message, LONG));
  CHECK(message.tag == 3 && message.kind == WHARF_KIND_OK && message.value.value.as_int64 == 7);
  CHECK_OK(it->wharf_timer_after(it->port, 4, 1000000, NULL));
  CHECK_OK(it->wharf_port_recv(it->port, &message, LONG));
  CHECK(message.tag == 4 && message.kind == WHARF_KIND_OK);
  end(it);
}

static library_t mine, other, unused;

/* Has a child do this, which must come to its end. Not with the address sanitizer: a lock of its allocator
 * that some thread of the parent holds is never released in the child, whatever that does. */
static void fork_one(void (*main_of_child)(void)) {
#ifdef __SANITIZE_ADDRESS__
  (void)main_of_child;
  return;
#endif
  fflush(NULL);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(60); /* a hang is a failure, and not the test's own */
    main_of_child();
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void be_a_grandchild(void) {
  all_say_that_this_is_a_child(&mine);
  all_say_that_this_is_a_child(&other);
}

static void be_a_child(void) {
  all_say_that_this_is_a_child(&mine);
  all_say_that_this_is_a_child(&other);
  fork_one(be_a_grandchild);
  works(&unused);
  all_say_that_this_is_a_child(&mine);
}

static atomic_int stop;

/* Goes through all locks, so that the forks come while they are held. */
static void *is_busy(void *argument) {
  library_t *it = argument;
  wharf_message_t message;
  while (!atomic_load(&stop)) {
    wharf_port_t port;
    CHECK_OK(it->wharf_port_open(it->runtime, NULL, &port));
    CHECK_OK(it->wharf_timer_after(port, 1, 0, NULL));
    CHECK_OK(it->wharf_spawn_fn(it->standard, it->sent++, seven, NULL, NULL, NULL));
    CHECK_OK(it->wharf_port_recv(port, &message, LONG));
    CHECK_OK(it->wharf_port_close(port, LONG));
    while (it->wharf_port_try_recv(it->standard, &message) == WHARF_OK) it->answered++;
  }
  /* None was lost. */
  for (; it->answered < it->sent; it->answered++) {
    CHECK_OK(it->wharf_port_recv(it->standard, &message, LONG));
    CHECK(message.kind == WHARF_KIND_OK);
  }
  CHECK(it->wharf_port_try_recv(it->standard, &message) == WHARF_EMPTY);
  return NULL;
}

/* A copy of the library under a name of its own, which the loader takes for another. */
static void *load_copy(const char *from) {
  char name[] = "faults-fork-XXXXXX", command[4200];
  int file = mkstemp(name);
  CHECK(file >= 0 && close(file) == 0);
  snprintf(command, sizeof command, "cp '%s' %s", from, name);
  CHECK(system(command) == 0);
  char path[64];
  snprintf(path, sizeof path, "./%s", name);
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  CHECK(unlink(name) == 0);
  return handle;
}

int main(int argc, char **argv) {
  enum { CHILDREN = 40 };
  CHECK(argc == 2); /* libwharf.so beside libharbour.so */
  char path[4096];
  beside(argv[1], "libwharf.so", path, sizeof path);
  load(&mine, dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD));
  load(&other, dlopen(path, RTLD_NOW | RTLD_LOCAL));
  load(&unused, load_copy(path));
  CHECK(mine.wharf_port_open == wharf_port_open && mine.wharf_port_open != other.wharf_port_open &&
        other.wharf_port_open != unused.wharf_port_open);

  begin(&mine);
  begin(&other);
  fork_one(be_a_child);
  pthread_t threads[] = {start(is_busy, &mine), start(is_busy, &other)};
  for (int children = 0; children < CHILDREN; children++) fork_one(be_a_child);
  atomic_store(&stop, 1);
  join(threads[0]);
  join(threads[1]);
  end(&mine);
  end(&other);
  /* The parent has not used it, and may. */
  works(&unused);
  return 0;
}
