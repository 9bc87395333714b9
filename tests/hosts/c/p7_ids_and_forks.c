/* P7: an id that is stale, foreign or made up is a status; so is any call from a forked child.
 * (Ids of every kind in every function: see p2.) */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static uint64_t random_state = 88172645463325252u;
static uint64_t random64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

int main(void) {
  wharf_runtime_t runtime = new_runtime(1);
  wharf_port_t port = open_port(runtime);
  wharf_task_t task, other;
  wharf_message_t message;

  /* Random ids hit nothing, and near misses neither. */
  CHECK_OK(harbour_wait(port, 1, &task));
  for (int i = 0; i < 200000; i++) {
    uint64_t id = i % 2 ? random64() : task ^ (UINT64_C(1) << (random64() % 64));
    CHECK(id == task || wharf_task_cancel(id) == WHARF_NO_TASK);
    CHECK(id == port || wharf_port_grant(id, 1) == WHARF_NO_PORT);
  }
  CHECK_OK(wharf_task_cancel(task));
  expect(port, 1, WHARF_KIND_CANCELLED);

  /* A place that is used again gives out another id, over and over. */
  for (int i = 0; i < 1000; i++) {
    CHECK_OK(wharf_timer_after(port, 2, 0, &other));
    CHECK(other != task);
    CHECK(wharf_task_cancel(task) == WHARF_NO_TASK);
    task = other;
    expect(port, 2, WHARF_KIND_OK);
  }
  for (int i = 0; i < 1000; i++) {
    wharf_port_t next_port = open_port(runtime);
    CHECK(next_port != port);
    CHECK_OK(wharf_port_close(next_port, LONG));
    CHECK(wharf_port_try_recv(next_port, &message) == WHARF_NO_PORT);
  }

  /* A task's id does not survive into the next port at its place. */
  wharf_port_t first = open_port(runtime);
  CHECK_OK(harbour_wait(first, 3, &task));
  CHECK_OK(wharf_port_close(first, LONG));
  CHECK(harbour_alive() == 0);
  for (int i = 0; i < 10; i++) open_port(runtime);
  REFUSED(wharf_task_cancel(task), WHARF_NO_TASK);

  fflush(NULL);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    wharf_port_t new;
    int answers = wharf_port_open(runtime, NULL, &new) == WHARF_FORKED &&
                  wharf_runtime_new(NULL, &new) == WHARF_FORKED &&
                  harbour_add(port, 1, 1, 1, NULL) == WHARF_FORKED &&
                  wharf_port_recv(port, &message, LONG) == WHARF_FORKED &&
                  wharf_task_cancel(task) == WHARF_FORKED &&
                  wharf_post(port, 1, NULL) == WHARF_FORKED &&
                  wharf_runtime_shutdown(runtime, LONG) == WHARF_FORKED &&
                  wharf_task_is_cancelled(task) && wharf_last_error_code() == WHARF_FORKED &&
                  wharf_last_error_length() > 0 && wharf_version() != NULL;
    _exit(answers ? 0 : 1);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK_OK(harbour_add(port, 4, 1, 1, NULL)); /* the parent goes on */
  expect(port, 4, WHARF_KIND_OK);
  end_runtime(runtime);
  return 0;
}
