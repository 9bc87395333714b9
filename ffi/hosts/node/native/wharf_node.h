/* What the parts of the addon share.
 *
 * | file | has |
 * | --- | --- |
 * | addon.c | the module: what JavaScript sees of it |
 * | library.c | loaded libraries, their functions by name, their last error |
 * | call.c | calls of a library's own functions, whose types are known when the program runs |
 * | value.c | values both ways |
 * | lend.c | bytes that are given to a library without a copy |
 * | port.c | ports in the loop of the thread that opened them |
 *
 * All of it runs on the JavaScript thread whose environment it belongs to; no thread of wharf's ever enters
 * it.
 */
#ifndef WHARF_NODE_H
#define WHARF_NODE_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdlib.h>

#include "wharf.h"

/* Functions of wharf's that are looked up in each library. */
#define WHARF_NODE_FUNCTIONS(X) \
    X(abi_version) X(version) X(status_text) \
    X(last_error_code) X(last_error_length) X(last_error_message) \
    X(owner_new) X(owner_drop) \
    X(runtime_new) X(runtime_shutdown) X(runtime_free) \
    X(port_open) X(port_descriptor) X(port_recv_batch) X(port_grant) X(port_stats) X(port_close) \
    X(post) X(post_control) \
    X(task_cancel) X(task_pause) X(task_resume) \
    X(messages_free)

/* A loaded library. It lives as long as the process, as the library itself does. */
typedef struct library {
    struct library *next;
    uint32_t number;
    void *handle;
#define WHARF_NODE_MEMBER(name) __typeof__(&wharf_##name) name;
    WHARF_NODE_FUNCTIONS(WHARF_NODE_MEMBER)
#undef WHARF_NODE_MEMBER
} library_t;

/* How many messages are taken at once: the bound on what one turn of the loop does for a port. */
enum { BATCH = 128 };

/* What JavaScript reads of a message: four numbers in a row. */
enum { META_TAG, META_KIND, META_CODE, META_NUMBER, META_LENGTH };

/* Beside the kind, in META_KIND. */
enum {
    FLAG_POSTED = 8,  /* by a host, not by a task */
    FLAG_NUMBER = 16, /* the value is the number in META_NUMBER */
    FLAG_BROKEN = 32, /* the value is why the real one could not be made */
};

/* What belongs to one environment: the main thread's, or a worker's. */
typedef struct {
    wharf_message_t messages[BATCH];
    /* Of JavaScript's: numbers, and where they are; and an array for the values. */
    napi_ref numbers;
    double *meta;
    napi_ref values;
    /* Makes a send port of a library's number and an id. */
    napi_ref send_port;
    /* Whose values are being made. */
    const library_t *library;
} instance_t;

/* Memory that is freed together: what a call's arguments are copied to. */
typedef struct {
    struct chunk *chunks;
    /* What the call gives away, once it has been accepted. */
    struct lent *lent;
    size_t used;
    size_t values;
    _Alignas(16) char room[1024];
} arena_t;

typedef struct port port_t;

/* A runtime, given up by its object's finalizer where it was not shut down. */
typedef struct {
    library_t *library;
    wharf_runtime_t id;
    void *owner;
    /* Those of its ports that are open here: freeing the runtime closes them, and Node has to know before. */
    port_t *ports;
} runtime_t;

/* Ends the function that it stands in, with NULL, where a call of Node-API's fails; an exception is then pending. */
#define TRY(call) \
    do { \
        if (!succeeded(env, (call))) return NULL; \
    } while (0)
/* The same in a function whose answer is whether it succeeded. */
#define CHECK(call) \
    do { \
        if (!succeeded(env, (call))) return false; \
    } while (0)

bool succeeded(napi_env env, napi_status status);
/* Throws a TypeError or RangeError; always NULL. */
void *type_error(napi_env env, const char *text);
void *range_error(napi_env env, const char *text);
/* The arguments of a function that takes `count` of them, and its environment's own. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
instance_t *instance(napi_env env);
/* NULL, which JavaScript sees as `undefined`, for WHARF_OK; else the number. */
napi_value answer(napi_env env, wharf_status_t status);
/* A whole number from 0 up: an id or a number of nanoseconds, as a number or a bigint. */
bool to_uint64(napi_env env, napi_value value, uint64_t *out);
bool to_runtime(napi_env env, napi_value value, runtime_t **out);
bool to_int64(napi_env env, napi_value value, int64_t *out);

/* library.c */
napi_value library_load(napi_env env, napi_callback_info info);
napi_value library_about(napi_env env, napi_callback_info info);
napi_value library_error(napi_env env, napi_callback_info info);
bool to_library(napi_env env, napi_value value, library_t **out);

/* value.c */
void arena_init(arena_t *arena);
void arena_free(arena_t *arena);
/* NULL where there is no memory; an exception is then pending. */
void *arena_take(napi_env env, arena_t *arena, size_t size);
/* UTF-8 with a NUL behind it and none inside. */
bool to_text(napi_env env, napi_value value, arena_t *arena, const char **out);
bool to_value(napi_env env, napi_value value, arena_t *arena, int depth, wharf_value_t *out);
/* What is lent out is taken from the value, which is then null. */
bool from_value(napi_env env, wharf_value_t *value, napi_value *out);
/* A number, or a bigint beyond 2^53. */
bool from_int64(napi_env env, int64_t number, napi_value *out);
/* Marks an object as a send port; its property `id` is the port's. */
napi_value mark_send_port(napi_env env, napi_callback_info info);

/* lend.c */
napi_value lend_allocate(napi_env env, napi_callback_info info);
/* Makes a value of bytes that can be lent; `is_lent` is false for those of any other buffer. */
bool lend(napi_env env, napi_value buffer, arena_t *arena, int32_t element, size_t length, void *data,
          wharf_value_t *out, bool *is_lent);
/* Gives away what was lent, or takes it back. To be called once for an arena, after the call. */
void lend_settle(napi_env env, arena_t *arena, bool accepted);

/* call.c */
napi_value bind(napi_env env, napi_callback_info info);
napi_value post(napi_env env, napi_callback_info info);

/* port.c */
napi_value port_open(napi_env env, napi_callback_info info);
napi_value port_id_of(napi_env env, napi_callback_info info);
napi_value port_drain(napi_env env, napi_callback_info info);
napi_value port_cancel_all(napi_env env, napi_callback_info info);
napi_value port_control(napi_env env, napi_callback_info info);
napi_value port_grant(napi_env env, napi_callback_info info);
napi_value port_stats(napi_env env, napi_callback_info info);
napi_value port_hold(napi_env env, napi_callback_info info);
napi_value port_close(napi_env env, napi_callback_info info);
/* Closes all ports of a runtime. */
void ports_close(runtime_t *runtime);
bool to_port(napi_env env, napi_value value, port_t **out);
wharf_port_t port_id(const port_t *port);
/* Where the id of the task with this tag goes; NULL where there is no memory for it. */
wharf_task_t *port_task(port_t *port, uint64_t tag);

#endif
