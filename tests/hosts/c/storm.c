/* A storm of submits, cancels, closes and restarts: none lost, none doubled, nothing leaked.
 *
 * Runtimes come and go. In each, threads submit tasks that hold the host's bytes, others cancel
 * them, drain their ports, close ports in the midst and shut the runtime down under load. Each
 * submit has a number, which is its tag, and bytes with a finalizer that counts.
 *
 *   storm [--submits N] [--seed N] */
#include "check.h"

enum { SUBMITTERS = 2, PORTS = 4, A_GENERATION = 20000 };

typedef struct {
  parcel_t parcel;
  _Atomic wharf_task_t task;
  atomic_uchar accepted, terminals, closed_early;
} submit_t;

static submit_t *submits;
static atomic_ulong drawn;
static unsigned long total = 200000;

static wharf_port_t ports[PORTS];
static atomic_int closed[PORTS], stop;
static unsigned long generation_end;
/* What may not be: the program counts it, and fails at its end. */
static unsigned long lost, doubled, leaked;

/* A number for one more submit, or the end of the generation. */
static bool take_number(unsigned long *number) {
  *number = atomic_fetch_add(&drawn, 1);
  return *number < generation_end;
}

static wharf_status_t submit(wharf_port_t port, unsigned long number, uint64_t choice) {
  submit_t *submit = &submits[number];
  wharf_value_t value = parcel_value(&submit->parcel);
  wharf_task_t task = 0;
  wharf_status_t status = choice % 3 == 0 ? harbour_keep(port, number, &value, &task)
                          : choice % 3 == 1 ? harbour_mirror(port, number, &value, &task)
                                            : harbour_measure(port, number, &value, &task);
  atomic_store(&submit->task, task);
  return status;
}

static void *submits_all(void *seed_of) {
  uint64_t seed = (uint64_t)(uintptr_t)seed_of;
  unsigned long number;
  while (!atomic_load(&stop) && take_number(&number)) {
    uint64_t choice = draw(&seed);
    size_t at = choice / 8 % PORTS;
    wharf_status_t status = submit(ports[at], number, choice);
    if (status == WHARF_OK)
      atomic_store(&submits[number].accepted, (unsigned char)(at + 1));
    else
      CHECK(status == WHARF_NO_PORT || status == WHARF_SHUT_DOWN);
  }
  return NULL;
}

static void *cancels_some(void *seed_of) {
  uint64_t seed = (uint64_t)(uintptr_t)seed_of;
  while (!atomic_load(&stop)) {
    unsigned long until = atomic_load(&drawn), back = draw(&seed) % 500;
    if (until > generation_end) until = generation_end;
    if (until <= back) continue;
    wharf_task_t task = atomic_load(&submits[until - back - 1].task);
    if (task == 0) continue;
    wharf_status_t status = wharf_task_cancel(task);
    CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
  }
  return NULL;
}

/* Counts what arrives at a port until it is closed, or empty with nothing more to come. */
static void drain(wharf_port_t port, int64_t wait) {
  wharf_message_t messages[64];
  size_t count;
  while (wharf_port_recv_batch(port, messages, 64, &count, wait) == WHARF_OK) {
    for (size_t at = 0; at < count; at++) {
      CHECK(messages[at].tag < total && is_terminal(messages[at].kind));
      atomic_fetch_add(&submits[messages[at].tag].terminals, 1);
    }
    CHECK_OK(wharf_messages_free(messages, count));
  }
}

static void *drains(void *at) {
  wharf_port_t port = ports[(size_t)(uintptr_t)at];
  while (!atomic_load(&stop)) drain(port, 2000000);
  return NULL;
}

/* From here on, nothing of this generation may be missing or held. */
static void count_up(unsigned long from, unsigned long to) {
  for (unsigned long number = from; number < to; number++) {
    submit_t *submit = &submits[number];
    int port = atomic_load(&submit->accepted), ends = atomic_load(&submit->terminals);
    bool owed = port != 0 && !atomic_load(&closed[port - 1]);
    lost += owed && ends == 0;
    doubled += ends > (port != 0);
    leaked += atomic_load(&submit->parcel.freed) != (port != 0);
  }
  leaked += (unsigned long)harbour_alive();
}

static void generation(uint64_t *seed) {
  unsigned long from = atomic_load(&drawn);
  wharf_runtime_t runtime = new_runtime(1 + draw(seed) % 3);
  pthread_t threads[SUBMITTERS + 1 + PORTS];
  size_t count = 0;
  generation_end = from + A_GENERATION < total ? from + A_GENERATION : total;
  atomic_store(&stop, 0);
  for (uintptr_t at = 0; at < PORTS; at++) {
    ports[at] = open_port(runtime);
    atomic_store(&closed[at], 0);
  }
  for (uintptr_t at = 0; at < PORTS; at++) threads[count++] = start(drains, (void *)at);
  threads[count++] = start(cancels_some, (void *)(uintptr_t)(draw(seed) | 1));
  for (int at = 0; at < SUBMITTERS; at++)
    threads[count++] = start(submits_all, (void *)(uintptr_t)(draw(seed) | 1));

  /* One port is closed in the midst, and the runtime is shut down under load or at the end. */
  unsigned long close_at = from + draw(seed) % A_GENERATION;
  unsigned long shut_at = from + draw(seed) % (2 * A_GENERATION);
  if (shut_at > generation_end) shut_at = generation_end;
  while (atomic_load(&drawn) < close_at && atomic_load(&drawn) < generation_end) sched_yield();
  size_t victim = draw(seed) % PORTS;
  atomic_store(&closed[victim], 1);
  CHECK_OK(wharf_port_close(ports[victim], LONG));
  while (atomic_load(&drawn) < shut_at) sched_yield();
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  atomic_store(&stop, 1);
  for (size_t at = 0; at < count; at++) join(threads[at]);
  for (size_t at = 0; at < PORTS; at++)
    if (at != victim) drain(ports[at], 0);
  CHECK_OK(wharf_runtime_free(runtime));
  unsigned long to = atomic_load(&drawn);
  if (to > generation_end) to = generation_end;
  count_up(from, to);
  atomic_store(&drawn, to);
}

int main(int argc, char **argv) {
  uint64_t seed = 1;
  unsigned long accepted = 0, answered = 0, generations = 0;
  for (int at = 1; at + 1 < argc; at++) {
    if (strcmp(argv[at], "--submits") == 0) total = strtoul(argv[at + 1], NULL, 10);
    if (strcmp(argv[at], "--seed") == 0) seed = strtoull(argv[at + 1], NULL, 10) | 1;
  }
  submits = calloc(total, sizeof *submits);
  CHECK(submits != NULL);
  for (; atomic_load(&drawn) < total; generations++) generation(&seed);
  for (unsigned long number = 0; number < total; number++) {
    accepted += atomic_load(&submits[number].accepted) != 0;
    answered += atomic_load(&submits[number].terminals);
  }
  printf("%lu submits in %lu runtimes: %lu accepted, %lu answered, %lu unanswered at ports that "
         "were closed; lost %lu, doubled %lu, leaked %lu\n",
         total, generations, accepted, answered, accepted - answered, lost, doubled, leaked);
  free(submits);
  return lost + doubled + leaked != 0;
}
