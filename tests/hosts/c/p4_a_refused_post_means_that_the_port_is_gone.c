/* P4: values are checked before they are posted, so a refused post means that the port is gone:
 * its tasks are cancelled, and nothing leaks or is freed twice. */
#include "vm.h"

static wharf_runtime_t runtime;

/* What a VM would choke on never reaches it. */
static void bad_values_are_not_posted(void) {
  wharf_value_t value;
  wharf_value_t *nothing = NULL;
  wharf_port_t port;
  vm_begin(VM_TAKES);
  port = vm_port(runtime);
  memset(&value, 0, sizeof value);
  value.type = WHARF_TYPE_STRING;
  REFUSED(wharf_post(port, 1, &value), WHARF_BAD_VALUE);
  value.value.as_string = "\xff";
  REFUSED(wharf_post(port, 1, &value), WHARF_BAD_VALUE);
  value.type = WHARF_TYPE_ARRAY;
  value.value.as_array.length = 1;
  value.value.as_array.values = &nothing;
  REFUSED(wharf_post(port, 1, &value), WHARF_BAD_VALUE);
  value.type = WHARF_TYPE_UNSUPPORTED;
  REFUSED(wharf_post(port, 1, &value), WHARF_BAD_VALUE);
  CHECK(vm.calls == 0);
  CHECK_OK(harbour_unsendable(port, 2, NULL));
  vm_wait(1);
  CHECK(vm.log[0].kind == WHARF_KIND_ERROR && vm.log[0].code == -WHARF_BAD_VALUE);
  CHECK_OK(wharf_port_close(port, LONG));
}

/* What a library's author makes is held to the limits that a host is held to, before it is posted; the
 * task goes on, and says so. */
static void values_of_the_librarys_own_are_measured(void) {
  static const struct {
    uint32_t depth, width;
    bool fits;
  } rows[] = {
      {WHARF_VALUE_MAX_DEPTH, 1, true},
      {WHARF_VALUE_MAX_DEPTH + 1, 1, false},
      {2, WHARF_VALUE_MAX_COUNT - 2, true},
      {2, WHARF_VALUE_MAX_COUNT - 1, false},
  };
  wharf_port_t port = open_port(runtime);
  for (size_t at = 0; at < 2 * sizeof rows / sizeof *rows; at++) {
    bool posted = at % 2 == 1, fits = rows[at / 2].fits;
    CHECK_OK(harbour_nest(port, at, rows[at / 2].depth, rows[at / 2].width, posted, NULL));
    if (posted && fits) expect(port, at, WHARF_KIND_DATA);
    wharf_message_t message = next(port);
    CHECK(message.tag == at && message.kind == (fits ? WHARF_KIND_OK : WHARF_KIND_ERROR));
    CHECK(message.code == (fits ? 0 : -WHARF_BAD_VALUE));
    const char *what = rows[at / 2].width == 1 ? "nested deeper than 64" : "values in one message";
    CHECK(fits || strstr(wharf_message_text(&message), what) != NULL);
    CHECK_OK(wharf_message_free(&message));
  }
  CHECK_OK(wharf_port_close(port, LONG));
}

/* `how` is VM_REFUSES or VM_REFUSES_AND_FINALIZES. */
static void the_port_goes_and_its_tasks_with_it(int how) {
  parcel_t kept = {{0}, 0}, sent = {{0}, 0}, mirrored = {{0}, 0};
  wharf_value_t keep = parcel_value(&kept), send = parcel_value(&sent);
  wharf_value_t mirror = parcel_value(&mirrored);
  vm_begin(VM_TAKES);
  wharf_port_t port = vm_port(runtime), other = vm_port(runtime);
  for (uint64_t tag = 0; tag < 100; tag++) CHECK_OK(harbour_wait(port, tag, NULL));
  CHECK_OK(harbour_keep(port, 100, &keep, NULL));
  while (harbour_alive() < 101) stats_of(port);
  vm_go(how);
  /* The host's post was accepted; that it came to nothing is known only later. */
  CHECK_OK(wharf_post(port, 101, &send));
  CHECK(atomic_load(&sent.freed) == 1);
  REFUSED(wharf_post(port, 102, NULL), WHARF_NO_PORT);
  while (harbour_alive() > 0) stats_of(other);
  while (atomic_load(&kept.freed) == 0) stats_of(other);
  CHECK(vm.calls == 1);
  /* A result that is refused is freed, once, be it the host's bytes or the library's. */
  CHECK_OK(harbour_mirror(other, 103, &mirror, NULL));
  vm_wait_refused();
  while (atomic_load(&mirrored.freed) == 0) harbour_alive();
  vm_begin(how);
  other = vm_port(runtime);
  CHECK_OK(harbour_lend(other, 104, 100, NULL));
  vm_wait_refused();
  while (harbour_lent() > 0) harbour_alive();
}

static atomic_int pointers_freed;

static void pointer_freed(void *nothing, void *pointer) {
  CHECK(nothing == NULL && pointer == &pointers_freed);
  atomic_fetch_add(&pointers_freed, 1);
}

/* A pointer with a finalizer is freed by whoever has it in the end. */
static void pointers_are_freed_too(void) {
  wharf_value_t value;
  memset(&value, 0, sizeof value);
  value.type = WHARF_TYPE_NATIVE_POINTER;
  value.value.as_native_pointer.ptr = (ptrdiff_t)&pointers_freed;
  value.value.as_native_pointer.callback = pointer_freed;
  for (int mode = VM_TAKES; mode <= VM_REFUSES; mode++) {
    vm_begin(mode);
    wharf_port_t port = vm_port(runtime);
    atomic_store(&pointers_freed, 0);
    CHECK_OK(wharf_post(port, 1, &value));
    CHECK(atomic_load(&pointers_freed) == 1);
    wharf_port_close(port, LONG);
  }
}

static wharf_port_t refused;

static void closes_the_port(void *nothing, void *pointer) {
  /* It waits for this very call. */
  CHECK(wharf_port_close(refused, WHARF_FOREVER) == WHARF_DEFERRED);
  pointer_freed(nothing, pointer);
}

/* The finalizer of what is refused may close the port that it was refused for. */
static void a_finalizer_of_what_is_refused_closes_the_port(void) {
  wharf_value_t pointer, data;
  memset(&pointer, 0, sizeof pointer);
  pointer.type = WHARF_TYPE_NATIVE_POINTER;
  pointer.value.as_native_pointer.ptr = (ptrdiff_t)&pointers_freed;
  pointer.value.as_native_pointer.callback = closes_the_port;
  memset(&data, 0, sizeof data);
  data.type = WHARF_TYPE_EXTERNAL_TYPED_DATA;
  data.value.as_external_typed_data.peer = &pointers_freed;
  data.value.as_external_typed_data.callback = closes_the_port;
  wharf_value_t *values[] = {&pointer, &data};
  for (int at = 0; at < 2; at++) {
    vm_begin(VM_REFUSES);
    refused = vm_port(runtime);
    atomic_store(&pointers_freed, 0);
    CHECK_OK(wharf_post(refused, 1, values[at]));
    CHECK(atomic_load(&pointers_freed) == 1);
    REFUSED(wharf_port_close(refused, LONG), WHARF_NO_PORT);
  }
}

/* Taken messages give their bytes back as well. */
static void what_is_taken_is_finalized_by_the_vm(void) {
  parcel_t parcel = {{0}, 0};
  wharf_value_t value = parcel_value(&parcel);
  vm_begin(VM_TAKES);
  wharf_port_t port = vm_port(runtime);
  CHECK_OK(harbour_mirror(port, 1, &value, NULL));
  CHECK_OK(harbour_lend(port, 2, 100, NULL));
  vm_wait(2);
  while (atomic_load(&parcel.freed) == 0 || harbour_lent() > 0) stats_of(port);
  CHECK_OK(wharf_port_close(port, LONG));
}

int main(void) {
  runtime = new_runtime(2);
  bad_values_are_not_posted();
  values_of_the_librarys_own_are_measured();
  what_is_taken_is_finalized_by_the_vm();
  pointers_are_freed_too();
  a_finalizer_of_what_is_refused_closes_the_port();
  the_port_goes_and_its_tasks_with_it(VM_REFUSES);
  the_port_goes_and_its_tasks_with_it(VM_REFUSES_AND_FINALIZES);
  end_runtime(runtime);
  CHECK(harbour_alive() == 0 && harbour_lent() == 0);
  return 0;
}
