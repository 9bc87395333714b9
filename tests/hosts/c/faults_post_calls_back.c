/* A post function that calls back into wharf: all calls are answered, and none waits for itself. */
#include "vm.h"

static wharf_runtime_t runtime;
static wharf_port_t own, other, spare;
static wharf_task_t waiting;
static atomic_int nested, done;

static void calls_all(int64_t tag) {
  wharf_message_t message;
  wharf_port_t port, friend;
  wharf_runtime_t standard;
  size_t count;
  if (tag != 1) return;
  CHECK_OK(wharf_post(own, 2, NULL));
  CHECK_OK(wharf_post(spare, 3, NULL));
  CHECK(wharf_port_try_recv(spare, &message) == WHARF_OK && message.tag == 3);
  CHECK_OK(wharf_message_free(&message));
  REFUSED(wharf_port_recv(spare, &message, 1), WHARF_WOULD_BLOCK);
  REFUSED(wharf_port_recv_batch(spare, &message, 1, &count, WHARF_FOREVER), WHARF_WOULD_BLOCK);
  CHECK(wharf_port_recv_batch(spare, &message, 1, &count, 0) == WHARF_EMPTY);
  CHECK_OK(harbour_add(own, 4, 1, 1, NULL));
  CHECK_OK(harbour_add(other, 5, 1, 1, NULL));
  CHECK_OK(wharf_task_cancel(waiting));
  CHECK_OK(wharf_port_open(runtime, NULL, &port));
  CHECK_OK(harbour_wait(port, 6, NULL));
  CHECK(wharf_port_close(port, WHARF_FOREVER) == WHARF_DEFERRED);
  friend = vm_port(runtime);
  /* Nothing runs for it, so there is nothing to put off. */
  CHECK_OK(wharf_port_close(friend, 0));
  CHECK_OK(wharf_runtime_default(&standard));
  REFUSED(wharf_runtime_shutdown(standard, WHARF_FOREVER), WHARF_TIMEOUT);
  REFUSED(wharf_runtime_free(runtime), WHARF_WRONG_STATE);
  CHECK(wharf_port_stats(own, &(wharf_port_stats_t){.size = sizeof(wharf_port_stats_t)}) ==
        WHARF_OK);
  atomic_store(&done, 1);
}

/* Each post posts again, to the same port, some levels deep. */
static void posts_again(int64_t tag) {
  if (tag < 50) {
    CHECK_OK(wharf_post(own, (uint64_t)tag + 1, NULL));
    atomic_fetch_add(&nested, 1);
  }
}

int main(void) {
  runtime = new_runtime(2);
  vm_begin(VM_TAKES);
  vm.inside = calls_all;
  own = vm_port(runtime);
  other = open_port(runtime);
  spare = open_port(runtime);
  CHECK_OK(harbour_wait(other, 7, &waiting));
  CHECK_OK(harbour_add(own, 1, 1, 1, NULL));
  int seen = 0;
  while (seen < 2) {
    wharf_message_t message = next(other);
    CHECK((message.tag == 5 && message.kind == WHARF_KIND_OK) ||
          (message.tag == 7 && message.kind == WHARF_KIND_CANCELLED));
    CHECK_OK(wharf_message_free(&message));
    seen++;
  }
  vm_wait(3);
  while (!atomic_load(&done)) harbour_alive();
  CHECK(harbour_alive() == 0);

  vm_begin(VM_TAKES);
  vm.inside = posts_again;
  CHECK_OK(wharf_post(own, 1, NULL));
  vm_wait(50);
  CHECK(atomic_load(&nested) == 49);
  CHECK_OK(wharf_port_close(own, LONG));
  CHECK_OK(wharf_runtime_shutdown(0, LONG));
  CHECK_OK(wharf_runtime_free(0));
  end_runtime(runtime);
  return 0;
}
