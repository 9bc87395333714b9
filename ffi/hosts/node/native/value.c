/* Values both ways.
 *
 * To the library all is copied, but for what lend.c has: what of JavaScript's is read lies in an arena for the time of a
 * call. From the library, strings and
 * copied data are copied into JavaScript's heap, and data that the library lends is used where it is: its finalizer
 * runs when the buffer has been collected.
 */

#include "wharf_node.h"

#include <math.h>
#include <string.h>

struct chunk {
    struct chunk *next;
    _Alignas(16) char room[];
};

void arena_init(arena_t *arena) {
    arena->chunks = NULL;
    arena->lent = NULL;
    arena->used = 0;
    arena->values = 0;
}

void arena_free(arena_t *arena) {
    while (arena->chunks != NULL) {
        struct chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}

void *arena_take(napi_env env, arena_t *arena, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (size <= sizeof arena->room - arena->used) {
        void *room = arena->room + arena->used;
        arena->used += size;
        return room;
    }
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL) return range_error(env, "there is no memory for the arguments of a call");
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk->room;
}

bool to_text(napi_env env, napi_value value, arena_t *arena, const char **out) {
    size_t length, room = sizeof arena->room - arena->used;
    char *text = arena->room + arena->used;
    // Most fit into what is left, and are gone through once.
    if (room > 64 && napi_get_value_string_utf8(env, value, text, room, &length) == napi_ok && length + 4 < room) {
        arena_take(env, arena, length + 1);
    } else {
        if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
            return type_error(env, "a string is needed");
        }
        text = arena_take(env, arena, length + 1);
        if (text == NULL) return false;
        CHECK(napi_get_value_string_utf8(env, value, text, length + 1, &length));
    }
    if (memchr(text, 0, length) != NULL) {
        return type_error(env, "a string with a NUL in it can't be passed on: what follows it would be lost");
    }
    *out = text;
    return true;
}

/* The kinds of data as wharf numbers them: as JavaScript does, of how many bytes an element is, how many of
 * JavaScript's elements one of wharf's is. */
static const struct {
    int type;
    size_t bytes;
    size_t lanes;
} DATA[] = {
    [WHARF_DATA_BYTES] = {-1, 1, 1},
    [WHARF_DATA_INT8] = {napi_int8_array, 1, 1},
    [WHARF_DATA_UINT8] = {napi_uint8_array, 1, 1},
    [WHARF_DATA_UINT8_CLAMPED] = {napi_uint8_clamped_array, 1, 1},
    [WHARF_DATA_INT16] = {napi_int16_array, 2, 1},
    [WHARF_DATA_UINT16] = {napi_uint16_array, 2, 1},
    [WHARF_DATA_INT32] = {napi_int32_array, 4, 1},
    [WHARF_DATA_UINT32] = {napi_uint32_array, 4, 1},
    [WHARF_DATA_INT64] = {napi_bigint64_array, 8, 1},
    [WHARF_DATA_UINT64] = {napi_biguint64_array, 8, 1},
    [WHARF_DATA_FLOAT32] = {napi_float32_array, 4, 1},
    [WHARF_DATA_FLOAT64] = {napi_float64_array, 8, 1},
    [WHARF_DATA_INT32X4] = {napi_int32_array, 16, 4},
    [WHARF_DATA_FLOAT32X4] = {napi_float32_array, 16, 4},
    [WHARF_DATA_FLOAT64X2] = {napi_float64_array, 16, 2},
};
enum { DATA_KINDS = sizeof DATA / sizeof *DATA };

static bool data_value(napi_env env, napi_value buffer, arena_t *arena, int32_t element, size_t length, void *data,
                       wharf_value_t *out) {
    bool is_lent;
    if (!lend(env, buffer, arena, element, length, data, out, &is_lent)) return false;
    if (is_lent) return true;
    out->type = WHARF_TYPE_TYPED_DATA;
    out->value.as_typed_data = (wharf_typed_data_t){element, (ptrdiff_t)length, data};
    return true;
}

static bool typed_array_value(napi_env env, napi_value value, arena_t *arena, wharf_value_t *out) {
    napi_typedarray_type type;
    size_t length;
    void *data;
    napi_value buffer;
    CHECK(napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, NULL));
    for (int32_t kind = WHARF_DATA_INT8; kind <= WHARF_DATA_FLOAT64; kind++) {
        if (DATA[kind].type == (int)type) return data_value(env, buffer, arena, kind, length, data, out);
    }
    return type_error(env, "a typed array of this kind can't be sent");
}

static bool array_value(napi_env env, napi_value value, arena_t *arena, int depth, wharf_value_t *out) {
    if (depth >= WHARF_VALUE_MAX_DEPTH) return range_error(env, "arrays are nested too deeply");
    uint32_t length;
    CHECK(napi_get_array_length(env, value, &length));
    arena->values += length;
    if (arena->values > WHARF_VALUE_MAX_COUNT) return range_error(env, "a value holds too many others");
    wharf_value_t *values = arena_take(env, arena, length * sizeof *values);
    wharf_value_t **pointers = arena_take(env, arena, length * sizeof *pointers);
    if (values == NULL || pointers == NULL) return false;
    for (uint32_t at = 0; at < length; at++) {
        napi_handle_scope scope;
        napi_value element;
        CHECK(napi_open_handle_scope(env, &scope));
        bool good = succeeded(env, napi_get_element(env, value, at, &element)) &&
                    to_value(env, element, arena, depth + 1, &values[at]);
        napi_close_handle_scope(env, scope);
        if (!good) return false;
        pointers[at] = &values[at];
    }
    out->type = WHARF_TYPE_ARRAY;
    out->value.as_array = (wharf_array_t){length, pointers};
    return true;
}

static const napi_type_tag SEND_PORT = {0x9d1f2f6c5b7e4a08, 0xb3c07a61e8d94f25};

napi_value mark_send_port(napi_env env, napi_callback_info info) {
    napi_value value;
    if (!arguments(env, info, 1, &value)) return NULL;
    TRY(napi_type_tag_object(env, value, &SEND_PORT));
    return NULL;
}

static bool object_value(napi_env env, napi_value value, arena_t *arena, int depth, wharf_value_t *out) {
    bool is = false;
    void *data;
    size_t length;
    napi_value buffer;
    CHECK(napi_is_array(env, value, &is));
    if (is) return array_value(env, value, arena, depth, out);
    CHECK(napi_is_typedarray(env, value, &is));
    if (is) return typed_array_value(env, value, arena, out);
    CHECK(napi_is_arraybuffer(env, value, &is));
    if (is) {
        CHECK(napi_get_arraybuffer_info(env, value, &data, &length));
        return data_value(env, value, arena, WHARF_DATA_BYTES, length, data, out);
    }
    CHECK(napi_is_dataview(env, value, &is));
    if (is) {
        CHECK(napi_get_dataview_info(env, value, &length, &data, &buffer, NULL));
        return data_value(env, buffer, arena, WHARF_DATA_BYTES, length, data, out);
    }
    CHECK(napi_check_object_type_tag(env, value, &SEND_PORT, &is));
    if (!is) return type_error(env, "an object can't be sent: arrays, typed arrays, buffers and send ports can");
    napi_value id;
    uint64_t number;
    CHECK(napi_get_named_property(env, value, "id", &id));
    if (!to_uint64(env, id, &number)) return false;
    out->type = WHARF_TYPE_SEND_PORT;
    out->value.as_send_port = (wharf_send_port_t){(int64_t)number, 0};
    return true;
}

static bool number_value(napi_env env, napi_value value, wharf_value_t *out) {
    double number;
    CHECK(napi_get_value_double(env, value, &number));
    // Below 2^53 in size, and not the zero below zero.
    if (number == trunc(number) && fabs(number) <= 9007199254740991.0 && (number != 0 || !signbit(number))) {
        out->type = WHARF_TYPE_INT64;
        out->value.as_int64 = (int64_t)number;
    } else {
        out->type = WHARF_TYPE_DOUBLE;
        out->value.as_double = number;
    }
    return true;
}

bool to_value(napi_env env, napi_value value, arena_t *arena, int depth, wharf_value_t *out) {
    napi_valuetype type;
    CHECK(napi_typeof(env, value, &type));
    switch (type) {
        case napi_undefined:
        case napi_null: out->type = WHARF_TYPE_NULL; return true;
        case napi_boolean:
            out->type = WHARF_TYPE_BOOL;
            CHECK(napi_get_value_bool(env, value, &out->value.as_bool));
            return true;
        case napi_number: return number_value(env, value, out);
        case napi_bigint: out->type = WHARF_TYPE_INT64; return to_int64(env, value, &out->value.as_int64);
        case napi_string: out->type = WHARF_TYPE_STRING; return to_text(env, value, arena, &out->value.as_string);
        case napi_object: return object_value(env, value, arena, depth, out);
        default: return type_error(env, "functions, symbols and the like can't be sent");
    }
}

/* Who gets lent data back. */
typedef struct {
    wharf_finalizer_t callback;
    void *peer;
} lender_t;

static void give_back(napi_env env, void *data, void *hint) {
    (void)env, (void)data;
    lender_t *lender = hint;
    lender->callback(NULL, lender->peer);
    free(lender);
}

static bool copied_buffer(napi_env env, const void *data, size_t bytes, napi_value *out) {
    void *room;
    CHECK(napi_create_arraybuffer(env, bytes, &room, out));
    if (bytes > 0) memcpy(room, data, bytes);
    return true;
}

/* The library's bytes themselves, where that can be; the value is null then. */
static bool lent_buffer(napi_env env, wharf_value_t *value, size_t bytes, size_t lane, napi_value *out) {
    wharf_external_typed_data_t lent = value->value.as_external_typed_data;
    // Of nothing there is nothing to share, and an element has its place.
    if (bytes == 0 || (uintptr_t)lent.data % lane != 0) return copied_buffer(env, lent.data, bytes, out);
    lender_t *lender = malloc(sizeof *lender);
    if (lender == NULL) return copied_buffer(env, lent.data, bytes, out);
    *lender = (lender_t){lent.callback, lent.peer};
    napi_status status = napi_create_external_arraybuffer(env, lent.data, bytes, give_back, lender, out);
    if (status == napi_ok) {
        value->type = WHARF_TYPE_NULL;
        return true;
    }
    free(lender);
    // As in a Node whose buffers all have to lie in a cage.
    return copied_buffer(env, lent.data, bytes, out);
}

static bool from_data(napi_env env, wharf_value_t *value, bool lent, napi_value *out) {
    const wharf_external_typed_data_t *data = &value->value.as_external_typed_data;
    // The two begin alike.
    int32_t kind = data->element;
    size_t length = (size_t)data->length;
    if (kind < 0 || kind >= DATA_KINDS) return type_error(env, "typed data of a kind that is not known");
    size_t bytes = length * DATA[kind].bytes;
    napi_value buffer;
    if (lent) {
        if (!lent_buffer(env, value, bytes, DATA[kind].bytes / DATA[kind].lanes, &buffer)) return false;
    } else if (!copied_buffer(env, value->value.as_typed_data.values, bytes, &buffer)) {
        return false;
    }
    if (kind == WHARF_DATA_BYTES) {
        CHECK(napi_create_dataview(env, bytes, buffer, 0, out));
    } else {
        napi_typedarray_type type = (napi_typedarray_type)DATA[kind].type;
        CHECK(napi_create_typedarray(env, type, length * DATA[kind].lanes, buffer, 0, out));
    }
    return true;
}

static bool from_array(napi_env env, wharf_value_t *value, napi_value *out) {
    wharf_array_t array = value->value.as_array;
    CHECK(napi_create_array_with_length(env, (size_t)array.length, out));
    for (ptrdiff_t at = 0; at < array.length; at++) {
        napi_handle_scope scope;
        napi_value element;
        CHECK(napi_open_handle_scope(env, &scope));
        bool good = from_value(env, array.values[at], &element) &&
                    succeeded(env, napi_set_element(env, *out, (uint32_t)at, element));
        napi_close_handle_scope(env, scope);
        if (!good) return false;
    }
    return true;
}

static void free_pointer(napi_env env, void *data, void *hint) {
    (void)env;
    wharf_finalizer_t callback;
    memcpy(&callback, &hint, sizeof callback);
    callback(NULL, data);
}

static bool from_pointer(napi_env env, wharf_value_t *value, napi_value *out) {
    wharf_native_pointer_t pointer = value->value.as_native_pointer;
    void *hint;
    memcpy(&hint, &pointer.callback, sizeof hint);
    CHECK(napi_create_external(env, (void *)pointer.ptr, free_pointer, hint, out));
    value->type = WHARF_TYPE_NULL;
    return true;
}

static bool from_send_port(napi_env env, int64_t id, napi_value *out) {
    napi_value function, global, args[2];
    instance_t *mine = instance(env);
    CHECK(napi_get_reference_value(env, mine->send_port, &function));
    CHECK(napi_get_global(env, &global));
    CHECK(napi_create_uint32(env, mine->library->number, &args[0]));
    CHECK(napi_create_bigint_uint64(env, (uint64_t)id, &args[1]));
    CHECK(napi_call_function(env, global, function, 2, args, out));
    return true;
}

bool from_int64(napi_env env, int64_t number, napi_value *out) {
    if (number > 9007199254740991 || number < -9007199254740991) {
        CHECK(napi_create_bigint_int64(env, number, out));
    } else {
        CHECK(napi_create_int64(env, number, out));
    }
    return true;
}

bool from_value(napi_env env, wharf_value_t *value, napi_value *out) {
    switch (value->type) {
        case WHARF_TYPE_NULL: CHECK(napi_get_null(env, out)); return true;
        case WHARF_TYPE_BOOL: CHECK(napi_get_boolean(env, value->value.as_bool, out)); return true;
        case WHARF_TYPE_INT32: CHECK(napi_create_int32(env, value->value.as_int32, out)); return true;
        case WHARF_TYPE_INT64: return from_int64(env, value->value.as_int64, out);
        case WHARF_TYPE_DOUBLE: CHECK(napi_create_double(env, value->value.as_double, out)); return true;
        case WHARF_TYPE_STRING:
            CHECK(napi_create_string_utf8(env, value->value.as_string, NAPI_AUTO_LENGTH, out));
            return true;
        case WHARF_TYPE_ARRAY: return from_array(env, value, out);
        case WHARF_TYPE_TYPED_DATA: return from_data(env, value, false, out);
        case WHARF_TYPE_EXTERNAL_TYPED_DATA:
        case WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA: return from_data(env, value, true, out);
        case WHARF_TYPE_SEND_PORT: return from_send_port(env, value->value.as_send_port.id, out);
        case WHARF_TYPE_CAPABILITY: CHECK(napi_create_bigint_int64(env, value->value.as_capability.id, out)); return true;
        case WHARF_TYPE_NATIVE_POINTER: return from_pointer(env, value, out);
        default: return type_error(env, "a value of a type that is not known");
    }
}
