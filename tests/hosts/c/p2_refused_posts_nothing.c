/* P2: a refused call says so at once, posts nothing, and leaves the caller's bytes the caller's;
 * the numbers of the statuses are for ever. */
#include "check.h"

/* Each status that was ever given out. A line may be added here, and none changed or removed. */
static const struct { wharf_status_t status; int number; } STATUSES[] = {
    {WHARF_OK, 0},          {WHARF_TIMEOUT, 1},      {WHARF_EMPTY, 2},
    {WHARF_FULL, 3},        {WHARF_DEFERRED, 4},     {WHARF_NULL, 10},
    {WHARF_OUT_OF_RANGE, 11}, {WHARF_NOT_UTF8, 12},  {WHARF_BAD_VALUE, 13},
    {WHARF_BAD_OPTION, 14}, {WHARF_NO_RUNTIME, 20},  {WHARF_NO_PORT, 21},
    {WHARF_NO_TASK, 22},    {WHARF_SHUT_DOWN, 30},   {WHARF_WRONG_STATE, 31},
    {WHARF_WOULD_BLOCK, 32}, {WHARF_FORKED, 33},     {WHARF_LIMIT, 40},
    {WHARF_NO_MEMORY, 41},  {WHARF_SYSTEM, 42},      {WHARF_PANICKED, 50},
};

static void statuses_keep_their_numbers(void) {
  size_t known = sizeof STATUSES / sizeof *STATUSES, texts = 0;
  for (size_t at = 0; at < known; at++) {
    CHECK(STATUSES[at].status == STATUSES[at].number);
    CHECK(wharf_status_text(STATUSES[at].status) != NULL);
  }
  for (int number = -1000; number < 1000; number++) texts += wharf_status_text(number) != NULL;
  CHECK(texts >= known);
}

static wharf_runtime_t runtime;

/* Nothing has come, nothing is running, and the parcel is still the caller's. */
static void nothing_happened(wharf_port_t port, parcel_t *parcel) {
  CHECK(atomic_load(&parcel->freed) == 0);
  CHECK(harbour_alive() == 0);
  wharf_port_stats_t stats = stats_of(port);
  CHECK(stats.tasks == 0 && stats.posted == 0 && stats.waiting == 0);
  expect_nothing(port);
}

static void bad_arguments(void) {
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = parcel_value(&parcel), broken = value;
  wharf_port_t port = open_port(runtime);
  wharf_task_t task = 77;
  broken.value.as_external_typed_data.length = -1;
  REFUSED(harbour_echo(port, 1, NULL, &task), WHARF_NULL);
  REFUSED(harbour_echo(port, 1, "broken \xc3", &task), WHARF_NOT_UTF8);
  REFUSED(harbour_sum(port, 1, NULL, 1, &task), WHARF_NULL);
  REFUSED(harbour_sum(port, 1, (const uint8_t *)"", SIZE_MAX, &task), WHARF_OUT_OF_RANGE);
  REFUSED(harbour_mirror(port, 1, NULL, &task), WHARF_NULL);
  REFUSED(harbour_mirror(port, 1, &broken, &task), WHARF_BAD_VALUE);
  value.type = WHARF_TYPE_NULL;
  REFUSED(harbour_keep(port, 1, &value, &task), WHARF_BAD_VALUE);
  REFUSED(wharf_post(port, 1, &broken), WHARF_BAD_VALUE);
  REFUSED(wharf_post_control(port, 1, &broken), WHARF_BAD_VALUE);
  CHECK(task == 77);
  nothing_happened(port, &parcel);
  CHECK_OK(wharf_port_close(port, LONG));
}

static void limits_hold_at_n_and_n_plus_one(void) {
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = parcel_value(&parcel);
  wharf_port_options_t options = {0};
  wharf_port_t port;
  wharf_task_t task, refused = 77;
  options.size = sizeof options;
  options.max_tasks = 3;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  for (uint64_t tag = 0; tag < 3; tag++) CHECK_OK(harbour_wait(port, tag, &task));
  REFUSED(harbour_keep(port, 9, &value, &refused), WHARF_LIMIT);
  CHECK(refused == 77 && atomic_load(&parcel.freed) == 0);
  expect_nothing(port);
  CHECK_OK(wharf_task_cancel(task));
  expect(port, 2, WHARF_KIND_CANCELLED);
  CHECK_OK(harbour_keep(port, 4, &value, NULL));
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK(atomic_load(&parcel.freed) == 1);
}

/* A full port refuses a post, and the bytes stay the poster's. */
static void a_full_port_gives_the_bytes_back(void) {
  parcel_t first = {{0}, 0}, second = {{0}, 0};
  wharf_value_t one = parcel_value(&first), two = parcel_value(&second);
  wharf_port_options_t options = {0};
  wharf_port_t port;
  options.size = sizeof options;
  options.capacity = 1;
  CHECK_OK(wharf_port_open(runtime, &options, &port));
  CHECK_OK(wharf_post(port, 1, &one));
  REFUSED(wharf_post(port, 2, &two), WHARF_FULL);
  CHECK(stats_of(port).refused == 1 && stats_of(port).posted == 1);
  expect(port, 1, WHARF_KIND_DATA);
  CHECK(atomic_load(&first.freed) == 1 && atomic_load(&second.freed) == 0);
  expect_nothing(port);
  CHECK_OK(wharf_port_close(port, LONG));
}

static void closed_and_shut_down(void) {
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = parcel_value(&parcel);
  wharf_port_t closed = open_port(runtime), port = open_port(runtime);
  CHECK_OK(wharf_port_close(closed, LONG));
  REFUSED(harbour_keep(closed, 1, &value, NULL), WHARF_NO_PORT);
  REFUSED(wharf_post(closed, 1, &value), WHARF_NO_PORT);
  REFUSED(wharf_port_grant(closed, 1), WHARF_NO_PORT);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  REFUSED(harbour_keep(port, 1, &value, NULL), WHARF_SHUT_DOWN);
  REFUSED(wharf_post(port, 1, &value), WHARF_SHUT_DOWN);
  REFUSED(wharf_post_control(port, 1, &value), WHARF_SHUT_DOWN);
  REFUSED(wharf_port_grant(port, 1), WHARF_SHUT_DOWN);
  REFUSED(wharf_port_open(runtime, NULL, &closed), WHARF_SHUT_DOWN);
  nothing_happened(port, &parcel);
  CHECK_OK(wharf_port_close(port, LONG));
  CHECK_OK(wharf_runtime_free(runtime));
}

int main(void) {
  statuses_keep_their_numbers();
  runtime = new_runtime(2);
  bad_arguments();
  limits_hold_at_n_and_n_plus_one();
  a_full_port_gives_the_bytes_back();
  closed_and_shut_down();
  return 0;
}
