# Made from ffi/include/wharf.h by `cargo xtask header`; not to be edited.
"""The C interface: its constants, how its structs lie in memory, and its functions."""

import ctypes as c
from typing import Any, Dict, Tuple

FOREVER = -1
ABI_VERSION = 1
FULL_REFUSE = 0
FULL_DROP_OLDEST = 1
FULL_KEEP_LATEST = 2
DART_ENVELOPED = 0
DART_RAW = 1
DART_COMPACT = 2
PENDING = -2147483648
TASKS_MAX = 1048574
PORTS_MAX = 262144
KIND_DATA = 0
KIND_OK = 1
KIND_ERROR = 2
KIND_PANIC = 3
KIND_CANCELLED = 4
KIND_SHUT_DOWN = 5
KIND_CONTROL = 6
CONTROL_PAUSE = 1
CONTROL_RESUME = 2
CONTROL_PING = 3
CONTROL_KILL = 4
VALUE_MAX_DEPTH = 64
VALUE_MAX_COUNT = 1048576
VALUE_MAX_BYTES = 1073741824
TYPE_NULL = 0
TYPE_BOOL = 1
TYPE_INT32 = 2
TYPE_INT64 = 3
TYPE_DOUBLE = 4
TYPE_STRING = 5
TYPE_ARRAY = 6
TYPE_TYPED_DATA = 7
TYPE_EXTERNAL_TYPED_DATA = 8
TYPE_SEND_PORT = 9
TYPE_CAPABILITY = 10
TYPE_NATIVE_POINTER = 11
TYPE_UNSUPPORTED = 12
TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA = 13
DATA_BYTES = 0
DATA_INT8 = 1
DATA_UINT8 = 2
DATA_UINT8_CLAMPED = 3
DATA_INT16 = 4
DATA_UINT16 = 5
DATA_INT32 = 6
DATA_UINT32 = 7
DATA_INT64 = 8
DATA_UINT64 = 9
DATA_FLOAT32 = 10
DATA_FLOAT64 = 11
DATA_INT32X4 = 12
DATA_FLOAT32X4 = 13
DATA_FLOAT64X2 = 14


class SendPort(c.Structure):
    _fields_ = [
        ("id", c.c_int64),
        ("origin_id", c.c_int64),
    ]




class Capability(c.Structure):
    _fields_ = [
        ("id", c.c_int64),
    ]




class Array(c.Structure):
    _fields_ = [
        ("length", c.c_ssize_t),
        ("values", c.c_void_p),
    ]




class TypedData(c.Structure):
    _fields_ = [
        ("element", c.c_int32),
        ("length", c.c_ssize_t),
        ("values", c.c_void_p),
    ]




class ExternalTypedData(c.Structure):
    _fields_ = [
        ("element", c.c_int32),
        ("length", c.c_ssize_t),
        ("data", c.c_void_p),
        ("peer", c.c_void_p),
        ("callback", c.c_void_p),
    ]




class NativePointer(c.Structure):
    _fields_ = [
        ("ptr", c.c_ssize_t),
        ("size", c.c_ssize_t),
        ("callback", c.c_void_p),
    ]




class Payload(c.Union):
    _fields_ = [
        ("as_bool", c.c_bool),
        ("as_int32", c.c_int32),
        ("as_int64", c.c_int64),
        ("as_double", c.c_double),
        ("as_string", c.c_void_p),
        ("as_send_port", SendPort),
        ("as_capability", Capability),
        ("as_array", Array),
        ("as_typed_data", TypedData),
        ("as_external_typed_data", ExternalTypedData),
        ("as_native_pointer", NativePointer),
    ]




class Value(c.Structure):
    _fields_ = [
        ("type", c.c_int32),
        ("value", Payload),
    ]




class PortOptions(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("capacity", c.c_size_t),
        ("when_full", c.c_uint32),
        ("needs_credit", c.c_uint32),
        ("max_tasks", c.c_size_t),
        ("group", c.c_uint64),
    ]




class Message(c.Structure):
    _fields_ = [
        ("tag", c.c_uint64),
        ("task", c.c_uint64),
        ("kind", c.c_int32),
        ("code", c.c_int32),
        ("value", Value),
    ]




class PortStats(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("waiting", c.c_uint64),
        ("tasks", c.c_uint64),
        ("posted", c.c_uint64),
        ("dropped", c.c_uint64),
        ("refused", c.c_uint64),
    ]




class RuntimeOptions(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("worker_threads", c.c_uint32),
        ("max_blocking_threads", c.c_uint32),
        ("thread_stack_size", c.c_size_t),
        ("thread_name", c.c_void_p),
        ("spin_before_park_ns", c.c_uint64),
        ("thread_keep_alive_ns", c.c_uint64),
        ("on_thread_start", c.c_void_p),
        ("on_thread_stop", c.c_void_p),
        ("hook_context", c.c_void_p),
    ]


OK = 0
TIMEOUT = 1
EMPTY = 2
FULL = 3
DEFERRED = 4
NULL = 10
OUT_OF_RANGE = 11
NOT_UTF8 = 12
BAD_VALUE = 13
BAD_OPTION = 14
NO_RUNTIME = 20
NO_PORT = 21
NO_TASK = 22
SHUT_DOWN = 30
WRONG_STATE = 31
WOULD_BLOCK = 32
FORKED = 33
LIMIT = 40
NO_MEMORY = 41
SYSTEM = 42
PANICKED = 50


#: Of each function what it returns, and what it takes. Pointers are passed as addresses.
FUNCTIONS: Dict[str, Tuple[Any, ...]] = {
    "wharf_port_dart": (c.c_int32, c.c_uint64, c.c_int64, c.c_void_p, c.c_uint32, c.c_void_p, c.c_void_p),
    "store_dart_post_cobject": (None, c.c_void_p),
    "wharf_dart_initialize": (c.c_int32, c.c_void_p),
    "wharf_abi_version": (c.c_uint32,),
    "wharf_version": (c.c_void_p,),
    "wharf_status_text": (c.c_void_p, c.c_int32),
    "wharf_last_error_code": (c.c_int32,),
    "wharf_last_error_length": (c.c_size_t,),
    "wharf_last_error_message": (c.c_size_t, c.c_void_p, c.c_size_t),
    "wharf_owner_new": (c.c_void_p, c.c_uint64),
    "wharf_owner_drop": (None, c.c_void_p),
    "wharf_port_open": (c.c_int32, c.c_uint64, c.c_void_p, c.c_void_p),
    "wharf_port_recv": (c.c_int32, c.c_uint64, c.c_void_p, c.c_int64),
    "wharf_port_try_recv": (c.c_int32, c.c_uint64, c.c_void_p),
    "wharf_port_recv_batch": (c.c_int32, c.c_uint64, c.c_void_p, c.c_size_t, c.c_void_p, c.c_int64),
    "wharf_port_descriptor": (c.c_int32, c.c_uint64, c.c_void_p),
    "wharf_port_notify": (c.c_int32, c.c_uint64, c.c_void_p, c.c_void_p),
    "wharf_port_serve": (c.c_int32, c.c_uint64, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p),
    "wharf_group_close": (c.c_int32, c.c_uint64, c.c_int64),
    "wharf_post": (c.c_int32, c.c_uint64, c.c_uint64, c.c_void_p),
    "wharf_post_control": (c.c_int32, c.c_uint64, c.c_uint64, c.c_void_p),
    "wharf_port_grant": (c.c_int32, c.c_uint64, c.c_uint64),
    "wharf_port_stats": (c.c_int32, c.c_uint64, c.c_void_p),
    "wharf_port_close": (c.c_int32, c.c_uint64, c.c_int64),
    "wharf_runtime_new": (c.c_int32, c.c_void_p, c.c_void_p),
    "wharf_runtime_default": (c.c_int32, c.c_void_p),
    "wharf_runtime_shutdown": (c.c_int32, c.c_uint64, c.c_int64),
    "wharf_runtime_free": (c.c_int32, c.c_uint64),
    "wharf_spawn_fn": (c.c_int32, c.c_uint64, c.c_uint64, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p),
    "wharf_spawn_poll": (c.c_int32, c.c_uint64, c.c_uint64, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p),
    "wharf_task_wake": (c.c_int32, c.c_uint64),
    "wharf_task_is_cancelled": (c.c_bool, c.c_uint64),
    "wharf_timer_after": (c.c_int32, c.c_uint64, c.c_uint64, c.c_uint64, c.c_void_p),
    "wharf_timer_every": (c.c_int32, c.c_uint64, c.c_uint64, c.c_uint64, c.c_void_p),
    "wharf_task_cancel": (c.c_int32, c.c_uint64),
    "wharf_task_pause": (c.c_int32, c.c_uint64),
    "wharf_task_resume": (c.c_int32, c.c_uint64),
    "wharf_message_free": (c.c_int32, c.c_void_p),
    "wharf_messages_free": (c.c_int32, c.c_void_p, c.c_size_t),
    "wharf_message_text": (c.c_void_p, c.c_void_p),
    "wharf_value_copy": (c.c_int32, c.c_void_p, c.c_void_p),
    "wharf_value_free": (c.c_int32, c.c_void_p),
    "wharf_finalizer_flag": (None, c.c_void_p, c.c_void_p),
}
