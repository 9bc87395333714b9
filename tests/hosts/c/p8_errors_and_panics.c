/* P8: panics stop at the border; the last error has a code, a length and a message, per thread. */
#include "check.h"

#include <pthread.h>

static void *elsewhere(void *argument) {
  (void)argument;
  CHECK(wharf_last_error_code() == WHARF_OK && wharf_last_error_length() == 0);
  char text[8] = "old";
  CHECK(wharf_last_error_message(text, sizeof text) == 0 && text[0] == 0);
  REFUSED(wharf_task_cancel(5), WHARF_NO_TASK);
  return NULL;
}

int main(void) {
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime);
  pthread_t thread;

  for (int i = 0; i < 20; i++) CHECK_OK(harbour_panic(port, 1, "man overboard: \xc3\xa4", NULL));
  for (int i = 0; i < 20; i++) {
    wharf_message_t message = next(port);
    CHECK(message.kind == WHARF_KIND_PANIC && message.code == 0);
    CHECK(strcmp(wharf_message_text(&message), "man overboard: \xc3\xa4") == 0);
    CHECK_OK(wharf_message_free(&message));
  }
  CHECK(harbour_alive() == 0);
  CHECK_OK(harbour_add(port, 2, 1, 1, NULL)); /* the workers are alive */
  expect(port, 2, WHARF_KIND_OK);

  REFUSED(harbour_echo(port, 1, "\xff", NULL), WHARF_NOT_UTF8);
  pthread_create(&thread, NULL, elsewhere, NULL);
  pthread_join(thread, NULL);
  CHECK(wharf_last_error_code() == WHARF_NOT_UTF8); /* this thread's, still */
  CHECK_OK(harbour_add(port, 3, 1, 1, NULL));
  expect(port, 3, WHARF_KIND_OK);
  CHECK(wharf_last_error_code() == WHARF_NOT_UTF8); /* a call that is OK leaves it */

  size_t length = wharf_last_error_length();
  char *whole = malloc(length + 1), *cut = malloc(length + 1);
  CHECK(wharf_last_error_message(whole, length + 1) == length && strlen(whole) == length);
  CHECK(strstr(whole, "text") != NULL); /* names the argument */
  for (size_t capacity = 0; capacity <= length; capacity++) {
    size_t written = wharf_last_error_message(cut, capacity);
    CHECK(written <= (capacity ? capacity - 1 : 0) && memcmp(whole, cut, written) == 0);
    CHECK(capacity == 0 || cut[written] == 0);
  }
  free(whole);
  free(cut);
  end_runtime(runtime);
  return 0;
}
