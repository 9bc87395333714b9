/* Loading the library, making a runtime and opening a port start no thread: the first submit does;
 * and a shutdown ends them all. */
#include "check.h"

#include <dirent.h>
#include <sched.h>

static int threads(void) {
  DIR *tasks = opendir("/proc/self/task");
  int count = 0;
  CHECK(tasks != NULL);
  for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) count += entry->d_name[0] != '.';
  closedir(tasks);
  return count;
}

int main(void) {
  CHECK(threads() == 1);
  wharf_runtime_t runtime = new_runtime(2);
  wharf_port_t port = open_port(runtime), standard = open_port(0);
  int descriptor;
  CHECK_OK(wharf_port_descriptor(port, &descriptor));
  CHECK_OK(wharf_post(port, 1, NULL));
  expect(port, 1, WHARF_KIND_DATA);
  CHECK(threads() == 1);
  CHECK_OK(harbour_add(port, 2, 1, 1, NULL));
  expect(port, 2, WHARF_KIND_OK);
  CHECK(threads() > 1);
  end_runtime(runtime);
  /* The system takes a moment to bury them. */
  while (threads() > 1) sched_yield();
  CHECK_OK(wharf_port_close(standard, LONG));
  end_runtime(0);
  CHECK(threads() == 1);
  return 0;
}
