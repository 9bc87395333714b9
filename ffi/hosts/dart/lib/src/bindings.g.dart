// Made from ffi/include/wharf.h by `cargo xtask dart bindings`; not to be edited.

// ignore_for_file: constant_identifier_names, lines_longer_than_80_chars

import 'dart:ffi';

/// As a time to wait: without end.
const int wharfForever = -1;

/// The version of this interface: the major number in the upper 16 bits, the minor in the lower.
/// A program works with every library of the same major and of no lower minor number: functions and
/// numbers are added, none changes its meaning, and only structs that begin with a `size` grow.
const int wharfAbiVersion = 1;

/// When a port is full, a post is refused with WHARF_FULL, and streams wait.
const int wharfFullRefuse = 0;

/// When a port is full, the oldest data message is dropped for a new one.
const int wharfFullDropOldest = 1;

/// When a port is full, the data messages with the tag of a new one are dropped for it.
const int wharfFullKeepLatest = 2;

/// Messages go out as they are.
const int wharfDartEnveloped = 0;

/// Results go out bare, as code written for other bridges expects.
const int wharfDartRaw = 1;

/// Messages go out as they are, those that hold a number, a truth value or nothing as one number or as
/// typed data: the VM takes a small number in as it is, and copies three elements as bytes, where it
/// walks a list of four from value to value.
const int wharfDartCompact = 2;

/// How many tasks of one port there may be at once.
const int wharfTasksMax = 1048574;

/// How many ports there may be at once in one library.
const int wharfPortsMax = 262144;

/// A message that more follow: an element of a stream, progress, a timer's beat, a host's post.
const int wharfKindData = 0;

/// The last message of a task: it has ended well; the value is its result.
const int wharfKindOk = 1;

/// The last message of a task: it has ended with an error. `code` is the error's; the value is an
/// array of strings: what failed, then what was behind that, and so on.
const int wharfKindError = 2;

/// The last message of a task: it panicked. The value is an array with the panic's text.
const int wharfKindPanic = 3;

/// The last message of a task: it was cancelled; what it held is free.
const int wharfKindCancelled = 4;

/// The last message of a task: its runtime was shut down before it had ended; what it held is
/// free.
const int wharfKindShutDown = 5;

/// A message from the control queue, which overtakes the others.
const int wharfKindControl = 6;

/// As a control message's value to a handler port: handle control messages only, until resumed.
const int wharfControlPause = 1;

/// As a control message's value to a handler port: go on after a pause.
const int wharfControlResume = 2;

/// As the first of two values in a control message to a handler port; the second is a send port,
/// to which the null value is posted with the control message's tag.
const int wharfControlPing = 3;

/// As a control message's value to a handler port: close the port.
const int wharfControlKill = 4;

/// How deep arrays may be nested in a value that is sent.
const int wharfValueMaxDepth = 64;

/// How many values one value that is sent may hold, itself included.
const int wharfValueMaxCount = 1048576;

/// How many bytes of strings and copied data one value that is sent may hold.
const int wharfValueMaxBytes = 1073741824;

/// No value.
const int wharfTypeNull = 0;

/// `as_bool`.
const int wharfTypeBool = 1;

/// `as_int32`.
const int wharfTypeInt32 = 2;

/// `as_int64`.
const int wharfTypeInt64 = 3;

/// `as_double`.
const int wharfTypeDouble = 4;

/// `as_string`: UTF-8, ended by a NUL and with none inside.
const int wharfTypeString = 5;

/// `as_array`: pointers to values, none of them NULL.
const int wharfTypeArray = 6;

/// `as_typed_data`: elements that belong to the value.
const int wharfTypeTypedData = 7;

/// `as_external_typed_data`: elements that belong to a peer, freed by its callback.
const int wharfTypeExternalTypedData = 8;

/// `as_send_port`: a port that can be posted to.
const int wharfTypeSendPort = 9;

/// `as_capability`: an unforgeable number of the Dart VM's.
const int wharfTypeCapability = 10;

/// `as_native_pointer`: a pointer with a finalizer.
const int wharfTypeNativePointer = 11;

/// What the Dart VM could not send; never made by wharf and never accepted.
const int wharfTypeUnsupported = 12;

/// As `WHARF_TYPE_EXTERNAL_TYPED_DATA`, and the receiver may not write to it.
const int wharfTypeUnmodifiableExternalTypedData = 13;

/// Bytes without an element type.
const int wharfDataBytes = 0;

/// `int8_t`.
const int wharfDataInt8 = 1;

/// `uint8_t`.
const int wharfDataUint8 = 2;

/// `uint8_t`, clamped when Dart writes to it.
const int wharfDataUint8Clamped = 3;

/// `int16_t`.
const int wharfDataInt16 = 4;

/// `uint16_t`.
const int wharfDataUint16 = 5;

/// `int32_t`.
const int wharfDataInt32 = 6;

/// `uint32_t`.
const int wharfDataUint32 = 7;

/// `int64_t`.
const int wharfDataInt64 = 8;

/// `uint64_t`.
const int wharfDataUint64 = 9;

/// `float`.
const int wharfDataFloat32 = 10;

/// `double`.
const int wharfDataFloat64 = 11;

/// Four `int32_t` an element.
const int wharfDataInt32x4 = 12;

/// Four `float` an element.
const int wharfDataFloat32x4 = 13;

/// Two `double` an element.
const int wharfDataFloat64x2 = 14;

/// A port named in a value.
final class WharfSendPort extends Struct {
  /// The port: a `wharf_port_t`, or the Dart VM's number of a port of its own.
  @Int64()
  external int id;

  /// The Dart VM's business: the isolate group that made the port. 0 for wharf's ports.
  @Int64()
  external int originId;
}

/// A capability of the Dart VM's.
final class WharfCapability extends Struct {
  /// Its number.
  @Int64()
  external int id;
}

/// Values in a row.
final class WharfArray extends Struct {
  /// How many.
  @IntPtr()
  external int length;

  /// Where their pointers are. May be NULL where `length` is 0.
  external Pointer<Pointer<WharfValue>> values;
}

/// Elements of one kind, copied with the value.
final class WharfTypedData extends Struct {
  /// A `WHARF_DATA_...`.
  @Int32()
  external int element;

  /// How many elements.
  @IntPtr()
  external int length;

  /// Where they are. May be NULL where `length` is 0.
  external Pointer<Uint8> values;
}

/// Frees what a peer stands for. It is called once, from any thread; the first argument is the
/// Dart VM's business and NULL everywhere else. It does not throw.
typedef WharfFinalizer = Void Function(Pointer<Void> isolateCallbackData, Pointer<Void> peer);

/// Elements of one kind that are not copied.
final class WharfExternalTypedData extends Struct {
  /// A `WHARF_DATA_...`.
  @Int32()
  external int element;

  /// How many elements.
  @IntPtr()
  external int length;

  /// Where they are. May be NULL where `length` is 0.
  external Pointer<Uint8> data;

  /// What the callback is called with.
  external Pointer<Void> peer;

  /// Frees the elements; never NULL in a value that is posted, where no two arrays, nor one twice, point
  /// to the same value of this type.
  external Pointer<NativeFunction<WharfFinalizer>> callback;
}

/// A pointer with a finalizer. In the Dart VM it arrives as a number and belongs to whoever receives
/// it: the callback is called only if it is never delivered.
final class WharfNativePointer extends Struct {
  /// The pointer, which is what the callback is called with.
  @IntPtr()
  external int ptr;

  /// How many bytes it stands for, for the Dart VM's garbage collector.
  @IntPtr()
  external int size;

  /// Frees what it points to; never NULL in a value that is posted.
  external Pointer<NativeFunction<WharfFinalizer>> callback;
}

/// What a value holds; its type says which member.
final class WharfPayload extends Union {
  /// `WHARF_TYPE_BOOL`.
  @Bool()
  external bool asBool;

  /// `WHARF_TYPE_INT32`.
  @Int32()
  external int asInt32;

  /// `WHARF_TYPE_INT64`.
  @Int64()
  external int asInt64;

  /// `WHARF_TYPE_DOUBLE`.
  @Double()
  external double asDouble;

  /// `WHARF_TYPE_STRING`.
  external Pointer<Char> asString;

  /// `WHARF_TYPE_SEND_PORT`.
  external WharfSendPort asSendPort;

  /// `WHARF_TYPE_CAPABILITY`.
  external WharfCapability asCapability;

  /// `WHARF_TYPE_ARRAY`.
  external WharfArray asArray;

  /// `WHARF_TYPE_TYPED_DATA`.
  external WharfTypedData asTypedData;

  /// `WHARF_TYPE_EXTERNAL_TYPED_DATA` and `WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA`.
  external WharfExternalTypedData asExternalTypedData;

  /// `WHARF_TYPE_NATIVE_POINTER`.
  external WharfNativePointer asNativePointer;
}

/// A value: laid out as the Dart VM's `Dart_CObject`, to which a pointer to it can be cast.
final class WharfValue extends Struct {
  /// A `WHARF_TYPE_...`.
  @Int32()
  external int type;

  /// The member that the type names.
  external WharfPayload value;
}

/// The Dart VM's `Dart_PostCObject`.
typedef WharfDartPost = Bool Function(Int64 port, Pointer<WharfValue> message);

/// How a port is opened. Set `size` to `sizeof(wharf_port_options_t)` and all else to 0; then
/// change what should not be the default.
final class WharfPortOptions extends Struct {
  /// Bytes of this struct.
  @Size()
  external int size;

  /// How many data messages may wait in the port; control messages have as many places of their
  /// own, and terminal messages always have theirs. 0: as many as there is memory for.
  @Size()
  external int capacity;

  /// A `WHARF_FULL_...`: what becomes of a data message when the port is full.
  @Uint32()
  external int whenFull;

  /// Not 0: data messages also need credit, which `wharf_port_grant` gives; there is none at
  /// first.
  @Uint32()
  external int needsCredit;

  /// How many tasks may run for the port at once. 0: WHARF_TASKS_MAX.
  @Size()
  external int maxTasks;

  /// A number of the host's own for all that one generation of it opens, so that the next can
  /// close it with `wharf_group_close`. 0: nobody's.
  @Uint64()
  external int group;
}

/// A message. What its value points to belongs to whoever received it, until
/// `wharf_message_free`.
final class WharfMessage extends Struct {
  /// The number that the host chose when it submitted the task or posted the message.
  @Uint64()
  external int tag;

  /// The task that sent it; 0 where a host posted it.
  @Uint64()
  external int task;

  /// A `WHARF_KIND_...`.
  @Int32()
  external int kind;

  /// With `WHARF_KIND_ERROR` the error's code: above 0 the library's own, below 0 a status of
  /// wharf's with the sign turned. 0 with all other kinds.
  @Int32()
  external int code;

  /// What it carries.
  external WharfValue value;
}

/// Called when messages have come into an empty port. It says so to the host's own loop and
/// returns; it does not receive, and does not throw.
typedef WharfNotify = Void Function(Pointer<Void> context, Uint64 port);

/// Handles one message. The message is the port's and freed after the call; external data may be
/// taken out of it as the page of `wharf_message_free` says, or all of it: copy the struct, set the
/// type of `message->value` to WHARF_TYPE_NULL, and free the copy later. It does not throw.
typedef WharfHandler = Void Function(Pointer<Void> context, Uint64 port, Pointer<WharfMessage> message);

/// What has gone through a port. Set `size` before asking.
final class WharfPortStats extends Struct {
  /// Bytes of this struct, set by the caller.
  @Size()
  external int size;

  /// Messages that wait in it now.
  @Uint64()
  external int waiting;

  /// Tasks that have not sent their terminal message.
  @Uint64()
  external int tasks;

  /// Messages that were put into its queue.
  @Uint64()
  external int posted;

  /// Data messages that were dropped for newer ones.
  @Uint64()
  external int dropped;

  /// Messages that were refused because it was full.
  @Uint64()
  external int refused;
}

/// Called on a runtime's own thread, as it starts or ends. It does not throw, and waits for nothing that
/// needs a thread of the runtime.
typedef WharfThreadHook = Void Function(Pointer<Void> context);

/// How a runtime is made. Set `size` to `sizeof(wharf_runtime_options_t)` and all else to 0; then
/// change what should not be the default. Later versions add members at the end, whose 0 is what was
/// before them.
final class WharfRuntimeOptions extends Struct {
  /// Bytes of this struct.
  @Size()
  external int size;

  /// Threads that run tasks. 0: as many as there are processors.
  @Uint32()
  external int workerThreads;

  /// Threads that run functions which block, at most. 0: 512.
  @Uint32()
  external int maxBlockingThreads;

  /// Bytes of each thread's stack. 0: 2 MiB.
  @Size()
  external int threadStackSize;

  /// The threads' name, UTF-8, copied. NULL: "wharf".
  external Pointer<Char> threadName;

  /// For how many nanoseconds a worker that has run out of work looks out for more before it sleeps;
  /// more than 1,000,000 count as that. 0: it sleeps at once. Waking a thread takes 5 to 50 µs: 20,000 to
  /// 100,000 here spare most of that where one small task follows the answer of the last, and cost
  /// processor time.
  @Uint64()
  external int spinBeforeParkNs;

  /// After how many nanoseconds without work a thread of those that run functions which block ends.
  /// 0: ten seconds.
  @Uint64()
  external int threadKeepAliveNs;

  /// Called with `hook_context` on each thread that runs tasks or functions, before its first: to attach
  /// it to a virtual machine, or to set its priority. May be NULL. It is not called on the thread that
  /// has a handler handle what its port is left with when the runtime ends.
  external Pointer<NativeFunction<WharfThreadHook>> onThreadStart;

  /// The same, after its last and before it ends. May be NULL.
  external Pointer<NativeFunction<WharfThreadHook>> onThreadStop;

  /// What the hooks are called with. It has to stay valid until `wharf_runtime_shutdown` has been
  /// answered by WHARF_OK, which waits for the hooks.
  external Pointer<Void> hookContext;
}

/// Work for the blocking pool. 0: done, and `result`, the null value at first, is the task's
/// result. Anything else: failed, with this code, and a string in `result` says why. What `result`
/// points to stays the function's; it is copied before `wharf_drop_t` is called. It does not throw.
typedef WharfFunction = Int32 Function(Pointer<Void> context, Uint64 task, Pointer<WharfValue> result);

/// The last call with a context: nothing will use it any more. It comes once, from any thread,
/// before the task's terminal message. May be NULL. It does not throw.
typedef WharfDrop = Void Function(Pointer<Void> context);

/// A step of a host-made future. WHARF_PENDING: not done yet; `wharf_task_wake` with this task's id
/// has it called again. All else as with `wharf_function_t`. It does not throw.
typedef WharfPoll = Int32 Function(Pointer<Void> context, Uint64 task, Pointer<WharfValue> result);

/// Done, or accepted.
const int wharfOk = 0;

/// The time given was up before it was done. Ask again.
const int wharfTimeout = 1;

/// There is no message just now.
const int wharfEmpty = 2;

/// The port holds as many messages as it may, and its policy is to refuse more.
const int wharfFull = 3;

/// Accepted, and takes effect when the host function that made the call returns: it was made
/// from inside one, where waiting for that function would be waiting for itself.
const int wharfDeferred = 4;

/// A pointer that is needed is NULL.
const int wharfNull = 10;

/// A length, a count, a time or a limit is out of range.
const int wharfOutOfRange = 11;

/// A string is not UTF-8.
const int wharfNotUtf8 = 12;

/// A value can't be sent: its type, depth, size or content is wrong.
const int wharfBadValue = 13;

/// An option struct has a wrong size or a member that makes no sense.
const int wharfBadOption = 14;

/// There is no such runtime: never made, already freed, or another library's.
const int wharfNoRuntime = 20;

/// There is no such port: never opened, already closed, or another library's.
const int wharfNoPort = 21;

/// There is no such task: never submitted, already ended, or another library's.
const int wharfNoTask = 22;

/// The runtime has been shut down.
const int wharfShutDown = 30;

/// The call does not apply to what this id names, or not now.
const int wharfWrongState = 31;

/// The call would block a thread of wharf's: a host function that runs there may not wait.
const int wharfWouldBlock = 32;

/// The process was forked after wharf had been loaded: nothing of wharf works in the child.
const int wharfForked = 33;

/// As many as there may be at once are there already.
const int wharfLimit = 40;

/// There is no memory.
const int wharfNoMemory = 41;

/// The operating system refused; the message says what and why.
const int wharfSystem = 42;

/// A panic was stopped at the border; the message is the panic's.
const int wharfPanicked = 50;

/// The C functions of the library, each looked up when it is first used.
final class Bindings {
  /// Binds to [library].
  Bindings(this.library);

  /// Where the functions are looked up.
  final DynamicLibrary library;

  /// Opens a port whose messages go to a port of the Dart VM's (`SendPort.nativePort`), through the
  /// VM's `Dart_PostCObject` (`NativeApi.postCObject`), on the threads that send them.
  ///
  /// `mode` is WHARF_DART_ENVELOPED: each message is the list `[tag, kind, code, value]`;
  /// WHARF_DART_RAW: data and results are sent bare, all else as the list `[kind, code, value]`; or
  /// WHARF_DART_COMPACT: as WHARF_DART_ENVELOPED, but data and results with a number, a bool or null come
  /// in what costs the VM less. With a tag below 8,192 that is one integer: from bit 14 up 0 for null, 1
  /// for false, 2 for true, a whole number itself below 0 and three higher from 0 on; in the bits 1 to 13
  /// the tag; in bit 0 the kind. Else, and where the whole does not go into 64 bits, a number comes as the
  /// `Int64List`, or a double as the `Float64List`, `[tag, kind, value]`. (A double whose tag is above 2^53
  /// comes in a list, and so do the others where they don't go into one integer, or where
  /// `wharf_dart_initialize` has not been called.)
  ///
  /// `post` may be NULL where one has been stored with `store_dart_post_cobject`. `options` may be
  /// NULL; of it, `max_tasks`, `needs_credit` and `group` apply.
  ///
  /// It belongs to the caller, who closes it. If the VM refuses a message, the port is gone: it is
  /// closed, and its tasks are cancelled.
  ///
  /// Errors: WHARF_NULL, WHARF_OUT_OF_RANGE (0 is no Dart port), WHARF_BAD_OPTION, WHARF_NO_RUNTIME,
  /// WHARF_SHUT_DOWN, WHARF_LIMIT.
  ///
  /// Pointers:
  /// `post` is NULL or the VM's function, which outlives the port. `options` is NULL or begins with
  /// its size and has as many bytes; `out` is NULL or can be written to.
  late final int Function(int runtime, int dartPort, Pointer<NativeFunction<WharfDartPost>> post, int mode, Pointer<WharfPortOptions> options, Pointer<Uint64> out) portDart = library.lookupFunction<
      Int32 Function(Uint64 runtime, Int64 dartPort, Pointer<NativeFunction<WharfDartPost>> post, Uint32 mode, Pointer<WharfPortOptions> options, Pointer<Uint64> out),
      int Function(int runtime, int dartPort, Pointer<NativeFunction<WharfDartPost>> post, int mode, Pointer<WharfPortOptions> options, Pointer<Uint64> out)>('wharf_port_dart');

  /// Stores the Dart VM's `Dart_PostCObject` for ports that are opened without one. NULL does
  /// nothing. The name is the one that Dart code written for other bridges calls.
  ///
  /// Pointers:
  /// `post` is NULL or the VM's function, which outlives all ports opened with it.
  late final void Function(Pointer<NativeFunction<WharfDartPost>> post) storeDartPostCobject = library.lookupFunction<
      Void Function(Pointer<NativeFunction<WharfDartPost>> post),
      void Function(Pointer<NativeFunction<WharfDartPost>> post)>('store_dart_post_cobject');

  /// Stores what the Dart VM's table of functions has for posting (`NativeApi.initializeApiDLData`),
  /// for ports that are opened without a post function. With it, integers that are sent bare travel
  /// at about twice the rate.
  ///
  /// Errors: WHARF_NULL, WHARF_BAD_VALUE (a table of a version that is not known).
  ///
  /// Pointers:
  /// `table` is NULL or the VM's table, which outlives all ports opened with it.
  late final int Function(Pointer<Void> table) dartInitialize = library.lookupFunction<
      Int32 Function(Pointer<Void> table),
      int Function(Pointer<Void> table)>('wharf_dart_initialize');

  /// The version of the interface that the loaded library has; see WHARF_ABI_VERSION.
  ///
  /// Never fails; may be called in a forked child.
  late final int Function() abiVersion = library.lookupFunction<
      Uint32 Function(),
      int Function()>('wharf_abi_version');

  /// The library's version, as text. It stays valid for ever.
  ///
  /// Never fails; may be called in a forked child.
  late final Pointer<Char> Function() version = library.lookupFunction<
      Pointer<Char> Function(),
      Pointer<Char> Function()>('wharf_version');

  /// A few words for a status; NULL for a number that is none. They stay valid for ever.
  ///
  /// Never fails; may be called in a forked child.
  late final Pointer<Char> Function(int status) statusText = library.lookupFunction<
      Pointer<Char> Function(Int32 status),
      Pointer<Char> Function(int status)>('wharf_status_text');

  /// The status of the last call on this thread that was refused; WHARF_OK if none was.
  ///
  /// A call that is answered by WHARF_OK leaves the last error as it is.
  late final int Function() lastErrorCode = library.lookupFunction<
      Int32 Function(),
      int Function()>('wharf_last_error_code');

  /// How many bytes the text of this thread's last error has, without a NUL; 0 if there is none.
  late final int Function() lastErrorLength = library.lookupFunction<
      Size Function(),
      int Function()>('wharf_last_error_length');

  /// Writes the text of this thread's last error (what was tried, what was wrong) to `buffer`, as
  /// UTF-8 with a NUL at its end, cut to what fits into `capacity` bytes but never inside a
  /// character.
  ///
  /// Returns how many bytes were written, without the NUL; 0 if there is no error, no room, or
  /// `buffer` is NULL.
  ///
  /// Pointers:
  /// `buffer` is NULL or has room for `capacity` bytes.
  late final int Function(Pointer<Char> buffer, int capacity) lastErrorMessage = library.lookupFunction<
      Size Function(Pointer<Char> buffer, Size capacity),
      int Function(Pointer<Char> buffer, int capacity)>('wharf_last_error_message');

  /// Makes a pointer that owns a port or a runtime, for hosts that give up resources through a
  /// function that takes a pointer (Dart's NativeFinalizer, Python's capsules, Node's externals).
  ///
  /// The pointer is good for `wharf_owner_drop`, once, and nothing else. The id may be used as
  /// before, and what it names may be closed or shut down by hand: the owner then owns nothing.
  ///
  /// Returns NULL for an id that names neither; the last error says so.
  late final Pointer<Void> Function(int id) ownerNew = library.lookupFunction<
      Pointer<Void> Function(Uint64 id),
      Pointer<Void> Function(int id)>('wharf_owner_new');

  /// Gives up what an owner owns, and frees the owner: closes the port, which cancels its tasks; or
  /// shuts the runtime down and frees it. NULL does nothing.
  ///
  /// Never waits and never posts, so that it may be called from a finalizer, in the middle of a
  /// garbage collection: what takes time goes on on a thread of its own.
  ///
  /// Pointers:
  /// `owner` is NULL or comes from `wharf_owner_new`, and is not used again.
  late final void Function(Pointer<Void> owner) ownerDrop = library.lookupFunction<
      Void Function(Pointer<Void> owner),
      void Function(Pointer<Void> owner)>('wharf_owner_drop');

  /// Opens a port with a queue that the host drains: with the `wharf_port_recv...` functions, and
  /// with `wharf_port_descriptor` in a loop of its own.
  ///
  /// It belongs to `runtime` (0: the library's default one), on which the tasks run that are
  /// submitted with it, and to the caller, who closes it. `options` may be NULL for the defaults; it
  /// is read during the call only.
  ///
  /// Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NO_RUNTIME, WHARF_SHUT_DOWN, WHARF_LIMIT.
  ///
  /// Pointers:
  /// `options` is NULL or begins with its size and has as many bytes; `out` is NULL or can be
  /// written to.
  late final int Function(int runtime, Pointer<WharfPortOptions> options, Pointer<Uint64> out) portOpen = library.lookupFunction<
      Int32 Function(Uint64 runtime, Pointer<WharfPortOptions> options, Pointer<Uint64> out),
      int Function(int runtime, Pointer<WharfPortOptions> options, Pointer<Uint64> out)>('wharf_port_open');

  /// Takes the next message out of a port: control messages first, each kind in the order posted.
  /// Waits for one for at most `timeout_ns` nanoseconds; 0 only looks, WHARF_FOREVER has no limit.
  ///
  /// The message belongs to the caller, who passes it to `wharf_message_free`. It is only written
  /// when the answer is WHARF_OK.
  ///
  /// Errors: WHARF_TIMEOUT (WHARF_EMPTY if `timeout_ns` is 0), WHARF_SHUT_DOWN (it would wait in vain: the
  /// runtime has been shut down, and what was in the port and the ends of all its tasks have been taken
  /// out), WHARF_NO_PORT (also when the port is closed meanwhile), WHARF_NULL, WHARF_OUT_OF_RANGE,
  /// WHARF_WRONG_STATE (the port has no queue; one with a handler can be drained once its runtime has been
  /// shut down), WHARF_WOULD_BLOCK.
  ///
  /// Pointers:
  /// `out` is NULL or can be written to.
  late final int Function(int port, Pointer<WharfMessage> out, int timeoutNs) portRecv = library.lookupFunction<
      Int32 Function(Uint64 port, Pointer<WharfMessage> out, Int64 timeoutNs),
      int Function(int port, Pointer<WharfMessage> out, int timeoutNs)>('wharf_port_recv');

  /// As `wharf_port_recv`, without waiting: WHARF_EMPTY if there is no message.
  ///
  /// Pointers:
  /// `out` is NULL or can be written to.
  late final int Function(int port, Pointer<WharfMessage> out) portTryRecv = library.lookupFunction<
      Int32 Function(Uint64 port, Pointer<WharfMessage> out),
      int Function(int port, Pointer<WharfMessage> out)>('wharf_port_try_recv');

  /// Takes up to `capacity` messages out of a port at once, writes them to `out` and how many they
  /// are to `count`. Waits as `wharf_port_recv` does until there is at least one, and no longer.
  ///
  /// The messages belong to the caller; `wharf_messages_free` frees them together. Unless the answer
  /// is WHARF_OK, `count` is 0.
  ///
  /// Errors: as `wharf_port_recv`; WHARF_OUT_OF_RANGE also for a `capacity` of 0.
  ///
  /// Pointers:
  /// `out` is NULL or has room for `capacity` messages; `count` is NULL or can be written to.
  late final int Function(int port, Pointer<WharfMessage> out, int capacity, Pointer<Size> count, int timeoutNs) portRecvBatch = library.lookupFunction<
      Int32 Function(Uint64 port, Pointer<WharfMessage> out, Size capacity, Pointer<Size> count, Int64 timeoutNs),
      int Function(int port, Pointer<WharfMessage> out, int capacity, Pointer<Size> count, int timeoutNs)>('wharf_port_recv_batch');

  /// A descriptor for the host's own loop (poll, epoll, select): readable while the port is not
  /// empty. Only wait on it: taking the messages out is what clears it. It can be readable once too
  /// often; then a receive finds nothing.
  ///
  /// It belongs to the port, which closes it when it is closed; ask again for it as often as you
  /// like. A host that wants to keep it longer duplicates it.
  ///
  /// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_WRONG_STATE (the port has no queue), WHARF_SYSTEM (no
  /// descriptor is to be had).
  ///
  /// Pointers:
  /// `out` is NULL or can be written to.
  late final int Function(int port, Pointer<Int> out) portDescriptor = library.lookupFunction<
      Int32 Function(Uint64 port, Pointer<Int> out),
      int Function(int port, Pointer<Int> out)>('wharf_port_descriptor');

  /// Has `function` called with `context` and the port whenever messages come into it while it is
  /// empty, for a host whose own loop takes work from other threads: the function tells that loop,
  /// which then receives until there is nothing left. Instead of a descriptor, and once for a port.
  ///
  /// It is called on the thread that posts, which may be any, and for messages that wait already
  /// during this call. It must return soon, must not throw, and receives nothing itself. After
  /// `wharf_port_close` has been answered by WHARF_OK it is not called any more.
  ///
  /// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_WRONG_STATE (the port has no queue, or a descriptor or
  /// function already).
  ///
  /// Pointers:
  /// `function` is NULL or can be called with `context` from any thread until the port is closed.
  late final int Function(int port, Pointer<NativeFunction<WharfNotify>> function, Pointer<Void> context) portNotify = library.lookupFunction<
      Int32 Function(Uint64 port, Pointer<NativeFunction<WharfNotify>> function, Pointer<Void> context),
      int Function(int port, Pointer<NativeFunction<WharfNotify>> function, Pointer<Void> context)>('wharf_port_notify');

  /// Opens a port whose messages are handled by a function of the host's, which runs on the
  /// runtime's threads: one message at a time, control messages first, each kind in the order posted.
  ///
  /// The handler may post, submit, and close this port or another, which then takes effect when it
  /// returns; it must not wait for something that needs a thread of the runtime. Control messages
  /// with a WHARF_CONTROL_... are obeyed by the port itself; all others come to the handler.
  ///
  /// What is in the port when its runtime is shut down is handled before that call is answered by
  /// WHARF_OK. Where the handler has been paused, or no thread is to be had for it, that stays in the
  /// port, and the handler is not called for it any more: once the shutdown has been answered by
  /// WHARF_OK, the `wharf_port_recv...` functions take it out.
  ///
  /// It belongs to the caller, who closes it. After that has been answered by WHARF_OK, the handler
  /// is not called any more. `options` may be NULL for the defaults; it is read during the call only.
  ///
  /// Errors: as `wharf_port_open`.
  ///
  /// Pointers:
  /// `handler` is NULL or can be called with `context` from any thread until the port is closed.
  /// `options` is NULL or begins with its size and has as many bytes; `out` is NULL or can be
  /// written to.
  late final int Function(int runtime, Pointer<NativeFunction<WharfHandler>> handler, Pointer<Void> context, Pointer<WharfPortOptions> options, Pointer<Uint64> out) portServe = library.lookupFunction<
      Int32 Function(Uint64 runtime, Pointer<NativeFunction<WharfHandler>> handler, Pointer<Void> context, Pointer<WharfPortOptions> options, Pointer<Uint64> out),
      int Function(int runtime, Pointer<NativeFunction<WharfHandler>> handler, Pointer<Void> context, Pointer<WharfPortOptions> options, Pointer<Uint64> out)>('wharf_port_serve');

  /// Closes all ports that were opened with this group, as `wharf_port_close` does, so that a host's
  /// new generation (a restarted isolate, a reloaded script) ends what the last one left.
  ///
  /// Errors: WHARF_TIMEOUT (all are closed, but something still runs for one; the call can be
  /// repeated), WHARF_OUT_OF_RANGE (also for a group of 0).
  late final int Function(int group, int timeoutNs) groupClose = library.lookupFunction<
      Int32 Function(Uint64 group, Int64 timeoutNs),
      int Function(int group, int timeoutNs)>('wharf_group_close');

  /// Posts a value to a port, as a message of kind WHARF_KIND_DATA with this tag.
  ///
  /// The value is copied, but for the bytes of external data: these belong to the port from the
  /// moment that the answer is WHARF_OK, and their callback will be called, once; with any other
  /// answer they stay the caller's, and it is not called. NULL stands for the null value.
  ///
  /// Errors: WHARF_FULL (by the port's policy, or without credit), WHARF_BAD_VALUE, WHARF_NO_PORT,
  /// WHARF_SHUT_DOWN, WHARF_NO_MEMORY.
  ///
  /// Pointers:
  /// `value` is NULL or a value whose pointers are what their types and lengths say.
  late final int Function(int port, int tag, Pointer<WharfValue> value) post = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<WharfValue> value),
      int Function(int port, int tag, Pointer<WharfValue> value)>('wharf_post');

  /// As `wharf_post`, as a message of kind WHARF_KIND_CONTROL, which overtakes all messages of
  /// other kinds that wait in a queue of wharf's. The Dart VM's own ports have no such door: there
  /// it is a message like others.
  ///
  /// Pointers:
  /// `value` is NULL or a value whose pointers are what their types and lengths say.
  late final int Function(int port, int tag, Pointer<WharfValue> value) postControl = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<WharfValue> value),
      int Function(int port, int tag, Pointer<WharfValue> value)>('wharf_post_control');

  /// Lets `messages` more data messages be posted to a port. From the first call on, the port counts
  /// credit: without any left, posts are refused and streams wait.
  ///
  /// Errors: WHARF_NO_PORT, WHARF_SHUT_DOWN.
  late final int Function(int port, int messages) portGrant = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 messages),
      int Function(int port, int messages)>('wharf_port_grant');

  /// Reads a port's counters. As many bytes are written as `stats->size` says and the library knows.
  ///
  /// Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NO_PORT.
  ///
  /// Pointers:
  /// `stats` is NULL or begins with its size and has as many bytes, which can be written to.
  late final int Function(int port, Pointer<WharfPortStats> stats) portStats = library.lookupFunction<
      Int32 Function(Uint64 port, Pointer<WharfPortStats> stats),
      int Function(int port, Pointer<WharfPortStats> stats)>('wharf_port_stats');

  /// Closes a port: cancels its tasks, frees its messages, and waits until no code of the host's
  /// runs for it; then its id names nothing, and its descriptor is closed.
  ///
  /// Tasks that have not ended send nothing any more. Once this has been answered by WHARF_OK, no
  /// code of the host's is called for the port. In a function of the host's that wharf has called,
  /// the answer is WHARF_DEFERRED: the port is closed at once, nothing new is begun for it, and
  /// what runs ends when the functions return. Closing it again from elsewhere waits for that: the
  /// answer is WHARF_OK, or WHARF_NO_PORT if it was so already.
  ///
  /// Waits for at most `timeout_ns` nanoseconds; WHARF_FOREVER has no limit.
  ///
  /// Errors: WHARF_TIMEOUT: the port is closed, but host code that runs for it has not returned;
  /// the call can be repeated. WHARF_NO_PORT, WHARF_OUT_OF_RANGE.
  late final int Function(int port, int timeoutNs) portClose = library.lookupFunction<
      Int32 Function(Uint64 port, Int64 timeoutNs),
      int Function(int port, int timeoutNs)>('wharf_port_close');

  /// Makes a runtime: the threads that tasks run on. They start when they are first needed.
  ///
  /// `options` may be NULL for the defaults; it is read during the call only. The runtime belongs to
  /// the caller, who shuts it down and then frees it.
  ///
  /// Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NOT_UTF8, WHARF_LIMIT, WHARF_SYSTEM.
  ///
  /// Pointers:
  /// `options` is NULL or begins with its size and has as many bytes, and its hooks are NULL or can be
  /// called with its context from any thread; `out` is NULL or can be written to.
  late final int Function(Pointer<WharfRuntimeOptions> options, Pointer<Uint64> out) runtimeNew = library.lookupFunction<
      Int32 Function(Pointer<WharfRuntimeOptions> options, Pointer<Uint64> out),
      int Function(Pointer<WharfRuntimeOptions> options, Pointer<Uint64> out)>('wharf_runtime_new');

  /// The library's default runtime, made where there is none yet. A 0 for a runtime means the same.
  ///
  /// It can be shut down and freed like any other, and is made anew when it is asked for after that.
  ///
  /// Errors: WHARF_NULL, WHARF_SYSTEM.
  ///
  /// Pointers:
  /// `out` is NULL or can be written to.
  late final int Function(Pointer<Uint64> out) runtimeDefault = library.lookupFunction<
      Int32 Function(Pointer<Uint64> out),
      int Function(Pointer<Uint64> out)>('wharf_runtime_default');

  /// Shuts a runtime down: refuses what is submitted or opened from now on, cancels all tasks, waits
  /// until they are gone and the threads have ended.
  ///
  /// Each task that had been accepted sends its one terminal message, WHARF_KIND_SHUT_DOWN if it was
  /// not over. The ports stay, so that these can be received. Once this has been answered by
  /// WHARF_OK, no code of the host's is called for the runtime any more. A call for one that has
  /// been shut down already does nothing and is answered by WHARF_OK.
  ///
  /// Waits for at most `timeout_ns` nanoseconds; WHARF_FOREVER has no limit.
  ///
  /// Errors: WHARF_TIMEOUT: something has not returned; the runtime goes on shutting down, and the
  /// call can be repeated; also in a host function that wharf has called, which can't wait for
  /// itself. WHARF_NO_RUNTIME, WHARF_OUT_OF_RANGE.
  late final int Function(int runtime, int timeoutNs) runtimeShutdown = library.lookupFunction<
      Int32 Function(Uint64 runtime, Int64 timeoutNs),
      int Function(int runtime, int timeoutNs)>('wharf_runtime_shutdown');

  /// Frees a runtime that has been shut down, and closes its ports; messages still in them are
  /// freed. Its id names nothing afterwards.
  ///
  /// Errors: WHARF_WRONG_STATE (it has not been shut down), WHARF_NO_RUNTIME.
  late final int Function(int runtime) runtimeFree = library.lookupFunction<
      Int32 Function(Uint64 runtime),
      int Function(int runtime)>('wharf_runtime_free');

  /// Has `function` called once with `context`, on a thread where it may block. Its result arrives at
  /// the port as the task's terminal message.
  ///
  /// From WHARF_OK on, `context` belongs to the task, which calls `drop` when it is done with it, also
  /// where the task was cancelled before it began. Once it runs, a cancel only makes
  /// `wharf_task_is_cancelled` true. `task` receives the task's id, if it is not NULL.
  ///
  /// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY; `context` stays
  /// the caller's then.
  ///
  /// Pointers:
  /// `function` and `drop` are NULL or can be called with `context` from any thread; `task` is NULL or
  /// can be written to.
  late final int Function(int port, int tag, Pointer<NativeFunction<WharfFunction>> function, Pointer<Void> context, Pointer<NativeFunction<WharfDrop>> drop, Pointer<Uint64> task) spawnFn = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<NativeFunction<WharfFunction>> function, Pointer<Void> context, Pointer<NativeFunction<WharfDrop>> drop, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<NativeFunction<WharfFunction>> function, Pointer<Void> context, Pointer<NativeFunction<WharfDrop>> drop, Pointer<Uint64> task)>('wharf_spawn_fn');

  /// Has `poll` called with `context` on the runtime's threads, as a future is: at once, and again
  /// whenever `wharf_task_wake` has been called, until it says that it is done.
  ///
  /// From WHARF_OK on, `context` belongs to the task, which calls `drop` when it is done with it: at
  /// the end, or when it is cancelled. `task` receives the task's id, if it is not NULL.
  ///
  /// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY; `context` stays
  /// the caller's then.
  ///
  /// Pointers:
  /// `poll` and `drop` are NULL or can be called with `context` from any thread; `task` is NULL or can
  /// be written to.
  late final int Function(int port, int tag, Pointer<NativeFunction<WharfPoll>> poll, Pointer<Void> context, Pointer<NativeFunction<WharfDrop>> drop, Pointer<Uint64> task) spawnPoll = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<NativeFunction<WharfPoll>> poll, Pointer<Void> context, Pointer<NativeFunction<WharfDrop>> drop, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<NativeFunction<WharfPoll>> poll, Pointer<Void> context, Pointer<NativeFunction<WharfDrop>> drop, Pointer<Uint64> task)>('wharf_spawn_poll');

  /// Has a task of `wharf_spawn_poll` polled again. From any thread; a wake during a poll counts. An
  /// id needs no counting of references: that of a task that has ended is a status.
  ///
  /// Errors: WHARF_NO_TASK.
  late final int Function(int task) taskWake = library.lookupFunction<
      Int32 Function(Uint64 task),
      int Function(int task)>('wharf_task_wake');

  /// Whether the end of a task has been asked for, or its port closed; true also for an id that names
  /// no task. For functions on the blocking pool, which have to look for themselves.
  late final bool Function(int task) taskIsCancelled = library.lookupFunction<
      Bool Function(Uint64 task),
      bool Function(int task)>('wharf_task_is_cancelled');

  /// Sends one message, WHARF_KIND_OK with the null value, after `delay_ns` nanoseconds; never early.
  /// Delays of 0 are answered at once, in the order of the calls.
  ///
  /// It is a task: it can be cancelled. `task` receives its id, if it is not NULL.
  ///
  /// Errors: WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY.
  ///
  /// Pointers:
  /// `task` is NULL or can be written to.
  late final int Function(int port, int tag, int delayNs, Pointer<Uint64> task) timerAfter = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Uint64 delayNs, Pointer<Uint64> task),
      int Function(int port, int tag, int delayNs, Pointer<Uint64> task)>('wharf_timer_after');

  /// Sends a message every `period_ns` nanoseconds, the first after one period: of kind
  /// WHARF_KIND_DATA, with the number of the beat, which counts from 1. Beats that the port does not
  /// take (it is full), or that are late by a whole period, are left out, and their numbers with them. A
  /// port without a `capacity` takes all, also from a host that does not come for them.
  ///
  /// It is a task without an end of its own: it is to be cancelled. `task` receives its id, if it is
  /// not NULL.
  ///
  /// Errors: WHARF_OUT_OF_RANGE (a period of 0), WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT,
  /// WHARF_NO_MEMORY.
  ///
  /// Pointers:
  /// `task` is NULL or can be written to.
  late final int Function(int port, int tag, int periodNs, Pointer<Uint64> task) timerEvery = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Uint64 periodNs, Pointer<Uint64> task),
      int Function(int port, int tag, int periodNs, Pointer<Uint64> task)>('wharf_timer_every');

  /// Asks for a task to end. The answer says only that this has been asked: the task's terminal
  /// message follows, WHARF_KIND_CANCELLED once its future has been dropped and what it held is
  /// free, or whatever it had come to before. Asking twice is as good as once.
  ///
  /// Errors: WHARF_NO_TASK: it has sent its terminal message already, or never was.
  late final int Function(int task) taskCancel = library.lookupFunction<
      Int32 Function(Uint64 task),
      int Function(int task)>('wharf_task_cancel');

  /// Makes a task wait: it is not polled again until `wharf_task_resume`. What it waits for may
  /// happen meanwhile. It can be cancelled. A function on the blocking pool does not notice.
  ///
  /// Errors: WHARF_NO_TASK.
  late final int Function(int task) taskPause = library.lookupFunction<
      Int32 Function(Uint64 task),
      int Function(int task)>('wharf_task_pause');

  /// Lets a task go on after `wharf_task_pause`.
  ///
  /// Errors: WHARF_NO_TASK.
  late final int Function(int task) taskResume = library.lookupFunction<
      Int32 Function(Uint64 task),
      int Function(int task)>('wharf_task_resume');

  /// Frees what a received message's value holds, and leaves the null value in its place, so that
  /// freeing it again does nothing. The struct itself is the caller's.
  ///
  /// External data may be taken out of a message before: note its `data`, `peer` and `callback`, set
  /// the type of that value to WHARF_TYPE_NULL, and call the callback when the bytes are done with.
  /// Nothing else in a received value may be changed.
  ///
  /// Errors: WHARF_NULL.
  ///
  /// Pointers:
  /// `message` is NULL or was received from a port and changed no more than that.
  late final int Function(Pointer<WharfMessage> message) messageFree = library.lookupFunction<
      Int32 Function(Pointer<WharfMessage> message),
      int Function(Pointer<WharfMessage> message)>('wharf_message_free');

  /// As `wharf_message_free`, for `count` messages in a row.
  ///
  /// Errors: WHARF_NULL, WHARF_OUT_OF_RANGE.
  ///
  /// Pointers:
  /// `messages` is NULL or `count` messages as `wharf_message_free` takes them.
  late final int Function(Pointer<WharfMessage> messages, int count) messagesFree = library.lookupFunction<
      Int32 Function(Pointer<WharfMessage> messages, Size count),
      int Function(Pointer<WharfMessage> messages, int count)>('wharf_messages_free');

  /// The text that a message carries: a string, or the first string of an array, which is where an
  /// error's and a panic's message stands. NULL if it carries none. It belongs to the message.
  ///
  /// Pointers:
  /// `message` is NULL or was received from a port and not freed.
  late final Pointer<Char> Function(Pointer<WharfMessage> message) messageText = library.lookupFunction<
      Pointer<Char> Function(Pointer<WharfMessage> message),
      Pointer<Char> Function(Pointer<WharfMessage> message)>('wharf_message_text');

  /// Checks a value and copies it to `out`. The copy belongs to the caller, who passes it to
  /// `wharf_value_free`; what was copied stays the caller's as well. The bytes of external data are
  /// copied, too, and become typed data.
  ///
  /// Errors: WHARF_NULL, WHARF_BAD_VALUE, WHARF_NO_MEMORY.
  ///
  /// Pointers:
  /// `value` is NULL or a value whose pointers are what their types and lengths say; `out` is NULL
  /// or can be written to.
  late final int Function(Pointer<WharfValue> value, Pointer<WharfValue> out) valueCopy = library.lookupFunction<
      Int32 Function(Pointer<WharfValue> value, Pointer<WharfValue> out),
      int Function(Pointer<WharfValue> value, Pointer<WharfValue> out)>('wharf_value_copy');

  /// Frees what a value from `wharf_value_copy` holds, and leaves the null value in its place.
  ///
  /// Errors: WHARF_NULL.
  ///
  /// Pointers:
  /// `value` is NULL or was made by `wharf_value_copy`.
  late final int Function(Pointer<WharfValue> value) valueFree = library.lookupFunction<
      Int32 Function(Pointer<WharfValue> value),
      int Function(Pointer<WharfValue> value)>('wharf_value_free');

  /// A finalizer for external data of hosts whose own functions can't be called on any thread (Python,
  /// Node): `peer` is a `uint32_t` of the host's, and becomes 1. The host looks at it when it has the
  /// time, and may free the bytes once it has seen the 1. By the time that a task's terminal message is
  /// received, the flags of all data that the task was given, and has let go of, are up.
  ///
  /// Never fails. `peer` may be NULL; the first argument means nothing.
  ///
  /// Pointers:
  /// `peer` is NULL or a `uint32_t` that is there until it is 1, and is looked at as C11's
  /// `memory_order_acquire` does.
  late final void Function(Pointer<Void> isolateCallbackData, Pointer<Void> peer) finalizerFlag = library.lookupFunction<
      Void Function(Pointer<Void> isolateCallbackData, Pointer<Void> peer),
      void Function(Pointer<Void> isolateCallbackData, Pointer<Void> peer)>('wharf_finalizer_flag');
}
