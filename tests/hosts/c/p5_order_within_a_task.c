/* P5: messages of one task arrive in the order posted; in queues of wharf's, control messages
 * overtake the others. */
#include "vm.h"

enum { TASKS = 20, EACH = 500 };

static wharf_runtime_t runtime;

static void each_task_in_order(size_t capacity) {
  uint64_t due[TASKS] = {0};
  int over = 0;
  wharf_port_options_t options = {0};
  wharf_port_t port;
  options.size = sizeof options;
  options.capacity = capacity;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  for (uint64_t tag = 0; tag < TASKS; tag++) CHECK_OK(harbour_count(port, tag, EACH, NULL));
  while (over < TASKS) {
    wharf_message_t message = next(port);
    CHECK(message.value.type == WHARF_TYPE_INT64);
    /* The terminal message carries EACH, so it is the next number too. */
    CHECK((uint64_t)message.value.value.as_int64 == due[message.tag]++);
    over += message.kind == WHARF_KIND_OK;
    CHECK(capacity == 0 || stats_of(port).waiting <= capacity + TASKS);
    CHECK_OK(wharf_message_free(&message));
  }
  for (int tag = 0; tag < TASKS; tag++) CHECK(due[tag] == EACH + 1);
  expect_nothing(port);
  CHECK_OK(wharf_port_close(port, LONG));
}

static void control_overtakes(void) {
  wharf_port_t port = open_port(runtime);
  for (uint64_t tag = 1; tag <= 3; tag++) CHECK_OK(wharf_post(port, tag, NULL));
  CHECK_OK(harbour_add(port, 4, 1, 1, NULL));
  while (stats_of(port).tasks > 0) continue;
  CHECK_OK(wharf_post_control(port, 11, NULL));
  CHECK_OK(wharf_post_control(port, 12, NULL));
  expect(port, 11, WHARF_KIND_CONTROL);
  expect(port, 12, WHARF_KIND_CONTROL);
  expect(port, 1, WHARF_KIND_DATA);
  CHECK_OK(wharf_post_control(port, 13, NULL));
  expect(port, 13, WHARF_KIND_CONTROL);
  expect(port, 2, WHARF_KIND_DATA);
  expect(port, 3, WHARF_KIND_DATA);
  expect(port, 4, WHARF_KIND_OK);
  CHECK_OK(wharf_port_close(port, LONG));
}

/* The Dart VM's ports have one door, and all go through it in order. */
static void dart_ports_have_one_door(void) {
  int64_t due[TASKS] = {0};
  vm_begin(VM_TAKES);
  wharf_port_t port = vm_port(runtime);
  for (uint64_t tag = 0; tag < TASKS; tag++) CHECK_OK(harbour_count(port, tag, EACH, NULL));
  vm_wait(TASKS * (EACH + 1));
  CHECK(vm.length == TASKS * (EACH + 1));
  for (long at = 0; at < vm.length; at++) {
    CHECK(vm.log[at].number == due[vm.log[at].tag]++);
    CHECK((vm.log[at].kind == WHARF_KIND_OK) == (vm.log[at].number == EACH));
  }
  vm_begin(VM_TAKES);
  CHECK_OK(wharf_post(port, 1, NULL));
  CHECK_OK(wharf_post_control(port, 2, NULL));
  CHECK(vm.length == 2 && vm.log[0].tag == 1 && vm.log[1].kind == WHARF_KIND_CONTROL);
  CHECK_OK(wharf_port_close(port, LONG));
}

int main(void) {
  runtime = new_runtime(2);
  each_task_in_order(0);
  each_task_in_order(1);
  each_task_in_order(7);
  control_overtakes();
  dart_ports_have_one_door();
  end_runtime(runtime);
  return 0;
}
