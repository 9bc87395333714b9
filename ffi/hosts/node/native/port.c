/* Ports in the loop of the thread that opened them.
 *
 * libuv waits for the port's descriptor beside Node's own. When it is readable, one batch is taken out of the
 * port and given to JavaScript in one call, through `napi_make_callback`, so that promises are settled and
 * exceptions heard as after any other event. What is left keeps the descriptor readable, and the loop
 * comes back to it after the others.
 *
 * A port has two owners: the JavaScript object (`collected`) and libuv's handle (`closed`). Who comes second
 * frees it. An environment that ends, however it ends, runs the clean-up hook, which waits for the handle.
 */

#include "wharf_node.h"

#include <string.h>

/* The few words of libuv's that are needed. Its header is not at hand wherever Node is, while its interface is
 * as stable as Node's own; the size of a handle is asked for. */
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
enum { HANDLE_POLL = 8, EVENT_READABLE = 1 };
size_t uv_handle_size(int type);
void uv_handle_set_data(uv_handle_t *handle, void *data);
void *uv_handle_get_data(const uv_handle_t *handle);
void uv_ref(uv_handle_t *handle);
void uv_unref(uv_handle_t *handle);
void uv_close(uv_handle_t *handle, void (*closed)(uv_handle_t *handle));
int uv_poll_init(uv_loop_t *loop, uv_handle_t *handle, int descriptor);
int uv_poll_start(uv_handle_t *handle, int events, void (*ready)(uv_handle_t *handle, int status, int events));
int uv_poll_stop(uv_handle_t *handle);

struct port {
    napi_env env;
    const library_t *library;
    wharf_port_t id;
    /* Whose it is, and its neighbours there; NULL for the library's default runtime. */
    runtime_t *runtime;
    port_t *before, *after;
    uv_handle_t *poll;
    napi_ref on_batch;
    napi_async_context context;
    napi_async_cleanup_hook_handle hook;
    /* The tasks' ids, by the index in the lower bits of their tags. */
    wharf_task_t *tasks;
    size_t room;
    bool closing;
    /* How many of the two owners there still are. */
    int owners;
};

/* The lower bits of a tag; no port has more tasks. */
enum { INDEX_MASK = (1 << 20) - 1 };

bool to_port(napi_env env, napi_value value, port_t **out) {
    CHECK(napi_get_value_external(env, value, (void **)out));
    return true;
}

wharf_port_t port_id(const port_t *port) {
    return port->id;
}

wharf_task_t *port_task(port_t *port, uint64_t tag) {
    size_t index = tag & INDEX_MASK;
    if (index >= port->room) {
        size_t room = port->room < 32 ? 64 : 2 * port->room;
        if (room <= index) room = index + 1;
        wharf_task_t *tasks = realloc(port->tasks, room * sizeof *tasks);
        if (tasks == NULL) return NULL;
        memset(tasks + port->room, 0, (room - port->room) * sizeof *tasks);
        port->tasks = tasks;
        port->room = room;
    }
    return &port->tasks[index];
}

static void release(port_t *port) {
    if (--port->owners > 0) return;
    free(port->tasks);
    free(port);
}

static void join_runtime(port_t *port, runtime_t *runtime) {
    port->runtime = runtime;
    if (runtime == NULL) return;
    port->after = runtime->ports;
    if (port->after != NULL) port->after->before = port;
    runtime->ports = port;
}

static void leave_runtime(port_t *port) {
    if (port->runtime == NULL) return;
    if (port->after != NULL) port->after->before = port->before;
    *(port->before != NULL ? &port->before->after : &port->runtime->ports) = port->after;
    port->runtime = NULL;
}

static void closed(uv_handle_t *handle) {
    port_t *port = uv_handle_get_data(handle);
    free(handle);
    napi_remove_async_cleanup_hook(port->hook);
    release(port);
}

/* Closes the port as far as that goes at once, and ends what of Node's belongs to it. */
static wharf_status_t shut(port_t *port) {
    if (!port->closing) {
        port->closing = true;
        leave_runtime(port);
        // Before the descriptor is closed, whose number may be another's after that.
        uv_poll_stop(port->poll);
        napi_delete_reference(port->env, port->on_batch);
        napi_async_destroy(port->env, port->context);
        uv_close(port->poll, closed);
    }
    return port->library->port_close(port->id, 0);
}

void ports_close(runtime_t *runtime) {
    while (runtime->ports != NULL) shut(runtime->ports);
}

static void environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
    (void)hook;
    shut(data);
}

static void collected(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    shut(data);
    release(data);
}

/* Puts a message where JavaScript finds it. */
static void tell(napi_env env, wharf_message_t *message, double *meta, napi_value values, uint32_t at) {
    wharf_value_t *value = &message->value;
    int flags = message->task == 0 ? FLAG_POSTED : 0;
    meta[META_TAG] = (double)message->tag;
    meta[META_CODE] = message->code;
    const int64_t safe = 9007199254740991;
    if (value->type == WHARF_TYPE_INT32) {
        meta[META_NUMBER] = value->value.as_int32;
        flags |= FLAG_NUMBER;
    } else if (value->type == WHARF_TYPE_INT64 && value->value.as_int64 <= safe && value->value.as_int64 >= -safe) {
        meta[META_NUMBER] = (double)value->value.as_int64;
        flags |= FLAG_NUMBER;
    } else if (value->type == WHARF_TYPE_DOUBLE) {
        meta[META_NUMBER] = value->value.as_double;
        flags |= FLAG_NUMBER;
    } else if (value->type != WHARF_TYPE_NULL) {
        napi_value made = NULL;
        if (!from_value(env, value, &made)) {
            flags |= FLAG_BROKEN;
            napi_get_and_clear_last_exception(env, &made);
        }
        if (made != NULL) napi_set_element(env, values, at, made);
    }
    meta[META_KIND] = message->kind | flags;
}

/* Takes one batch and has JavaScript handle it; how many they were. */
static size_t take(port_t *port) {
    napi_env env = port->env;
    instance_t *mine = instance(env);
    if (port->closing) return 0;
    size_t count = 0;
    napi_value values, function, number, global;
    if (napi_get_reference_value(env, mine->values, &values) != napi_ok ||
        napi_get_reference_value(env, port->on_batch, &function) != napi_ok ||
        napi_get_global(env, &global) != napi_ok ||
        port->library->port_recv_batch(port->id, mine->messages, BATCH, &count, 0) != WHARF_OK) {
        return 0;
    }
    mine->library = port->library;
    for (size_t at = 0; at < count; at++) {
        tell(env, &mine->messages[at], &mine->meta[at * META_LENGTH], values, (uint32_t)at);
    }
    port->library->messages_free(mine->messages, count);
    napi_create_double(env, (double)count, &number);
    napi_status status = napi_make_callback(env, port->context, global, function, 1, &number, NULL);
    if (status == napi_pending_exception) {
        napi_value error;
        if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
    }
    return count;
}

static void ready(uv_handle_t *handle, int status, int events) {
    (void)status, (void)events;
    port_t *port = uv_handle_get_data(handle);
    napi_env env = port->env;
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    take(port);
    napi_close_handle_scope(env, scope);
}

/* Has the loop wait for the port's descriptor; false where the system or Node refuses. */
static bool watch(napi_env env, port_t *port) {
    uv_loop_t *loop;
    int descriptor;
    if (port->library->port_descriptor(port->id, &descriptor) != WHARF_OK) return false;
    if (napi_get_uv_event_loop(env, (struct uv_loop_s **)&loop) != napi_ok) return false;
    port->poll = calloc(1, uv_handle_size(HANDLE_POLL));
    if (port->poll == NULL || uv_poll_init(loop, port->poll, descriptor) != 0) {
        free(port->poll);
        return false;
    }
    uv_handle_set_data(port->poll, port);
    uv_poll_start(port->poll, EVENT_READABLE, ready);
    uv_unref(port->poll);
    return true;
}

/* What is opened in `port_open`, from the id on. */
static napi_value open_in(napi_env env, port_t *port, runtime_t *runtime, napi_value function) {
    napi_value name, external;
    TRY(napi_create_string_utf8(env, "wharf.port", NAPI_AUTO_LENGTH, &name));
    TRY(napi_async_init(env, NULL, name, &port->context));
    TRY(napi_create_reference(env, function, 1, &port->on_batch));
    if (!watch(env, port)) {
        napi_throw_error(env, "ERR_WHARF_PORT", "the loop can't wait for the port's descriptor");
        return NULL;
    }
    port->owners = 1;
    join_runtime(port, runtime);
    napi_add_async_cleanup_hook(env, environment_ends, port, &port->hook);
    if (!succeeded(env, napi_create_external(env, port, collected, NULL, &external))) {
        shut(port);
        return NULL;
    }
    port->owners = 2;
    return external;
}

/* portOpen(library, runtime, capacity, whenFull, needsCredit, maxTasks, onBatch): an external, or a status. */
napi_value port_open(napi_env env, napi_callback_info info) {
    napi_value args[7];
    library_t *library;
    runtime_t *runtime = NULL;
    uint64_t capacity, max_tasks;
    napi_valuetype type;
    wharf_port_options_t options = {.size = sizeof options};
    if (!arguments(env, info, 7, args) || !to_library(env, args[0], &library) || !to_uint64(env, args[2], &capacity) ||
        !to_uint64(env, args[5], &max_tasks)) {
        return NULL;
    }
    TRY(napi_typeof(env, args[1], &type));
    if (type != napi_undefined && !to_runtime(env, args[1], &runtime)) return NULL;
    TRY(napi_get_value_uint32(env, args[3], &options.when_full));
    TRY(napi_get_value_uint32(env, args[4], &options.needs_credit));
    options.capacity = capacity;
    options.max_tasks = max_tasks;
    port_t *port = calloc(1, sizeof *port);
    if (port == NULL) return answer(env, WHARF_NO_MEMORY);
    *port = (port_t){.env = env, .library = library};
    wharf_status_t status = library->port_open(runtime == NULL ? 0 : runtime->id, &options, &port->id);
    if (status != WHARF_OK) {
        free(port);
        return answer(env, status);
    }
    napi_value external = open_in(env, port, runtime, args[6]);
    if (external == NULL && port->owners == 0) {
        library->port_close(port->id, 0);
        if (port->on_batch != NULL) napi_delete_reference(env, port->on_batch);
        if (port->context != NULL) napi_async_destroy(env, port->context);
        free(port);
    }
    return external;
}

/* portId(port): a bigint. */
napi_value port_id_of(napi_env env, napi_callback_info info) {
    napi_value value;
    port_t *port;
    if (!arguments(env, info, 1, &value) || !to_port(env, value, &port)) return NULL;
    TRY(napi_create_bigint_uint64(env, port->id, &value));
    return value;
}

/* drain(port): takes one batch; how many messages they were. */
napi_value port_drain(napi_env env, napi_callback_info info) {
    napi_value value;
    port_t *port;
    if (!arguments(env, info, 1, &value) || !to_port(env, value, &port)) return NULL;
    size_t count = take(port);
    TRY(napi_create_double(env, (double)count, &value));
    return value;
}

/* control(port, tag, what): cancels (0), pauses (1) or resumes (2) the task with this tag. One that has ended is
 * a status, which says nothing that its last message does not. */
napi_value port_control(napi_env env, napi_callback_info info) {
    napi_value args[3];
    port_t *port;
    uint64_t tag;
    uint32_t what;
    if (!arguments(env, info, 3, args) || !to_port(env, args[0], &port) || !to_uint64(env, args[1], &tag)) return NULL;
    TRY(napi_get_value_uint32(env, args[2], &what));
    const library_t *library = port->library;
    const wharf_task_t *task = port_task(port, tag);
    if (task == NULL) return answer(env, WHARF_NO_TASK);
    return answer(env, what == 0   ? library->task_cancel(*task)
                       : what == 1 ? library->task_pause(*task)
                                   : library->task_resume(*task));
}

/* cancelAll(port): cancels every task that the port has had, of which some have ended. */
napi_value port_cancel_all(napi_env env, napi_callback_info info) {
    napi_value value;
    port_t *port;
    if (!arguments(env, info, 1, &value) || !to_port(env, value, &port)) return NULL;
    for (size_t at = 0; at < port->room; at++) port->library->task_cancel(port->tasks[at]);
    return NULL;
}

/* grant(port, messages). */
napi_value port_grant(napi_env env, napi_callback_info info) {
    napi_value args[2];
    port_t *port;
    uint64_t messages;
    if (!arguments(env, info, 2, args) || !to_port(env, args[0], &port) || !to_uint64(env, args[1], &messages)) {
        return NULL;
    }
    return answer(env, port->library->port_grant(port->id, messages));
}

/* stats(port): five numbers in a row, or a status. */
napi_value port_stats(napi_env env, napi_callback_info info) {
    napi_value value, numbers;
    port_t *port;
    wharf_port_stats_t stats = {.size = sizeof stats};
    if (!arguments(env, info, 1, &value) || !to_port(env, value, &port)) return NULL;
    wharf_status_t status = port->library->port_stats(port->id, &stats);
    if (status != WHARF_OK) return answer(env, status);
    const uint64_t all[] = {stats.waiting, stats.tasks, stats.posted, stats.dropped, stats.refused};
    TRY(napi_create_array_with_length(env, sizeof all / sizeof *all, &numbers));
    for (uint32_t at = 0; at < sizeof all / sizeof *all; at++) {
        TRY(napi_create_double(env, (double)all[at], &value));
        TRY(napi_set_element(env, numbers, at, value));
    }
    return numbers;
}

/* hold(port, alive): whether the port keeps the loop alive. */
napi_value port_hold(napi_env env, napi_callback_info info) {
    napi_value args[2];
    port_t *port;
    bool alive;
    if (!arguments(env, info, 2, args) || !to_port(env, args[0], &port)) return NULL;
    TRY(napi_get_value_bool(env, args[1], &alive));
    if (!port->closing) (alive ? uv_ref : uv_unref)(port->poll);
    return NULL;
}

/* close(port): what wharf answers at once; WHARF_TIMEOUT asks for another call. */
napi_value port_close(napi_env env, napi_callback_info info) {
    napi_value value;
    port_t *port;
    if (!arguments(env, info, 1, &value) || !to_port(env, value, &port)) return NULL;
    return answer(env, shut(port));
}
