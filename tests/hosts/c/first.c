/* Every way that a call and a task can go, once each. */
#include "check.h"

int main(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime);
  wharf_message_t message;
  wharf_task_t task = 0;

  CHECK(wharf_abi_version() >> 16 == WHARF_ABI_VERSION >> 16);
  CHECK(strlen(wharf_version()) > 0);

  CHECK_OK(harbour_add(port, 1, 40, 2, &task));
  CHECK(task != 0);
  message = next(port);
  CHECK(message.tag == 1 && message.task == task && message.kind == WHARF_KIND_OK);
  CHECK(message.value.type == WHARF_TYPE_INT64 && message.value.value.as_int64 == 42);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_message_free(&message));

  CHECK_OK(harbour_echo(port, 2, "fährt", NULL));
  message = next(port);
  CHECK(message.tag == 2 && strcmp(wharf_message_text(&message), "fährt") == 0);
  CHECK_OK(wharf_message_free(&message));

  CHECK_OK(harbour_sum(port, 3, (const uint8_t *)"\1\2\3", 3, NULL));
  message = next(port);
  CHECK(message.value.type == WHARF_TYPE_ARRAY && message.value.value.as_array.length == 2);
  CHECK(message.value.value.as_array.values[0]->value.as_int64 == 6);
  CHECK(message.value.value.as_array.values[1]->value.as_external_typed_data.data[2] == 3);
  CHECK_OK(wharf_message_free(&message));

  CHECK_OK(harbour_fail(port, 4, 17, NULL));
  message = next(port);
  CHECK(message.kind == WHARF_KIND_ERROR && message.code == 17);
  CHECK(strcmp(wharf_message_text(&message), "the harbour is closed") == 0);
  CHECK(message.value.value.as_array.length == 2);
  CHECK_OK(wharf_message_free(&message));

  CHECK_OK(harbour_panic(port, 5, "overboard", NULL));
  message = next(port);
  CHECK(message.kind == WHARF_KIND_PANIC);
  CHECK(strcmp(wharf_message_text(&message), "overboard") == 0);
  CHECK_OK(wharf_message_free(&message));
  CHECK(harbour_alive() == 0);

  CHECK_OK(harbour_wait(port, 6, &task));
  CHECK_OK(wharf_task_cancel(task));
  expect(port, 6, WHARF_KIND_CANCELLED);
  CHECK(harbour_alive() == 0);
  REFUSED(wharf_task_cancel(task), WHARF_NO_TASK);

  CHECK_OK(harbour_turn(port, 7, &task));
  CHECK_OK(wharf_task_cancel(task));
  message = next(port);
  CHECK(message.tag == 7);
  CHECK_OK(wharf_message_free(&message));

  CHECK_OK(harbour_unsendable(port, 8, NULL));
  message = next(port);
  CHECK(message.kind == WHARF_KIND_ERROR && message.code == -WHARF_BAD_VALUE);
  CHECK_OK(wharf_message_free(&message));

  REFUSED(harbour_echo(port, 9, NULL, NULL), WHARF_NULL);
  REFUSED(harbour_echo(port, 9, "\xff", NULL), WHARF_NOT_UTF8);
  REFUSED(harbour_echo(port + 1, 9, "x", NULL), WHARF_NO_PORT);
  expect_nothing(port);

  CHECK_OK(harbour_wait(port, 10, NULL));
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  CHECK(harbour_alive() == 0);
  REFUSED(harbour_add(port, 11, 1, 1, NULL), WHARF_SHUT_DOWN);
  expect(port, 10, WHARF_KIND_SHUT_DOWN);
  expect_nothing(port);
  CHECK_OK(wharf_port_close(port, LONG));
  REFUSED(wharf_port_close(port, LONG), WHARF_NO_PORT);
  CHECK_OK(wharf_runtime_free(runtime));
  REFUSED(wharf_runtime_free(runtime), WHARF_NO_RUNTIME);
  return 0;
}
