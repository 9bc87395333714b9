/* What no runtime can be faster than: threads that know how many they have been asked for, and wake the loop
 * through libuv's own means. Node's addon, without anything that a program would want besides.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The few words of libuv's that are needed. */
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_async_s uv_async_t;
enum { HANDLE_ASYNC = 1 };
size_t uv_handle_size(int type);
int uv_async_init(uv_loop_t *loop, uv_async_t *handle, void (*ready)(uv_async_t *handle));
int uv_async_send(uv_async_t *handle);

/* As many numbers as the package's streams have on their way. */
enum { LIMIT = 64 };

static napi_env environment;
static napi_ref on_answers, on_numbers;
static uv_async_t *answers_bell, *numbers_bell;

static int requests;
static atomic_uint requested, answered;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t room = PTHREAD_COND_INITIALIZER;
/* What waits, and what JavaScript reads of it. */
static double waiting[LIMIT], *read_of;
static unsigned waits;
static double count_of_numbers;

static void tell(napi_ref whom, unsigned count) {
  napi_handle_scope scope;
  napi_value function, global, number;
  napi_open_handle_scope(environment, &scope);
  napi_get_reference_value(environment, whom, &function);
  napi_get_global(environment, &global);
  napi_create_uint32(environment, count, &number);
  napi_make_callback(environment, NULL, global, function, 1, &number, NULL);
  napi_close_handle_scope(environment, scope);
}

/* The thread's counts and the loop's meet in one exchange each: the kernel's wakes order all else. */
static void *serve(void *unused) {
  uint64_t count;
  while (read(requests, &count, sizeof count) == sizeof count) {
    atomic_fetch_add(&answered, atomic_exchange(&requested, 0));
    uv_async_send(answers_bell);
  }
  return unused;
}

static void answer(uv_async_t *handle) {
  (void)handle;
  unsigned count = atomic_exchange(&answered, 0);
  if (count > 0) tell(on_answers, count);
}

static void *make_numbers(void *unused) {
  for (double next = 0; next < count_of_numbers; next++) {
    pthread_mutex_lock(&lock);
    while (waits == LIMIT) pthread_cond_wait(&room, &lock);
    waiting[waits++] = next;
    unsigned now = waits;
    pthread_mutex_unlock(&lock);
    if (now == 1) uv_async_send(numbers_bell);
  }
  return unused;
}

static void take_numbers(uv_async_t *handle) {
  (void)handle;
  pthread_mutex_lock(&lock);
  unsigned count = waits;
  for (unsigned at = 0; at < count; at++) read_of[at] = waiting[at];
  waits = 0;
  pthread_mutex_unlock(&lock);
  pthread_cond_signal(&room);
  if (count > 0) tell(on_numbers, count);
}

static void detached(void *(*body)(void *)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, body, NULL) != 0) abort();
  pthread_detach(thread);
}

/* start(onAnswers, onNumbers, numbers): which are told how many there are; of the numbers, in `numbers`. */
static napi_value start(napi_env env, napi_callback_info info) {
  napi_value args[3];
  size_t given = 3;
  struct uv_loop_s *loop;
  environment = env;
  napi_get_cb_info(env, info, &given, args, NULL, NULL);
  napi_create_reference(env, args[0], 1, &on_answers);
  napi_create_reference(env, args[1], 1, &on_numbers);
  napi_get_typedarray_info(env, args[2], NULL, NULL, (void **)&read_of, NULL, NULL);
  napi_get_uv_event_loop(env, &loop);
  answers_bell = calloc(1, uv_handle_size(HANDLE_ASYNC));
  numbers_bell = calloc(1, uv_handle_size(HANDLE_ASYNC));
  uv_async_init(loop, answers_bell, answer);
  uv_async_init(loop, numbers_bell, take_numbers);
  requests = eventfd(0, EFD_CLOEXEC);
  detached(serve);
  return NULL;
}

/* request(): asks for an answer. Only the first of some pays for a system call. */
static napi_value request(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
  const uint64_t one = 1;
  if (atomic_fetch_add(&requested, 1) == 0 && write(requests, &one, sizeof one) < 0) abort();
  return NULL;
}

/* numbers(count): has a thread make the numbers below `count`. One at a time. */
static napi_value numbers(napi_env env, napi_callback_info info) {
  napi_value arg;
  size_t given = 1;
  napi_get_cb_info(env, info, &given, &arg, NULL, NULL);
  napi_get_value_double(env, arg, &count_of_numbers);
  detached(make_numbers);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"start", NULL, start, NULL, NULL, NULL, napi_enumerable, NULL},
      {"request", NULL, request, NULL, NULL, NULL, napi_enumerable, NULL},
      {"numbers", NULL, numbers, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
