/* wharf: an async runtime behind a C interface.
 *
 * A host makes a runtime and opens a port; it submits tasks with a tag of its choosing, and each
 * accepted task is answered by exactly one terminal message with that tag at the port:
 *
 *   wharf_port_t port;
 *   wharf_message_t message;
 *   if (wharf_port_open(0, NULL, &port) != WHARF_OK) ...
 *   if (load_page(port, 7, "http://example.org/", NULL) != WHARF_OK) ...   (a library's function)
 *   if (wharf_port_recv(port, &message, WHARF_FOREVER) != WHARF_OK) ...
 *   ... message.tag is 7, message.kind is WHARF_KIND_OK or says what went wrong ...
 *   wharf_message_free(&message);
 *   wharf_port_close(port, WHARF_FOREVER);
 *
 * Every call answers at once with a status. A refused call has done nothing and posts nothing;
 * wharf_last_error_message has the reason, per thread. Ids are numbers, never pointers: one that
 * is stale, made up or another library's is a status, and so are NULL, broken UTF-8, and any call
 * from a forked child. All functions may be called from any thread unless they say otherwise, and
 * none in a signal handler.
 *
 * A function of the host's that wharf calls returns: an exception of C++'s that leaves it ends the
 * process, and neither longjmp nor pthread_exit may. Calls that it makes do not wait: one that would
 * is answered by WHARF_WOULD_BLOCK, a close by WHARF_DEFERRED, a shutdown by WHARF_TIMEOUT.
 *
 * A runtime's threads run until it has been shut down, also while the process ends. What the host's
 * functions use (static objects of C++'s, say) has to be there until then, or until their port has
 * been closed. Functions given to atexit, and destructors of a thread's own data, may call as others
 * do; the words of a refusal may be gone by then. Once a runtime was made, dlclose leaves the library
 * where it is.
 *
 * Made from the Rust source by `cargo xtask header`; not to be edited. MIT OR Apache-2.0.
 */


#ifndef WHARF_H
#define WHARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * As a time to wait: without end.
 */
#define WHARF_FOREVER (-1)

/**
 * The version of this interface: the major number in the upper 16 bits, the minor in the lower.
 * A program works with every library of the same major and of no lower minor number: functions and
 * numbers are added, none changes its meaning, and only structs that begin with a `size` grow.
 */
#define WHARF_ABI_VERSION 1

/**
 * When a port is full, a post is refused with WHARF_FULL, and streams wait.
 */
#define WHARF_FULL_REFUSE 0

/**
 * When a port is full, the oldest data message is dropped for a new one.
 */
#define WHARF_FULL_DROP_OLDEST 1

/**
 * When a port is full, the data messages with the tag of a new one are dropped for it.
 */
#define WHARF_FULL_KEEP_LATEST 2

/**
 * Messages go out as they are.
 */
#define WHARF_DART_ENVELOPED 0

/**
 * Results go out bare, as code written for other bridges expects.
 */
#define WHARF_DART_RAW 1

/**
 * Messages go out as they are, those that hold a number, a truth value or nothing as one number or as
 * typed data: the VM takes a small number in as it is, and copies three elements as bytes, where it
 * walks a list of four from value to value.
 */
#define WHARF_DART_COMPACT 2

/**
 * From a poll: not done yet.
 */
#define WHARF_PENDING INT32_MIN

/**
 * How many tasks of one port there may be at once.
 */
#define WHARF_TASKS_MAX 1048574

/**
 * How many ports there may be at once in one library.
 */
#define WHARF_PORTS_MAX 262144

/**
 * A message that more follow: an element of a stream, progress, a timer's beat, a host's post.
 */
#define WHARF_KIND_DATA 0

/**
 * The last message of a task: it has ended well; the value is its result.
 */
#define WHARF_KIND_OK 1

/**
 * The last message of a task: it has ended with an error. `code` is the error's; the value is an
 * array of strings: what failed, then what was behind that, and so on.
 */
#define WHARF_KIND_ERROR 2

/**
 * The last message of a task: it panicked. The value is an array with the panic's text.
 */
#define WHARF_KIND_PANIC 3

/**
 * The last message of a task: it was cancelled; what it held is free.
 */
#define WHARF_KIND_CANCELLED 4

/**
 * The last message of a task: its runtime was shut down before it had ended; what it held is
 * free.
 */
#define WHARF_KIND_SHUT_DOWN 5

/**
 * A message from the control queue, which overtakes the others.
 */
#define WHARF_KIND_CONTROL 6

/**
 * As a control message's value to a handler port: handle control messages only, until resumed.
 */
#define WHARF_CONTROL_PAUSE 1

/**
 * As a control message's value to a handler port: go on after a pause.
 */
#define WHARF_CONTROL_RESUME 2

/**
 * As the first of two values in a control message to a handler port; the second is a send port,
 * to which the null value is posted with the control message's tag.
 */
#define WHARF_CONTROL_PING 3

/**
 * As a control message's value to a handler port: close the port.
 */
#define WHARF_CONTROL_KILL 4

/**
 * How deep arrays may be nested in a value that is sent.
 */
#define WHARF_VALUE_MAX_DEPTH 64

/**
 * How many values one value that is sent may hold, itself included.
 */
#define WHARF_VALUE_MAX_COUNT 1048576

/**
 * How many bytes of strings and copied data one value that is sent may hold.
 */
#define WHARF_VALUE_MAX_BYTES 1073741824

/**
 * No value.
 */
#define WHARF_TYPE_NULL 0

/**
 * `as_bool`.
 */
#define WHARF_TYPE_BOOL 1

/**
 * `as_int32`.
 */
#define WHARF_TYPE_INT32 2

/**
 * `as_int64`.
 */
#define WHARF_TYPE_INT64 3

/**
 * `as_double`.
 */
#define WHARF_TYPE_DOUBLE 4

/**
 * `as_string`: UTF-8, ended by a NUL and with none inside.
 */
#define WHARF_TYPE_STRING 5

/**
 * `as_array`: pointers to values, none of them NULL.
 */
#define WHARF_TYPE_ARRAY 6

/**
 * `as_typed_data`: elements that belong to the value.
 */
#define WHARF_TYPE_TYPED_DATA 7

/**
 * `as_external_typed_data`: elements that belong to a peer, freed by its callback.
 */
#define WHARF_TYPE_EXTERNAL_TYPED_DATA 8

/**
 * `as_send_port`: a port that can be posted to.
 */
#define WHARF_TYPE_SEND_PORT 9

/**
 * `as_capability`: an unforgeable number of the Dart VM's.
 */
#define WHARF_TYPE_CAPABILITY 10

/**
 * `as_native_pointer`: a pointer with a finalizer.
 */
#define WHARF_TYPE_NATIVE_POINTER 11

/**
 * What the Dart VM could not send; never made by wharf and never accepted.
 */
#define WHARF_TYPE_UNSUPPORTED 12

/**
 * As `WHARF_TYPE_EXTERNAL_TYPED_DATA`, and the receiver may not write to it.
 */
#define WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA 13

/**
 * Bytes without an element type.
 */
#define WHARF_DATA_BYTES 0

/**
 * `int8_t`.
 */
#define WHARF_DATA_INT8 1

/**
 * `uint8_t`.
 */
#define WHARF_DATA_UINT8 2

/**
 * `uint8_t`, clamped when Dart writes to it.
 */
#define WHARF_DATA_UINT8_CLAMPED 3

/**
 * `int16_t`.
 */
#define WHARF_DATA_INT16 4

/**
 * `uint16_t`.
 */
#define WHARF_DATA_UINT16 5

/**
 * `int32_t`.
 */
#define WHARF_DATA_INT32 6

/**
 * `uint32_t`.
 */
#define WHARF_DATA_UINT32 7

/**
 * `int64_t`.
 */
#define WHARF_DATA_INT64 8

/**
 * `uint64_t`.
 */
#define WHARF_DATA_UINT64 9

/**
 * `float`.
 */
#define WHARF_DATA_FLOAT32 10

/**
 * `double`.
 */
#define WHARF_DATA_FLOAT64 11

/**
 * Four `int32_t` an element.
 */
#define WHARF_DATA_INT32X4 12

/**
 * Four `float` an element.
 */
#define WHARF_DATA_FLOAT32X4 13

/**
 * Two `double` an element.
 */
#define WHARF_DATA_FLOAT64X2 14

/**
 * What a call answers at once. A call that is not answered by `WHARF_OK` has done nothing and
 * will post nothing, unless its own page says otherwise.
 */
typedef int32_t wharf_status_t;

/**
 * Names a runtime. 0 names none, or the library's default runtime where a call says so.
 */
typedef uint64_t wharf_runtime_t;

/**
 * A port named in a value.
 */
typedef struct wharf_send_port_t {
  /**
   * The port: a `wharf_port_t`, or the Dart VM's number of a port of its own.
   */
  int64_t id;
  /**
   * The Dart VM's business: the isolate group that made the port. 0 for wharf's ports.
   */
  int64_t origin_id;
} wharf_send_port_t;

/**
 * A capability of the Dart VM's.
 */
typedef struct wharf_capability_t {
  /**
   * Its number.
   */
  int64_t id;
} wharf_capability_t;

/**
 * Values in a row.
 */
typedef struct wharf_array_t {
  /**
   * How many.
   */
  ptrdiff_t length;
  /**
   * Where their pointers are. May be NULL where `length` is 0.
   */
  struct wharf_value_t **values;
} wharf_array_t;

/**
 * Elements of one kind, copied with the value.
 */
typedef struct wharf_typed_data_t {
  /**
   * A `WHARF_DATA_...`.
   */
  int32_t element;
  /**
   * How many elements.
   */
  ptrdiff_t length;
  /**
   * Where they are. May be NULL where `length` is 0.
   */
  const uint8_t *values;
} wharf_typed_data_t;

/**
 * Frees what a peer stands for. It is called once, from any thread; the first argument is the
 * Dart VM's business and NULL everywhere else. It does not throw.
 */
typedef void (*wharf_finalizer_t)(void *isolate_callback_data, void *peer);

/**
 * Elements of one kind that are not copied.
 */
typedef struct wharf_external_typed_data_t {
  /**
   * A `WHARF_DATA_...`.
   */
  int32_t element;
  /**
   * How many elements.
   */
  ptrdiff_t length;
  /**
   * Where they are. May be NULL where `length` is 0.
   */
  uint8_t *data;
  /**
   * What the callback is called with.
   */
  void *peer;
  /**
   * Frees the elements; never NULL in a value that is posted, where no two arrays, nor one twice, point
   * to the same value of this type.
   */
  wharf_finalizer_t callback;
} wharf_external_typed_data_t;

/**
 * A pointer with a finalizer. In the Dart VM it arrives as a number and belongs to whoever receives
 * it: the callback is called only if it is never delivered.
 */
typedef struct wharf_native_pointer_t {
  /**
   * The pointer, which is what the callback is called with.
   */
  ptrdiff_t ptr;
  /**
   * How many bytes it stands for, for the Dart VM's garbage collector.
   */
  ptrdiff_t size;
  /**
   * Frees what it points to; never NULL in a value that is posted.
   */
  wharf_finalizer_t callback;
} wharf_native_pointer_t;

/**
 * What a value holds; its type says which member.
 */
typedef union wharf_payload_t {
  /**
   * `WHARF_TYPE_BOOL`.
   */
  bool as_bool;
  /**
   * `WHARF_TYPE_INT32`.
   */
  int32_t as_int32;
  /**
   * `WHARF_TYPE_INT64`.
   */
  int64_t as_int64;
  /**
   * `WHARF_TYPE_DOUBLE`.
   */
  double as_double;
  /**
   * `WHARF_TYPE_STRING`.
   */
  const char *as_string;
  /**
   * `WHARF_TYPE_SEND_PORT`.
   */
  struct wharf_send_port_t as_send_port;
  /**
   * `WHARF_TYPE_CAPABILITY`.
   */
  struct wharf_capability_t as_capability;
  /**
   * `WHARF_TYPE_ARRAY`.
   */
  struct wharf_array_t as_array;
  /**
   * `WHARF_TYPE_TYPED_DATA`.
   */
  struct wharf_typed_data_t as_typed_data;
  /**
   * `WHARF_TYPE_EXTERNAL_TYPED_DATA` and `WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA`.
   */
  struct wharf_external_typed_data_t as_external_typed_data;
  /**
   * `WHARF_TYPE_NATIVE_POINTER`.
   */
  struct wharf_native_pointer_t as_native_pointer;
} wharf_payload_t;

/**
 * A value: laid out as the Dart VM's `Dart_CObject`, to which a pointer to it can be cast.
 */
typedef struct wharf_value_t {
  /**
   * A `WHARF_TYPE_...`.
   */
  int32_t type;
  /**
   * The member that the type names.
   */
  union wharf_payload_t value;
} wharf_value_t;

/**
 * The Dart VM's `Dart_PostCObject`.
 */
typedef bool (*wharf_dart_post_t)(int64_t port, struct wharf_value_t *message);

/**
 * How a port is opened. Set `size` to `sizeof(wharf_port_options_t)` and all else to 0; then
 * change what should not be the default.
 */
typedef struct wharf_port_options_t {
  /**
   * Bytes of this struct.
   */
  size_t size;
  /**
   * How many data messages may wait in the port; control messages have as many places of their
   * own, and terminal messages always have theirs. 0: as many as there is memory for.
   */
  size_t capacity;
  /**
   * A `WHARF_FULL_...`: what becomes of a data message when the port is full.
   */
  uint32_t when_full;
  /**
   * Not 0: data messages also need credit, which `wharf_port_grant` gives; there is none at
   * first.
   */
  uint32_t needs_credit;
  /**
   * How many tasks may run for the port at once. 0: WHARF_TASKS_MAX.
   */
  size_t max_tasks;
  /**
   * A number of the host's own for all that one generation of it opens, so that the next can
   * close it with `wharf_group_close`. 0: nobody's.
   */
  uint64_t group;
} wharf_port_options_t;

/**
 * Names a port. 0 names none.
 */
typedef uint64_t wharf_port_t;

/**
 * Names a task. 0 names none.
 */
typedef uint64_t wharf_task_t;

/**
 * A message. What its value points to belongs to whoever received it, until
 * `wharf_message_free`.
 */
typedef struct wharf_message_t {
  /**
   * The number that the host chose when it submitted the task or posted the message.
   */
  uint64_t tag;
  /**
   * The task that sent it; 0 where a host posted it.
   */
  wharf_task_t task;
  /**
   * A `WHARF_KIND_...`.
   */
  int32_t kind;
  /**
   * With `WHARF_KIND_ERROR` the error's code: above 0 the library's own, below 0 a status of
   * wharf's with the sign turned. 0 with all other kinds.
   */
  int32_t code;
  /**
   * What it carries.
   */
  struct wharf_value_t value;
} wharf_message_t;

/**
 * Called when messages have come into an empty port. It says so to the host's own loop and
 * returns; it does not receive, and does not throw.
 */
typedef void (*wharf_notify_t)(void *context, wharf_port_t port);

/**
 * Handles one message. The message is the port's and freed after the call; external data may be
 * taken out of it as the page of `wharf_message_free` says, or all of it: copy the struct, set the
 * type of `message->value` to WHARF_TYPE_NULL, and free the copy later. It does not throw.
 */
typedef void (*wharf_handler_t)(void *context, wharf_port_t port, struct wharf_message_t *message);

/**
 * What has gone through a port. Set `size` before asking.
 */
typedef struct wharf_port_stats_t {
  /**
   * Bytes of this struct, set by the caller.
   */
  size_t size;
  /**
   * Messages that wait in it now.
   */
  uint64_t waiting;
  /**
   * Tasks that have not sent their terminal message.
   */
  uint64_t tasks;
  /**
   * Messages that were put into its queue.
   */
  uint64_t posted;
  /**
   * Data messages that were dropped for newer ones.
   */
  uint64_t dropped;
  /**
   * Messages that were refused because it was full.
   */
  uint64_t refused;
} wharf_port_stats_t;

/**
 * Called on a runtime's own thread, as it starts or ends. It does not throw, and waits for nothing that
 * needs a thread of the runtime.
 */
typedef void (*wharf_thread_hook_t)(void *context);

/**
 * How a runtime is made. Set `size` to `sizeof(wharf_runtime_options_t)` and all else to 0; then
 * change what should not be the default. Later versions add members at the end, whose 0 is what was
 * before them.
 */
typedef struct wharf_runtime_options_t {
  /**
   * Bytes of this struct.
   */
  size_t size;
  /**
   * Threads that run tasks. 0: as many as there are processors.
   */
  uint32_t worker_threads;
  /**
   * Threads that run functions which block, at most. 0: 512.
   */
  uint32_t max_blocking_threads;
  /**
   * Bytes of each thread's stack. 0: 2 MiB.
   */
  size_t thread_stack_size;
  /**
   * The threads' name, UTF-8, copied. NULL: "wharf".
   */
  const char *thread_name;
  /**
   * For how many nanoseconds a worker that has run out of work looks out for more before it sleeps;
   * more than 1,000,000 count as that. 0: it sleeps at once. Waking a thread takes 5 to 50 µs: 20,000 to
   * 100,000 here spare most of that where one small task follows the answer of the last, and cost
   * processor time.
   */
  uint64_t spin_before_park_ns;
  /**
   * After how many nanoseconds without work a thread of those that run functions which block ends.
   * 0: ten seconds.
   */
  uint64_t thread_keep_alive_ns;
  /**
   * Called with `hook_context` on each thread that runs tasks or functions, before its first: to attach
   * it to a virtual machine, or to set its priority. May be NULL. It is not called on the thread that
   * has a handler handle what its port is left with when the runtime ends.
   */
  wharf_thread_hook_t on_thread_start;
  /**
   * The same, after its last and before it ends. May be NULL.
   */
  wharf_thread_hook_t on_thread_stop;
  /**
   * What the hooks are called with. It has to stay valid until `wharf_runtime_shutdown` has been
   * answered by WHARF_OK, which waits for the hooks.
   */
  void *hook_context;
} wharf_runtime_options_t;

/**
 * Work for the blocking pool. 0: done, and `result`, the null value at first, is the task's
 * result. Anything else: failed, with this code, and a string in `result` says why. What `result`
 * points to stays the function's; it is copied before `wharf_drop_t` is called. It does not throw.
 */
typedef int32_t (*wharf_function_t)(void *context, wharf_task_t task, struct wharf_value_t *result);

/**
 * The last call with a context: nothing will use it any more. It comes once, from any thread,
 * before the task's terminal message. May be NULL. It does not throw.
 */
typedef void (*wharf_drop_t)(void *context);

/**
 * A step of a host-made future. WHARF_PENDING: not done yet; `wharf_task_wake` with this task's id
 * has it called again. All else as with `wharf_function_t`. It does not throw.
 */
typedef int32_t (*wharf_poll_t)(void *context, wharf_task_t task, struct wharf_value_t *result);

/**
 * Done, or accepted.
 */
#define WHARF_OK 0

/**
 * The time given was up before it was done. Ask again.
 */
#define WHARF_TIMEOUT 1

/**
 * There is no message just now.
 */
#define WHARF_EMPTY 2

/**
 * The port holds as many messages as it may, and its policy is to refuse more.
 */
#define WHARF_FULL 3

/**
 * Accepted, and takes effect when the host function that made the call returns: it was made
 * from inside one, where waiting for that function would be waiting for itself.
 */
#define WHARF_DEFERRED 4

/**
 * A pointer that is needed is NULL.
 */
#define WHARF_NULL 10

/**
 * A length, a count, a time or a limit is out of range.
 */
#define WHARF_OUT_OF_RANGE 11

/**
 * A string is not UTF-8.
 */
#define WHARF_NOT_UTF8 12

/**
 * A value can't be sent: its type, depth, size or content is wrong.
 */
#define WHARF_BAD_VALUE 13

/**
 * An option struct has a wrong size or a member that makes no sense.
 */
#define WHARF_BAD_OPTION 14

/**
 * There is no such runtime: never made, already freed, or another library's.
 */
#define WHARF_NO_RUNTIME 20

/**
 * There is no such port: never opened, already closed, or another library's.
 */
#define WHARF_NO_PORT 21

/**
 * There is no such task: never submitted, already ended, or another library's.
 */
#define WHARF_NO_TASK 22

/**
 * The runtime has been shut down.
 */
#define WHARF_SHUT_DOWN 30

/**
 * The call does not apply to what this id names, or not now.
 */
#define WHARF_WRONG_STATE 31

/**
 * The call would block a thread of wharf's: a host function that runs there may not wait.
 */
#define WHARF_WOULD_BLOCK 32

/**
 * The process was forked after wharf had been loaded: nothing of wharf works in the child.
 */
#define WHARF_FORKED 33

/**
 * As many as there may be at once are there already.
 */
#define WHARF_LIMIT 40

/**
 * There is no memory.
 */
#define WHARF_NO_MEMORY 41

/**
 * The operating system refused; the message says what and why.
 */
#define WHARF_SYSTEM 42

/**
 * A panic was stopped at the border; the message is the panic's.
 */
#define WHARF_PANICKED 50

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * Opens a port whose messages go to a port of the Dart VM's (`SendPort.nativePort`), through the
 * VM's `Dart_PostCObject` (`NativeApi.postCObject`), on the threads that send them.
 *
 * `mode` is WHARF_DART_ENVELOPED: each message is the list `[tag, kind, code, value]`;
 * WHARF_DART_RAW: data and results are sent bare, all else as the list `[kind, code, value]`; or
 * WHARF_DART_COMPACT: as WHARF_DART_ENVELOPED, but data and results with a number, a bool or null come
 * in what costs the VM less. With a tag below 8,192 that is one integer: from bit 14 up 0 for null, 1
 * for false, 2 for true, a whole number itself below 0 and three higher from 0 on; in the bits 1 to 13
 * the tag; in bit 0 the kind. Else, and where the whole does not go into 64 bits, a number comes as the
 * `Int64List`, or a double as the `Float64List`, `[tag, kind, value]`. (A double whose tag is above 2^53
 * comes in a list, and so do the others where they don't go into one integer, or where
 * `wharf_dart_initialize` has not been called.)
 *
 * `post` may be NULL where one has been stored with `store_dart_post_cobject`. `options` may be
 * NULL; of it, `max_tasks`, `needs_credit` and `group` apply.
 *
 * It belongs to the caller, who closes it. If the VM refuses a message, the port is gone: it is
 * closed, and its tasks are cancelled.
 *
 * Errors: WHARF_NULL, WHARF_OUT_OF_RANGE (0 is no Dart port), WHARF_BAD_OPTION, WHARF_NO_RUNTIME,
 * WHARF_SHUT_DOWN, WHARF_LIMIT.
 *
 * Pointers:
 * `post` is NULL or the VM's function, which outlives the port. `options` is NULL or begins with
 * its size and has as many bytes; `out` is NULL or can be written to.
 */
wharf_status_t wharf_port_dart(wharf_runtime_t runtime,
                               int64_t dart_port,
                               wharf_dart_post_t post,
                               uint32_t mode,
                               const struct wharf_port_options_t *options,
                               wharf_port_t *out);

/**
 * Stores the Dart VM's `Dart_PostCObject` for ports that are opened without one. NULL does
 * nothing. The name is the one that Dart code written for other bridges calls.
 *
 * Pointers:
 * `post` is NULL or the VM's function, which outlives all ports opened with it.
 */
void store_dart_post_cobject(wharf_dart_post_t post);

/**
 * Stores what the Dart VM's table of functions has for posting (`NativeApi.initializeApiDLData`),
 * for ports that are opened without a post function. With it, integers that are sent bare travel
 * at about twice the rate.
 *
 * Errors: WHARF_NULL, WHARF_BAD_VALUE (a table of a version that is not known).
 *
 * Pointers:
 * `table` is NULL or the VM's table, which outlives all ports opened with it.
 */
wharf_status_t wharf_dart_initialize(const void *table);

/**
 * The version of the interface that the loaded library has; see WHARF_ABI_VERSION.
 *
 * Never fails; may be called in a forked child.
 */
uint32_t wharf_abi_version(void);

/**
 * The library's version, as text. It stays valid for ever.
 *
 * Never fails; may be called in a forked child.
 */
const char *wharf_version(void);

/**
 * A few words for a status; NULL for a number that is none. They stay valid for ever.
 *
 * Never fails; may be called in a forked child.
 */
const char *wharf_status_text(wharf_status_t status);

/**
 * The status of the last call on this thread that was refused; WHARF_OK if none was.
 *
 * A call that is answered by WHARF_OK leaves the last error as it is.
 */
wharf_status_t wharf_last_error_code(void);

/**
 * How many bytes the text of this thread's last error has, without a NUL; 0 if there is none.
 */
size_t wharf_last_error_length(void);

/**
 * Writes the text of this thread's last error (what was tried, what was wrong) to `buffer`, as
 * UTF-8 with a NUL at its end, cut to what fits into `capacity` bytes but never inside a
 * character.
 *
 * Returns how many bytes were written, without the NUL; 0 if there is no error, no room, or
 * `buffer` is NULL.
 *
 * Pointers:
 * `buffer` is NULL or has room for `capacity` bytes.
 */
size_t wharf_last_error_message(char *buffer, size_t capacity);

/**
 * Makes a pointer that owns a port or a runtime, for hosts that give up resources through a
 * function that takes a pointer (Dart's NativeFinalizer, Python's capsules, Node's externals).
 *
 * The pointer is good for `wharf_owner_drop`, once, and nothing else. The id may be used as
 * before, and what it names may be closed or shut down by hand: the owner then owns nothing.
 *
 * Returns NULL for an id that names neither; the last error says so.
 */
void *wharf_owner_new(uint64_t id);

/**
 * Gives up what an owner owns, and frees the owner: closes the port, which cancels its tasks; or
 * shuts the runtime down and frees it. NULL does nothing.
 *
 * Never waits and never posts, so that it may be called from a finalizer, in the middle of a
 * garbage collection: what takes time goes on on a thread of its own.
 *
 * Pointers:
 * `owner` is NULL or comes from `wharf_owner_new`, and is not used again.
 */
void wharf_owner_drop(void *owner);

/**
 * Opens a port with a queue that the host drains: with the `wharf_port_recv...` functions, and
 * with `wharf_port_descriptor` in a loop of its own.
 *
 * It belongs to `runtime` (0: the library's default one), on which the tasks run that are
 * submitted with it, and to the caller, who closes it. `options` may be NULL for the defaults; it
 * is read during the call only.
 *
 * Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NO_RUNTIME, WHARF_SHUT_DOWN, WHARF_LIMIT.
 *
 * Pointers:
 * `options` is NULL or begins with its size and has as many bytes; `out` is NULL or can be
 * written to.
 */
wharf_status_t wharf_port_open(wharf_runtime_t runtime,
                               const struct wharf_port_options_t *options,
                               wharf_port_t *out);

/**
 * Takes the next message out of a port: control messages first, each kind in the order posted.
 * Waits for one for at most `timeout_ns` nanoseconds; 0 only looks, WHARF_FOREVER has no limit.
 *
 * The message belongs to the caller, who passes it to `wharf_message_free`. It is only written
 * when the answer is WHARF_OK.
 *
 * Errors: WHARF_TIMEOUT (WHARF_EMPTY if `timeout_ns` is 0), WHARF_SHUT_DOWN (it would wait in vain: the
 * runtime has been shut down, and what was in the port and the ends of all its tasks have been taken
 * out), WHARF_NO_PORT (also when the port is closed meanwhile), WHARF_NULL, WHARF_OUT_OF_RANGE,
 * WHARF_WRONG_STATE (the port has no queue; one with a handler can be drained once its runtime has been
 * shut down), WHARF_WOULD_BLOCK.
 *
 * Pointers:
 * `out` is NULL or can be written to.
 */
wharf_status_t wharf_port_recv(wharf_port_t port,
                               struct wharf_message_t *out,
                               int64_t timeout_ns);

/**
 * As `wharf_port_recv`, without waiting: WHARF_EMPTY if there is no message.
 *
 * Pointers:
 * `out` is NULL or can be written to.
 */
wharf_status_t wharf_port_try_recv(wharf_port_t port, struct wharf_message_t *out);

/**
 * Takes up to `capacity` messages out of a port at once, writes them to `out` and how many they
 * are to `count`. Waits as `wharf_port_recv` does until there is at least one, and no longer.
 *
 * The messages belong to the caller; `wharf_messages_free` frees them together. Unless the answer
 * is WHARF_OK, `count` is 0.
 *
 * Errors: as `wharf_port_recv`; WHARF_OUT_OF_RANGE also for a `capacity` of 0.
 *
 * Pointers:
 * `out` is NULL or has room for `capacity` messages; `count` is NULL or can be written to.
 */
wharf_status_t wharf_port_recv_batch(wharf_port_t port,
                                     struct wharf_message_t *out,
                                     size_t capacity,
                                     size_t *count,
                                     int64_t timeout_ns);

/**
 * A descriptor for the host's own loop (poll, epoll, select): readable while the port is not
 * empty. Only wait on it: taking the messages out is what clears it. It can be readable once too
 * often; then a receive finds nothing.
 *
 * It belongs to the port, which closes it when it is closed; ask again for it as often as you
 * like. A host that wants to keep it longer duplicates it.
 *
 * Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_WRONG_STATE (the port has no queue), WHARF_SYSTEM (no
 * descriptor is to be had).
 *
 * Pointers:
 * `out` is NULL or can be written to.
 */
wharf_status_t wharf_port_descriptor(wharf_port_t port, int *out);

/**
 * Has `function` called with `context` and the port whenever messages come into it while it is
 * empty, for a host whose own loop takes work from other threads: the function tells that loop,
 * which then receives until there is nothing left. Instead of a descriptor, and once for a port.
 *
 * It is called on the thread that posts, which may be any, and for messages that wait already
 * during this call. It must return soon, must not throw, and receives nothing itself. After
 * `wharf_port_close` has been answered by WHARF_OK it is not called any more.
 *
 * Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_WRONG_STATE (the port has no queue, or a descriptor or
 * function already).
 *
 * Pointers:
 * `function` is NULL or can be called with `context` from any thread until the port is closed.
 */
wharf_status_t wharf_port_notify(wharf_port_t port, wharf_notify_t function, void *context);

/**
 * Opens a port whose messages are handled by a function of the host's, which runs on the
 * runtime's threads: one message at a time, control messages first, each kind in the order posted.
 *
 * The handler may post, submit, and close this port or another, which then takes effect when it
 * returns; it must not wait for something that needs a thread of the runtime. Control messages
 * with a WHARF_CONTROL_... are obeyed by the port itself; all others come to the handler.
 *
 * What is in the port when its runtime is shut down is handled before that call is answered by
 * WHARF_OK. Where the handler has been paused, or no thread is to be had for it, that stays in the
 * port, and the handler is not called for it any more: once the shutdown has been answered by
 * WHARF_OK, the `wharf_port_recv...` functions take it out.
 *
 * It belongs to the caller, who closes it. After that has been answered by WHARF_OK, the handler
 * is not called any more. `options` may be NULL for the defaults; it is read during the call only.
 *
 * Errors: as `wharf_port_open`.
 *
 * Pointers:
 * `handler` is NULL or can be called with `context` from any thread until the port is closed.
 * `options` is NULL or begins with its size and has as many bytes; `out` is NULL or can be
 * written to.
 */
wharf_status_t wharf_port_serve(wharf_runtime_t runtime,
                                wharf_handler_t handler,
                                void *context,
                                const struct wharf_port_options_t *options,
                                wharf_port_t *out);

/**
 * Closes all ports that were opened with this group, as `wharf_port_close` does, so that a host's
 * new generation (a restarted isolate, a reloaded script) ends what the last one left.
 *
 * Errors: WHARF_TIMEOUT (all are closed, but something still runs for one; the call can be
 * repeated), WHARF_OUT_OF_RANGE (also for a group of 0).
 */
wharf_status_t wharf_group_close(uint64_t group, int64_t timeout_ns);

/**
 * Posts a value to a port, as a message of kind WHARF_KIND_DATA with this tag.
 *
 * The value is copied, but for the bytes of external data: these belong to the port from the
 * moment that the answer is WHARF_OK, and their callback will be called, once; with any other
 * answer they stay the caller's, and it is not called. NULL stands for the null value.
 *
 * Errors: WHARF_FULL (by the port's policy, or without credit), WHARF_BAD_VALUE, WHARF_NO_PORT,
 * WHARF_SHUT_DOWN, WHARF_NO_MEMORY.
 *
 * Pointers:
 * `value` is NULL or a value whose pointers are what their types and lengths say.
 */
wharf_status_t wharf_post(wharf_port_t port, uint64_t tag, const struct wharf_value_t *value);

/**
 * As `wharf_post`, as a message of kind WHARF_KIND_CONTROL, which overtakes all messages of
 * other kinds that wait in a queue of wharf's. The Dart VM's own ports have no such door: there
 * it is a message like others.
 *
 * Pointers:
 * `value` is NULL or a value whose pointers are what their types and lengths say.
 */
wharf_status_t wharf_post_control(wharf_port_t port,
                                  uint64_t tag,
                                  const struct wharf_value_t *value);

/**
 * Lets `messages` more data messages be posted to a port. From the first call on, the port counts
 * credit: without any left, posts are refused and streams wait.
 *
 * Errors: WHARF_NO_PORT, WHARF_SHUT_DOWN.
 */
wharf_status_t wharf_port_grant(wharf_port_t port, uint64_t messages);

/**
 * Reads a port's counters. As many bytes are written as `stats->size` says and the library knows.
 *
 * Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NO_PORT.
 *
 * Pointers:
 * `stats` is NULL or begins with its size and has as many bytes, which can be written to.
 */
wharf_status_t wharf_port_stats(wharf_port_t port, struct wharf_port_stats_t *stats);

/**
 * Closes a port: cancels its tasks, frees its messages, and waits until no code of the host's
 * runs for it; then its id names nothing, and its descriptor is closed.
 *
 * Tasks that have not ended send nothing any more. Once this has been answered by WHARF_OK, no
 * code of the host's is called for the port. In a function of the host's that wharf has called,
 * the answer is WHARF_DEFERRED: the port is closed at once, nothing new is begun for it, and
 * what runs ends when the functions return. Closing it again from elsewhere waits for that: the
 * answer is WHARF_OK, or WHARF_NO_PORT if it was so already.
 *
 * Waits for at most `timeout_ns` nanoseconds; WHARF_FOREVER has no limit.
 *
 * Errors: WHARF_TIMEOUT: the port is closed, but host code that runs for it has not returned;
 * the call can be repeated. WHARF_NO_PORT, WHARF_OUT_OF_RANGE.
 */
wharf_status_t wharf_port_close(wharf_port_t port, int64_t timeout_ns);

/**
 * Makes a runtime: the threads that tasks run on. They start when they are first needed.
 *
 * `options` may be NULL for the defaults; it is read during the call only. The runtime belongs to
 * the caller, who shuts it down and then frees it.
 *
 * Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NOT_UTF8, WHARF_LIMIT, WHARF_SYSTEM.
 *
 * Pointers:
 * `options` is NULL or begins with its size and has as many bytes, and its hooks are NULL or can be
 * called with its context from any thread; `out` is NULL or can be written to.
 */
wharf_status_t wharf_runtime_new(const struct wharf_runtime_options_t *options,
                                 wharf_runtime_t *out);

/**
 * The library's default runtime, made where there is none yet. A 0 for a runtime means the same.
 *
 * It can be shut down and freed like any other, and is made anew when it is asked for after that.
 *
 * Errors: WHARF_NULL, WHARF_SYSTEM.
 *
 * Pointers:
 * `out` is NULL or can be written to.
 */
wharf_status_t wharf_runtime_default(wharf_runtime_t *out);

/**
 * Shuts a runtime down: refuses what is submitted or opened from now on, cancels all tasks, waits
 * until they are gone and the threads have ended.
 *
 * Each task that had been accepted sends its one terminal message, WHARF_KIND_SHUT_DOWN if it was
 * not over. The ports stay, so that these can be received. Once this has been answered by
 * WHARF_OK, no code of the host's is called for the runtime any more. A call for one that has
 * been shut down already does nothing and is answered by WHARF_OK.
 *
 * Waits for at most `timeout_ns` nanoseconds; WHARF_FOREVER has no limit.
 *
 * Errors: WHARF_TIMEOUT: something has not returned; the runtime goes on shutting down, and the
 * call can be repeated; also in a host function that wharf has called, which can't wait for
 * itself. WHARF_NO_RUNTIME, WHARF_OUT_OF_RANGE.
 */
wharf_status_t wharf_runtime_shutdown(wharf_runtime_t runtime, int64_t timeout_ns);

/**
 * Frees a runtime that has been shut down, and closes its ports; messages still in them are
 * freed. Its id names nothing afterwards.
 *
 * Errors: WHARF_WRONG_STATE (it has not been shut down), WHARF_NO_RUNTIME.
 */
wharf_status_t wharf_runtime_free(wharf_runtime_t runtime);

/**
 * Has `function` called once with `context`, on a thread where it may block. Its result arrives at
 * the port as the task's terminal message.
 *
 * From WHARF_OK on, `context` belongs to the task, which calls `drop` when it is done with it, also
 * where the task was cancelled before it began. Once it runs, a cancel only makes
 * `wharf_task_is_cancelled` true. `task` receives the task's id, if it is not NULL.
 *
 * Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY; `context` stays
 * the caller's then.
 *
 * Pointers:
 * `function` and `drop` are NULL or can be called with `context` from any thread; `task` is NULL or
 * can be written to.
 */
wharf_status_t wharf_spawn_fn(wharf_port_t port,
                              uint64_t tag,
                              wharf_function_t function,
                              void *context,
                              wharf_drop_t drop,
                              wharf_task_t *task);

/**
 * Has `poll` called with `context` on the runtime's threads, as a future is: at once, and again
 * whenever `wharf_task_wake` has been called, until it says that it is done.
 *
 * From WHARF_OK on, `context` belongs to the task, which calls `drop` when it is done with it: at
 * the end, or when it is cancelled. `task` receives the task's id, if it is not NULL.
 *
 * Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY; `context` stays
 * the caller's then.
 *
 * Pointers:
 * `poll` and `drop` are NULL or can be called with `context` from any thread; `task` is NULL or can
 * be written to.
 */
wharf_status_t wharf_spawn_poll(wharf_port_t port,
                                uint64_t tag,
                                wharf_poll_t poll,
                                void *context,
                                wharf_drop_t drop,
                                wharf_task_t *task);

/**
 * Has a task of `wharf_spawn_poll` polled again. From any thread; a wake during a poll counts. An
 * id needs no counting of references: that of a task that has ended is a status.
 *
 * Errors: WHARF_NO_TASK.
 */
wharf_status_t wharf_task_wake(wharf_task_t task);

/**
 * Whether the end of a task has been asked for, or its port closed; true also for an id that names
 * no task. For functions on the blocking pool, which have to look for themselves.
 */
bool wharf_task_is_cancelled(wharf_task_t task);

/**
 * Sends one message, WHARF_KIND_OK with the null value, after `delay_ns` nanoseconds; never early.
 * Delays of 0 are answered at once, in the order of the calls.
 *
 * It is a task: it can be cancelled. `task` receives its id, if it is not NULL.
 *
 * Errors: WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY.
 *
 * Pointers:
 * `task` is NULL or can be written to.
 */
wharf_status_t wharf_timer_after(wharf_port_t port,
                                 uint64_t tag,
                                 uint64_t delay_ns,
                                 wharf_task_t *task);

/**
 * Sends a message every `period_ns` nanoseconds, the first after one period: of kind
 * WHARF_KIND_DATA, with the number of the beat, which counts from 1. Beats that the port does not
 * take (it is full), or that are late by a whole period, are left out, and their numbers with them. A
 * port without a `capacity` takes all, also from a host that does not come for them.
 *
 * It is a task without an end of its own: it is to be cancelled. `task` receives its id, if it is
 * not NULL.
 *
 * Errors: WHARF_OUT_OF_RANGE (a period of 0), WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT,
 * WHARF_NO_MEMORY.
 *
 * Pointers:
 * `task` is NULL or can be written to.
 */
wharf_status_t wharf_timer_every(wharf_port_t port,
                                 uint64_t tag,
                                 uint64_t period_ns,
                                 wharf_task_t *task);

/**
 * Asks for a task to end. The answer says only that this has been asked: the task's terminal
 * message follows, WHARF_KIND_CANCELLED once its future has been dropped and what it held is
 * free, or whatever it had come to before. Asking twice is as good as once.
 *
 * Errors: WHARF_NO_TASK: it has sent its terminal message already, or never was.
 */
wharf_status_t wharf_task_cancel(wharf_task_t task);

/**
 * Makes a task wait: it is not polled again until `wharf_task_resume`. What it waits for may
 * happen meanwhile. It can be cancelled. A function on the blocking pool does not notice.
 *
 * Errors: WHARF_NO_TASK.
 */
wharf_status_t wharf_task_pause(wharf_task_t task);

/**
 * Lets a task go on after `wharf_task_pause`.
 *
 * Errors: WHARF_NO_TASK.
 */
wharf_status_t wharf_task_resume(wharf_task_t task);

/**
 * Frees what a received message's value holds, and leaves the null value in its place, so that
 * freeing it again does nothing. The struct itself is the caller's.
 *
 * External data may be taken out of a message before: note its `data`, `peer` and `callback`, set
 * the type of that value to WHARF_TYPE_NULL, and call the callback when the bytes are done with.
 * Nothing else in a received value may be changed.
 *
 * Errors: WHARF_NULL.
 *
 * Pointers:
 * `message` is NULL or was received from a port and changed no more than that.
 */
wharf_status_t wharf_message_free(struct wharf_message_t *message);

/**
 * As `wharf_message_free`, for `count` messages in a row.
 *
 * Errors: WHARF_NULL, WHARF_OUT_OF_RANGE.
 *
 * Pointers:
 * `messages` is NULL or `count` messages as `wharf_message_free` takes them.
 */
wharf_status_t wharf_messages_free(struct wharf_message_t *messages, size_t count);

/**
 * The text that a message carries: a string, or the first string of an array, which is where an
 * error's and a panic's message stands. NULL if it carries none. It belongs to the message.
 *
 * Pointers:
 * `message` is NULL or was received from a port and not freed.
 */
const char *wharf_message_text(const struct wharf_message_t *message);

/**
 * Checks a value and copies it to `out`. The copy belongs to the caller, who passes it to
 * `wharf_value_free`; what was copied stays the caller's as well. The bytes of external data are
 * copied, too, and become typed data.
 *
 * Errors: WHARF_NULL, WHARF_BAD_VALUE, WHARF_NO_MEMORY.
 *
 * Pointers:
 * `value` is NULL or a value whose pointers are what their types and lengths say; `out` is NULL
 * or can be written to.
 */
wharf_status_t wharf_value_copy(const struct wharf_value_t *value, struct wharf_value_t *out);

/**
 * Frees what a value from `wharf_value_copy` holds, and leaves the null value in its place.
 *
 * Errors: WHARF_NULL.
 *
 * Pointers:
 * `value` is NULL or was made by `wharf_value_copy`.
 */
wharf_status_t wharf_value_free(struct wharf_value_t *value);

/**
 * A finalizer for external data of hosts whose own functions can't be called on any thread (Python,
 * Node): `peer` is a `uint32_t` of the host's, and becomes 1. The host looks at it when it has the
 * time, and may free the bytes once it has seen the 1. By the time that a task's terminal message is
 * received, the flags of all data that the task was given, and has let go of, are up.
 *
 * Never fails. `peer` may be NULL; the first argument means nothing.
 *
 * Pointers:
 * `peer` is NULL or a `uint32_t` that is there until it is 1, and is looked at as C11's
 * `memory_order_acquire` does.
 */
void wharf_finalizer_flag(void *_isolate_callback_data,
                          void *peer);

#ifdef __cplusplus
}  // extern "C"
#endif /* __cplusplus */

#endif /* WHARF_H */
