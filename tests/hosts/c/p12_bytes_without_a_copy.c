/* P12: bytes cross without a copy in both directions, and each finalizer runs exactly once: after
 * an accepted post, never after a refused one, and when a message is freed, dropped or closed over. */
#include "check.h"

#include <stdatomic.h>

static atomic_int freed;
static void count_free(void *ignored, void *peer) {
  CHECK(ignored == NULL);
  atomic_fetch_add(&freed, 1);
  free(peer);
}

static wharf_value_t external(size_t length) {
  wharf_value_t value = {0};
  uint8_t *bytes = malloc(length + 1);
  memset(bytes, 7, length + 1);
  value.type = WHARF_TYPE_EXTERNAL_TYPED_DATA;
  value.value.as_external_typed_data.element = WHARF_DATA_UINT8;
  value.value.as_external_typed_data.length = (ptrdiff_t)length;
  value.value.as_external_typed_data.data = bytes;
  value.value.as_external_typed_data.peer = bytes;
  value.value.as_external_typed_data.callback = count_free;
  return value;
}

/* A parameter that is refused gives back what came before it, whatever the parameters are called. */
static void refused_behind_bytes(wharf_port_t port) {
  parcel_t parcel = {0};
  wharf_value_t bytes = parcel_value(&parcel);
  const int32_t numbers[] = {1, 2, 3};
  REFUSED(harbour_names(port, 1, &bytes, numbers, 3, 9, "\xff", 7, true, 0, NULL), WHARF_NOT_UTF8);
  CHECK(atomic_load(&parcel.freed) == 0);
  CHECK_OK(harbour_names(port, 1, &bytes, numbers, 3, 9, NULL, 7, true, 0, NULL));
  wharf_message_t message = next(port);
  wharf_value_t **parts = message.value.value.as_array.values;
  CHECK(message.kind == WHARF_KIND_OK && message.value.value.as_array.length == 4);
  CHECK(parts[0]->value.as_int64 == 9 && parts[1]->value.as_int64 == 7 && parts[2]->value.as_bool);
  CHECK(parts[3]->value.as_int64 == 3 && atomic_load(&parcel.freed) == 1);
  CHECK_OK(wharf_message_free(&message));
}

/* A finalizer is called once: a value that has one and stands at two places is refused, and stays the
 * host's. */
static void at_two_places(wharf_port_t port) {
  parcel_t parcel = {0}, other = {0};
  wharf_value_t bytes = parcel_value(&parcel), more = parcel_value(&other), array = {0}, twice = {0};
  wharf_value_t *both[] = {&bytes, &bytes}, *arrays[] = {&array, &array};
  array.type = twice.type = WHARF_TYPE_ARRAY;
  array.value.as_array.length = 2;
  array.value.as_array.values = both;
  twice.value.as_array.length = 2;
  twice.value.as_array.values = arrays;
  REFUSED(wharf_post(port, 1, &array), WHARF_BAD_VALUE);
  REFUSED(harbour_mirror(port, 1, &array, NULL), WHARF_BAD_VALUE);
  both[1] = &more;
  REFUSED(wharf_post(port, 1, &twice), WHARF_BAD_VALUE);
  CHECK(atomic_load(&parcel.freed) == 0 && atomic_load(&other.freed) == 0);
  CHECK_OK(wharf_post(port, 1, &array));
  expect(port, 1, WHARF_KIND_DATA);
  CHECK(atomic_load(&parcel.freed) == 1 && atomic_load(&other.freed) == 1);
  /* What has no finalizer may, and so may what is copied. */
  wharf_value_t number = int_value(7), copy;
  both[0] = both[1] = &number;
  CHECK_OK(wharf_post(port, 1, &twice));
  expect(port, 1, WHARF_KIND_DATA);
  both[0] = both[1] = &bytes;
  CHECK_OK(wharf_value_copy(&twice, &copy));
  CHECK_OK(wharf_value_free(&copy));
  CHECK(atomic_load(&parcel.freed) == 1);
}

int main(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime);
  wharf_message_t message;
  at_two_places(port);
  refused_behind_bytes(port);
  wharf_value_t value, copy;

  /* From the host to its own port, through the library and back: the same bytes. */
  value = external(100);
  CHECK_OK(wharf_post(port, 1, &value));
  message = next(port);
  CHECK(message.value.value.as_external_typed_data.data == value.value.as_external_typed_data.data);
  CHECK(atomic_load(&freed) == 0);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_message_free(&message));
  CHECK(atomic_load(&freed) == 1);

  value = external(100);
  CHECK_OK(harbour_mirror(port, 2, &value, NULL));
  message = next(port);
  CHECK(message.value.value.as_external_typed_data.data == value.value.as_external_typed_data.data);
  /* Taken out of the message, they are the host's to free. */
  wharf_external_typed_data_t mine = message.value.value.as_external_typed_data;
  message.value.type = WHARF_TYPE_NULL;
  CHECK_OK(wharf_message_free(&message));
  CHECK(atomic_load(&freed) == 1);
  mine.callback(NULL, mine.peer);
  CHECK(atomic_load(&freed) == 2);

  value = external(33);
  CHECK_OK(harbour_measure(port, 3, &value, NULL));
  message = next(port);
  CHECK(message.value.value.as_int64 == 33 && atomic_load(&freed) == 3);

  /* For a host that can't be called: a flag, which is up when the answer is there. */
  static const uint8_t constant[5] = {1, 2, 3, 4, 5};
  atomic_uint flag = 0;
  value.value.as_external_typed_data.length = sizeof constant;
  value.value.as_external_typed_data.data = (uint8_t *)constant;
  value.value.as_external_typed_data.peer = &flag;
  value.value.as_external_typed_data.callback = wharf_finalizer_flag;
  REFUSED(harbour_measure(0, 3, &value, NULL), WHARF_NO_PORT);
  CHECK(atomic_load(&flag) == 0);
  CHECK_OK(harbour_measure(port, 3, &value, NULL));
  message = next(port);
  CHECK(message.value.value.as_int64 == sizeof constant && atomic_load(&flag) == 1);

  /* Of an author's: not copied on the way out. */
  uint8_t bytes[64] = {1, 2, 3};
  CHECK_OK(harbour_sum(port, 4, bytes, sizeof bytes, NULL));
  message = next(port);
  CHECK(message.value.value.as_array.values[1]->type == WHARF_TYPE_EXTERNAL_TYPED_DATA);
  CHECK_OK(wharf_message_free(&message));

  /* A refused call takes nothing. */
  freed = 0;
  value = external(10);
  REFUSED(wharf_post(port + 1, 5, &value), WHARF_NO_PORT);
  REFUSED(harbour_mirror(port + 1, 5, &value, NULL), WHARF_NO_PORT);
  wharf_value_t number = {0};
  number.type = WHARF_TYPE_INT32;
  REFUSED(harbour_measure(port, 5, &number, NULL), WHARF_BAD_VALUE);
  value.value.as_external_typed_data.element = WHARF_DATA_INT16;
  REFUSED(harbour_measure(port, 5, &value, NULL), WHARF_BAD_VALUE);
  value.value.as_external_typed_data.element = WHARF_DATA_UINT8;
  CHECK(atomic_load(&freed) == 0);
  wharf_port_options_t options = {0};
  wharf_port_t full;
  options.size = sizeof options;
  options.capacity = 1;
  options.max_tasks = 1;
  CHECK_OK(wharf_port_open(runtime, &options, &full));
  CHECK_OK(wharf_post(full, 1, NULL));
  REFUSED(wharf_post(full, 5, &value), WHARF_FULL);
  CHECK_OK(harbour_wait(full, 1, NULL));
  REFUSED(harbour_mirror(full, 5, &value, NULL), WHARF_LIMIT);
  wharf_value_t *both[2] = {&value, NULL}, array = {0};
  array.type = WHARF_TYPE_ARRAY;
  array.value.as_array.length = 2;
  array.value.as_array.values = both;
  REFUSED(wharf_post(port, 5, &array), WHARF_BAD_VALUE);
  value.value.as_external_typed_data.callback = NULL;
  REFUSED(wharf_post(port, 5, &value), WHARF_BAD_VALUE);
  value.value.as_external_typed_data.callback = count_free;
  CHECK(atomic_load(&freed) == 0);

  /* A copy is a copy. */
  both[1] = &number;
  CHECK_OK(wharf_value_copy(&array, &copy));
  CHECK(copy.value.as_array.values[0]->type == WHARF_TYPE_TYPED_DATA);
  CHECK_OK(wharf_value_free(&copy));
  CHECK_OK(wharf_value_free(&copy));
  CHECK(atomic_load(&freed) == 0);

  /* Dropped for a newer one, and closed over. */
  CHECK_OK(wharf_post(port, 6, &array));
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK(atomic_load(&freed) == 1);
  options.when_full = WHARF_FULL_DROP_OLDEST;
  options.max_tasks = 0;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  for (int i = 0; i < 10; i++) {
    value = external(10);
    CHECK_OK(wharf_post(port, 7, &value));
    CHECK(atomic_load(&freed) == 1 + i);
  }
  /* Held by a task that is cancelled, whether or not it has begun. */
  value = external(10);
  wharf_task_t task;
  CHECK_OK(harbour_mirror(port, 8, &value, &task));
  wharf_status_t status = wharf_task_cancel(task);
  CHECK(status == WHARF_OK || status == WHARF_NO_TASK);
  for (int i = 0; i < 2; i++) {
    message = next(port);
    CHECK_OK(wharf_message_free(&message));
  }
  end_runtime(runtime);
  CHECK(atomic_load(&freed) == 12);
  return 0;
}
