/* A stand-in for the Dart VM: its post function, with the copying and the finalizers of the real
 * one, and with misbehaviour on demand. There is one at a time. */
#ifndef VM_H
#define VM_H

#include "check.h"

enum {
  VM_TAKES,
  VM_REFUSES,
  /* As the real one does once it has been cleaned up. */
  VM_REFUSES_AND_FINALIZES,
  /* Until vm_go. */
  VM_BLOCKS,
};

enum { VM_PORT = 4711, VM_LOG = 1 << 16 };

typedef struct {
  int64_t tag;
  int32_t kind;
  int32_t code;
  int32_t type;
  int64_t number;
} vm_entry_t;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int mode;
  /* Posts that are blocked just now. */
  int blocked;
  /* Posts that were called, and that were refused. */
  long calls, refused;
  long length;
  vm_entry_t log[VM_LOG];
  /* Called by each post, outside the lock. */
  void (*inside)(int64_t tag);
  /* Set where the host has been promised that nothing is posted any more. */
  atomic_int silent;
} vm = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline void vm_finalize(const wharf_value_t *value) {
  switch (value->type) {
  case WHARF_TYPE_ARRAY:
    for (ptrdiff_t at = 0; at < value->value.as_array.length; at++)
      vm_finalize(value->value.as_array.values[at]);
    break;
  case WHARF_TYPE_EXTERNAL_TYPED_DATA:
  case WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA:
    value->value.as_external_typed_data.callback(NULL, value->value.as_external_typed_data.peer);
    break;
  case WHARF_TYPE_NATIVE_POINTER:
    value->value.as_native_pointer.callback(NULL, (void *)value->value.as_native_pointer.ptr);
    break;
  default:
    break;
  }
}

/* An enveloped message: [tag, kind, code, value]. */
static inline vm_entry_t vm_read(const wharf_value_t *message) {
  const wharf_array_t *array = &message->value.as_array;
  CHECK(message->type == WHARF_TYPE_ARRAY && array->length == 4);
  CHECK(array->values[0]->type == WHARF_TYPE_INT64);
  CHECK(array->values[1]->type == WHARF_TYPE_INT32);
  CHECK(array->values[2]->type == WHARF_TYPE_INT32);
  const wharf_value_t *value = array->values[3];
  vm_entry_t entry = {array->values[0]->value.as_int64, array->values[1]->value.as_int32,
                      array->values[2]->value.as_int32, value->type,
                      value->type == WHARF_TYPE_INT64 ? value->value.as_int64 : 0};
  return entry;
}

static inline bool vm_post(int64_t port, wharf_value_t *message) {
  CHECK(port == VM_PORT);
  CHECK(!atomic_load(&vm.silent));
  vm_entry_t entry = vm_read(message);
  if (vm.inside) vm.inside(entry.tag);
  pthread_mutex_lock(&vm.lock);
  vm.calls++;
  vm.blocked++;
  pthread_cond_broadcast(&vm.changed);
  while (vm.mode == VM_BLOCKS) pthread_cond_wait(&vm.changed, &vm.lock);
  vm.blocked--;
  int mode = vm.mode;
  if (mode == VM_TAKES) {
    CHECK(vm.length < VM_LOG);
    vm.log[vm.length++] = entry;
  } else {
    vm.refused++;
  }
  pthread_cond_broadcast(&vm.changed);
  pthread_mutex_unlock(&vm.lock);
  CHECK(!atomic_load(&vm.silent));
  if (mode == VM_TAKES || mode == VM_REFUSES_AND_FINALIZES) vm_finalize(message);
  return mode == VM_TAKES;
}

/* Forgets what was, and behaves so from now on. */
static inline void vm_begin(int mode) {
  pthread_mutex_lock(&vm.lock);
  vm.mode = mode;
  vm.calls = vm.refused = vm.length = 0;
  vm.inside = NULL;
  atomic_store(&vm.silent, 0);
  pthread_mutex_unlock(&vm.lock);
}

/* Changes what it does; posts that are blocked go on. */
static inline void vm_go(int mode) {
  pthread_mutex_lock(&vm.lock);
  vm.mode = mode;
  pthread_cond_broadcast(&vm.changed);
  pthread_mutex_unlock(&vm.lock);
}

/* Waits for so many messages. */
static inline void vm_wait(long length) {
  pthread_mutex_lock(&vm.lock);
  while (vm.length < length) pthread_cond_wait(&vm.changed, &vm.lock);
  pthread_mutex_unlock(&vm.lock);
}

/* Waits for a post to be stuck. */
static inline void vm_wait_blocked(void) {
  pthread_mutex_lock(&vm.lock);
  while (vm.blocked == 0) pthread_cond_wait(&vm.changed, &vm.lock);
  pthread_mutex_unlock(&vm.lock);
}

/* Waits for a post to have been refused. */
static inline void vm_wait_refused(void) {
  pthread_mutex_lock(&vm.lock);
  while (vm.refused == 0) pthread_cond_wait(&vm.changed, &vm.lock);
  pthread_mutex_unlock(&vm.lock);
}

static inline wharf_port_t vm_port(wharf_runtime_t runtime) {
  wharf_port_t port;
  CHECK_OK(wharf_port_dart(runtime, VM_PORT, vm_post, WHARF_DART_ENVELOPED, NULL, &port));
  return port;
}

#endif
