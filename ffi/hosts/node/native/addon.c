/* The module: what JavaScript sees of it, and what all parts use. */

#include "wharf_node.h"

#include <math.h>
#include <string.h>

bool succeeded(napi_env env, napi_status status) {
    if (status == napi_ok) return true;
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending) {
        const napi_extended_error_info *info = NULL;
        napi_get_last_error_info(env, &info);
        const char *text = info != NULL && info->error_message != NULL ? info->error_message : "Node refused a call";
        // An environment that is ending takes no exception either.
        if (status == napi_object_expected || status == napi_string_expected || status == napi_number_expected ||
            status == napi_boolean_expected || status == napi_bigint_expected || status == napi_invalid_arg) {
            napi_throw_type_error(env, NULL, text);
        } else {
            napi_throw_error(env, NULL, text);
        }
    }
    return false;
}

void *type_error(napi_env env, const char *text) {
    napi_throw_type_error(env, NULL, text);
    return NULL;
}

void *range_error(napi_env env, const char *text) {
    napi_throw_range_error(env, NULL, text);
    return NULL;
}

bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
    CHECK(napi_get_cb_info(env, info, &count, values, NULL, NULL));
    return true;
}

instance_t *instance(napi_env env) {
    void *data = NULL;
    napi_get_instance_data(env, &data);
    return data;
}

napi_value answer(napi_env env, wharf_status_t status) {
    if (status == WHARF_OK) return NULL;
    napi_value number;
    TRY(napi_create_int32(env, status, &number));
    return number;
}

static const double SAFE_INTEGER_MAX = 9007199254740991.0;

/* A safe integer as it is; false, and no exception, for all else. */
static bool safe_integer(napi_env env, napi_value value, double *out) {
    return napi_get_value_double(env, value, out) == napi_ok && fabs(*out) <= SAFE_INTEGER_MAX &&
           *out == trunc(*out);
}

bool to_uint64(napi_env env, napi_value value, uint64_t *out) {
    double number;
    bool lossless = false;
    if (safe_integer(env, value, &number) && number >= 0) {
        *out = (uint64_t)number;
        return true;
    }
    if (napi_get_value_bigint_uint64(env, value, out, &lossless) == napi_ok && lossless) return true;
    return type_error(env, "a whole number from 0 to 2^64 - 1 is needed: a safe integer or a bigint");
}

bool to_int64(napi_env env, napi_value value, int64_t *out) {
    double number;
    bool lossless = false;
    if (safe_integer(env, value, &number)) {
        *out = (int64_t)number;
        return true;
    }
    if (napi_get_value_bigint_int64(env, value, out, &lossless) == napi_ok && lossless) return true;
    return type_error(env, "a whole number from -2^63 to 2^63 - 1 is needed: a safe integer or a bigint");
}

static void runtime_collected(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    runtime_t *runtime = data;
    ports_close(runtime);
    runtime->library->owner_drop(runtime->owner);
    free(runtime);
}

bool to_runtime(napi_env env, napi_value value, runtime_t **out) {
    CHECK(napi_get_value_external(env, value, (void **)out));
    return true;
}

/* runtimeNew(library, workers, blocking, stackBytes, name, spinNs, keepAliveNs): an external, or a status. */
static napi_value runtime_new(napi_env env, napi_callback_info info) {
    napi_value args[7];
    library_t *library;
    wharf_runtime_options_t options = {.size = sizeof options};
    uint64_t stack;
    char name[256];
    napi_valuetype type;
    if (!arguments(env, info, 7, args) || !to_library(env, args[0], &library) || !to_uint64(env, args[3], &stack) ||
        !to_uint64(env, args[5], &options.spin_before_park_ns) ||
        !to_uint64(env, args[6], &options.thread_keep_alive_ns)) {
        return NULL;
    }
    TRY(napi_get_value_uint32(env, args[1], &options.worker_threads));
    TRY(napi_get_value_uint32(env, args[2], &options.max_blocking_threads));
    TRY(napi_typeof(env, args[4], &type));
    if (type != napi_undefined) {
        size_t length;
        TRY(napi_get_value_string_utf8(env, args[4], name, sizeof name, &length));
        if (strlen(name) != length) return type_error(env, "a thread's name has no NUL in it");
        options.thread_name = name;
    }
    options.thread_stack_size = stack;
    wharf_runtime_t id;
    wharf_status_t status = library->runtime_new(&options, &id);
    if (status != WHARF_OK) return answer(env, status);
    void *owner = library->owner_new(id);
    runtime_t *runtime = malloc(sizeof *runtime);
    if (owner == NULL || runtime == NULL) {
        library->owner_drop(owner);
        free(runtime);
        return answer(env, WHARF_NO_MEMORY);
    }
    *runtime = (runtime_t){.library = library, .id = id, .owner = owner};
    napi_value external;
    if (!succeeded(env, napi_create_external(env, runtime, runtime_collected, NULL, &external))) {
        runtime_collected(env, runtime, NULL);
        return NULL;
    }
    return external;
}

/* runtimeId(runtime): a bigint. */
static napi_value runtime_id(napi_env env, napi_callback_info info) {
    napi_value value;
    runtime_t *runtime;
    if (!arguments(env, info, 1, &value) || !to_runtime(env, value, &runtime)) return NULL;
    TRY(napi_create_bigint_uint64(env, runtime->id, &value));
    return value;
}

/* runtimeEnd(runtime, free): what wharf answers at once. */
static napi_value runtime_end(napi_env env, napi_callback_info info) {
    napi_value args[2];
    runtime_t *runtime;
    bool free_it;
    if (!arguments(env, info, 2, args) || !to_runtime(env, args[0], &runtime)) return NULL;
    TRY(napi_get_value_bool(env, args[1], &free_it));
    const library_t *library = runtime->library;
    if (!free_it) return answer(env, library->runtime_shutdown(runtime->id, 0));
    ports_close(runtime);
    return answer(env, library->runtime_free(runtime->id));
}

static void unload(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    free(data);
}

/* setup(meta, values, makeSendPort): where the two halves of a batch are put, numbers and values. */
static napi_value setup(napi_env env, napi_callback_info info) {
    napi_value args[3];
    napi_typedarray_type type;
    size_t length;
    instance_t *mine = instance(env);
    if (!arguments(env, info, 3, args)) return NULL;
    TRY(napi_get_typedarray_info(env, args[0], &type, &length, (void **)&mine->meta, NULL, NULL));
    if (type != napi_float64_array || length != BATCH * META_LENGTH) return range_error(env, "not the numbers of a batch");
    TRY(napi_create_reference(env, args[0], 1, &mine->numbers));
    TRY(napi_create_reference(env, args[1], 1, &mine->values));
    TRY(napi_create_reference(env, args[2], 1, &mine->send_port));
    return NULL;
}

static const napi_property_descriptor FUNCTIONS[] = {
#define FUNCTION(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}
    FUNCTION("setup", setup),
    FUNCTION("load", library_load),
    FUNCTION("about", library_about),
    FUNCTION("lastError", library_error),
    FUNCTION("bind", bind),
    FUNCTION("post", post),
    FUNCTION("allocate", lend_allocate),
    FUNCTION("markSendPort", mark_send_port),
    FUNCTION("runtimeNew", runtime_new),
    FUNCTION("runtimeId", runtime_id),
    FUNCTION("runtimeEnd", runtime_end),
    FUNCTION("portOpen", port_open),
    FUNCTION("portId", port_id_of),
    FUNCTION("drain", port_drain),
    FUNCTION("cancelAll", port_cancel_all),
    FUNCTION("control", port_control),
    FUNCTION("grant", port_grant),
    FUNCTION("stats", port_stats),
    FUNCTION("hold", port_hold),
    FUNCTION("close", port_close),
#undef FUNCTION
};

NAPI_MODULE_INIT() {
    instance_t *mine = calloc(1, sizeof *mine);
    if (mine == NULL) return type_error(env, "there is no memory");
    TRY(napi_set_instance_data(env, mine, unload, NULL));
    TRY(napi_define_properties(env, exports, sizeof FUNCTIONS / sizeof *FUNCTIONS, FUNCTIONS));
    return exports;
}
