/* Two sides that name their ports to each other: a task of the library's and this program. */
#include "check.h"

/* The port that a task sends first. */
static wharf_port_t introduced(wharf_port_t port, uint64_t tag) {
  wharf_message_t message = next(port);
  CHECK(message.tag == tag && message.kind == WHARF_KIND_DATA);
  CHECK(message.value.type == WHARF_TYPE_SEND_PORT);
  CHECK(message.value.value.as_send_port.origin_id == 0);
  wharf_port_t other = (wharf_port_t)message.value.value.as_send_port.id;
  CHECK_OK(wharf_message_free(&message));
  return other;
}

static wharf_status_t ask(wharf_port_t to, uint64_t tag, int64_t number, wharf_port_t answer) {
  wharf_value_t first = int_value(number), second = {0}, pair = {0}, *both[2] = {&first, &second};
  second.type = WHARF_TYPE_SEND_PORT;
  second.value.as_send_port.id = (int64_t)answer;
  pair.type = WHARF_TYPE_ARRAY;
  pair.value.as_array.length = 2;
  pair.value.as_array.values = both;
  return wharf_post(to, tag, &pair);
}

static void ended(wharf_port_t port, uint64_t tag, int64_t result) {
  wharf_message_t message = next(port);
  CHECK(message.tag == tag && message.kind == WHARF_KIND_OK);
  CHECK((message.value.type == WHARF_TYPE_INT64 ? message.value.value.as_int64
                                                : message.value.value.as_int32) == result);
  CHECK_OK(wharf_message_free(&message));
}

static void both_ways(void) {
  wharf_port_t port = open_port(0), answers = open_port(0);
  CHECK_OK(harbour_parley(port, 7, NULL));
  wharf_port_t other = introduced(port, 7);
  for (int64_t number = 0; number < 1000; number++) {
    CHECK_OK(ask(other, (uint64_t)number, number, answers));
    if (number % 3 == 0) continue; /* some are answered one by one, some in a heap */
    while (stats_of(answers).waiting < (uint64_t)number + 1) {}
  }
  for (int64_t number = 0; number < 1000; number++) {
    wharf_message_t message = next(answers);
    CHECK(message.tag == (uint64_t)number && message.task == 0);
    CHECK(message.value.type == WHARF_TYPE_INT64 && message.value.value.as_int64 == number * 2);
    CHECK_OK(wharf_message_free(&message));
  }
  CHECK_OK(wharf_post_control(other, 0, NULL));
  ended(port, 7, 1000);
  /* What the task had opened has gone with it. */
  CHECK(ask(other, 1, 1, answers) == WHARF_NO_PORT);
  CHECK_OK(wharf_port_close(answers, LONG));
  CHECK_OK(wharf_port_close(port, LONG));
}

/* Whoever is spoken to and does not understand says so, with the reason. */
static void a_misunderstanding_is_the_tasks_error(void) {
  wharf_port_t port = open_port(0);
  CHECK_OK(harbour_parley(port, 1, NULL));
  CHECK_OK(wharf_post(introduced(port, 1), 1, NULL));
  wharf_message_t message = next(port);
  CHECK(message.kind == WHARF_KIND_ERROR && message.code == -WHARF_BAD_VALUE);
  CHECK(strcmp(wharf_message_text(&message), "an array was expected, not null") == 0);
  CHECK_OK(wharf_message_free(&message));
  /* Its answers go to a port that is not there. */
  CHECK_OK(harbour_parley(port, 2, NULL));
  CHECK_OK(ask(introduced(port, 2), 1, 1, 0));
  message = next(port);
  CHECK(message.kind == WHARF_KIND_ERROR && message.code == -WHARF_NO_PORT);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_port_close(port, LONG));
}

static void ends(void) {
  wharf_runtime_t runtime = new_runtime(1);
  wharf_port_t port = open_port(runtime), other;
  wharf_task_t task;
  /* Cancelled while it waits for words. */
  CHECK_OK(harbour_parley(port, 1, &task));
  other = introduced(port, 1);
  CHECK_OK(wharf_task_cancel(task));
  expect(port, 1, WHARF_KIND_CANCELLED);
  CHECK(wharf_post(other, 1, NULL) == WHARF_NO_PORT);
  /* The host closes the library's port: the waiting task is told. */
  CHECK_OK(harbour_parley(port, 2, &task));
  other = introduced(port, 2);
  CHECK_OK(wharf_port_close(other, LONG));
  expect(port, 2, WHARF_KIND_ERROR);
  /* The runtime ends. */
  CHECK_OK(harbour_parley(port, 3, &task));
  other = introduced(port, 3);
  CHECK_OK(wharf_runtime_shutdown(runtime, LONG));
  expect(port, 3, WHARF_KIND_SHUT_DOWN);
  CHECK_OK(wharf_runtime_free(runtime));
  CHECK(wharf_post(other, 1, NULL) == WHARF_NO_PORT);
}

static void ports_as_arguments_and_results(void) {
  wharf_port_t port = open_port(0), to = open_port(0);
  CHECK_OK(harbour_hail(port, 1, to, "ahoy", NULL));
  wharf_message_t message = next(port);
  CHECK(message.kind == WHARF_KIND_OK && message.value.type == WHARF_TYPE_SEND_PORT);
  CHECK((wharf_port_t)message.value.value.as_send_port.id == to);
  CHECK_OK(wharf_message_free(&message));
  /* Posted second, but it overtakes. */
  expect(to, 2, WHARF_KIND_CONTROL);
  message = next(to);
  CHECK(message.tag == 1 && strcmp(wharf_message_text(&message), "ahoy") == 0);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_port_close(to, LONG));
  REFUSED(harbour_hail(port, 1, to, "ahoy", NULL), WHARF_NO_PORT);
  REFUSED(harbour_hail(port, 1, UINT64_MAX, "ahoy", NULL), WHARF_NO_PORT);
  expect_nothing(port);
  CHECK_OK(wharf_port_close(port, LONG));
}

/* A result inside of a value: true and the value, or false, the code and the texts. */
static void results_inside_of_values(void) {
  wharf_port_t port = open_port(0);
  const int32_t codes[] = {-4, 9};
  CHECK_OK(harbour_verdicts(port, 1, codes, 2, NULL));
  wharf_message_t message = next(port);
  CHECK(message.kind == WHARF_KIND_OK && message.value.value.as_array.length == 2);
  wharf_array_t good = message.value.value.as_array.values[0]->value.as_array;
  wharf_array_t bad = message.value.value.as_array.values[1]->value.as_array;
  CHECK(good.length == 2 && good.values[0]->value.as_bool && good.values[1]->value.as_int32 == -4);
  CHECK(bad.length == 3 && !bad.values[0]->value.as_bool && bad.values[1]->value.as_int32 == 9);
  wharf_array_t texts = bad.values[2]->value.as_array;
  CHECK(texts.length == 1 && strcmp(texts.values[0]->value.as_string, "guilty") == 0);
  CHECK_OK(wharf_message_free(&message));
  CHECK_OK(wharf_port_close(port, LONG));
}

int main(void) {
  both_ways();
  a_misunderstanding_is_the_tasks_error();
  ends();
  ports_as_arguments_and_results();
  results_inside_of_values();
  CHECK(harbour_alive() == 0);
  return 0;
}
