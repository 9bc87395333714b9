/* Calls of a library's own functions, whose types are known when the program runs.
 *
 * In the calling conventions of x86-64 (System V) and of 64-bit ARM, whole numbers and pointers are given registers
 * in their order, floating-point numbers others in theirs, and what is left over a word each on the stack. So one
 * call with all registers filled and some words behind them is right for every function of at most as many
 * arguments; the caller takes the stack's words back. Arguments narrower than a word are extended to one, as
 * both conventions allow. What does not fit is refused when the function is bound.
 */

#include "wharf_node.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define WORDS W(0), W(1), W(2), W(3), W(4), W(5)
#define TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
enum { WORDS_IN_REGISTERS = 6, WORDS_ON_STACK = 8 };
#elif defined(__aarch64__)
#define WORDS W(0), W(1), W(2), W(3), W(4), W(5), W(6), W(7)
#define TYPES uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#if defined(__APPLE__)
/* There the stack's arguments are as narrow as their types. */
enum { WORDS_IN_REGISTERS = 8, WORDS_ON_STACK = 0 };
#else
enum { WORDS_IN_REGISTERS = 8, WORDS_ON_STACK = 8 };
#endif
#else
#error "the calling convention of this processor is not known here: 64-bit x86 and ARM are"
#endif

enum { WORDS_MAX = WORDS_IN_REGISTERS + WORDS_ON_STACK, FLOATS_MAX = 8, PARAMETERS_MAX = 24 };

#define ALL_TYPES \
    TYPES, double, double, double, double, double, double, double, double, uint64_t, uint64_t, uint64_t, uint64_t, \
        uint64_t, uint64_t, uint64_t, uint64_t
/* A result narrower than a word is in the lower part of it. */
typedef uint64_t (*small_t)(TYPES);
typedef uint64_t (*large_t)(ALL_TYPES);
typedef double (*real_t)(ALL_TYPES);

/* A function of a library's, as JavaScript calls it. */
typedef struct {
    union {
        void *address;
        small_t small;
        large_t large;
        real_t real;
    } function;
    uint32_t words;
    uint32_t floats;
    uint32_t count;
    /* The letter of the result, for a function that submits nothing; 0 for one that does. */
    char result;
    /* A letter for each parameter; capitals are unsigned. See `convert`. */
    char types[PARAMETERS_MAX + 1];
} binding_t;

typedef struct {
    uint64_t words[WORDS_IN_REGISTERS + 8];
    double floats[FLOATS_MAX];
    uint32_t word;
    uint32_t real;
    arena_t arena;
} frame_t;

static bool put(frame_t *frame, uint64_t word) {
    frame->words[frame->word++] = word;
    return true;
}

/* A whole number of so many bits. */
static bool put_integer(napi_env env, frame_t *frame, napi_value value, int bits, bool is_signed) {
    double number, low = is_signed ? -ldexp(1, bits - 1) : 0, high = ldexp(1, is_signed ? bits - 1 : bits) - 1;
    if (napi_get_value_double(env, value, &number) != napi_ok || number != trunc(number)) {
        return type_error(env, "a whole number is needed");
    }
    if (number < low || number > high) {
        char text[80];
        snprintf(text, sizeof text, "%.17g is not from %.0f to %.0f", number, low, high);
        return range_error(env, text);
    }
    return put(frame, (uint64_t)(int64_t)number);
}

/* Elements, given where they are: they are read during the call. */
static bool put_elements(napi_env env, frame_t *frame, napi_value value, char element) {
    static const struct {
        char letter;
        int type;
        const char *text;
    } KINDS[] = {
        {'c', napi_int8_array, "an Int8Array is needed"},      {'C', napi_uint8_array, "a Uint8Array is needed"},
        {'h', napi_int16_array, "an Int16Array is needed"},    {'H', napi_uint16_array, "a Uint16Array is needed"},
        {'i', napi_int32_array, "an Int32Array is needed"},    {'I', napi_uint32_array, "a Uint32Array is needed"},
        {'l', napi_bigint64_array, "a BigInt64Array is needed"}, {'L', napi_biguint64_array, "a BigUint64Array is needed"},
        {'f', napi_float32_array, "a Float32Array is needed"}, {'d', napi_float64_array, "a Float64Array is needed"},
    };
    size_t kind = 0;
    while (kind + 1 < sizeof KINDS / sizeof *KINDS && KINDS[kind].letter != element) kind++;
    bool is_array = false;
    napi_typedarray_type type;
    size_t length;
    void *data;
    CHECK(napi_is_typedarray(env, value, &is_array));
    if (!is_array) return type_error(env, KINDS[kind].text);
    CHECK(napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL));
    if ((int)type != KINDS[kind].type) return type_error(env, KINDS[kind].text);
    return put(frame, (uintptr_t)data) && put(frame, length);
}

static bool put_real(napi_env env, frame_t *frame, napi_value value, bool is_single) {
    double number;
    if (napi_get_value_double(env, value, &number) != napi_ok) return type_error(env, "a number is needed");
    if (is_single) {
        // The lower half of the register is the argument.
        float single = (float)number;
        number = 0;
        memcpy(&number, &single, sizeof single);
    }
    frame->floats[frame->real++] = number;
    return true;
}

static bool put_text(napi_env env, frame_t *frame, napi_value value) {
    napi_valuetype type;
    CHECK(napi_typeof(env, value, &type));
    if (type == napi_null || type == napi_undefined) return put(frame, 0);
    const char *text;
    return to_text(env, value, &frame->arena, &text) && put(frame, (uintptr_t)text);
}

/* A port, by its id or as an object that has one. */
static bool put_port(napi_env env, frame_t *frame, napi_value value) {
    napi_valuetype type;
    uint64_t id;
    CHECK(napi_typeof(env, value, &type));
    if (type == napi_object) CHECK(napi_get_named_property(env, value, "id", &value));
    return to_uint64(env, value, &id) && put(frame, id);
}

/* Adds an argument; `type` is at its letter, and an element's follows that of elements. */
static bool convert(napi_env env, frame_t *frame, napi_value value, const char *type) {
    uint64_t word = 0;
    bool truth = false;
    wharf_value_t *sent;
    switch (*type) {
        case 'b':
            if (napi_get_value_bool(env, value, &truth) != napi_ok) return type_error(env, "a boolean is needed");
            return put(frame, truth);
        case 'c': return put_integer(env, frame, value, 8, true);
        case 'C': return put_integer(env, frame, value, 8, false);
        case 'h': return put_integer(env, frame, value, 16, true);
        case 'H': return put_integer(env, frame, value, 16, false);
        case 'i': return put_integer(env, frame, value, 32, true);
        case 'I': return put_integer(env, frame, value, 32, false);
        case 'l': return to_int64(env, value, (int64_t *)&word) && put(frame, word);
        case 'L': return to_uint64(env, value, &word) && put(frame, word);
        case 'f': return put_real(env, frame, value, true);
        case 'd': return put_real(env, frame, value, false);
        case 'p': return put_port(env, frame, value);
        case 's': return put_text(env, frame, value);
        case '*': return put_elements(env, frame, value, type[1]);
        default:
            sent = arena_take(env, &frame->arena, sizeof *sent);
            return sent != NULL && to_value(env, value, &frame->arena, 0, sent) && put(frame, (uintptr_t)sent);
    }
}

#define W(at) frame->words[at]
#define R(at) frame->floats[at]
#define ALL \
    WORDS, R(0), R(1), R(2), R(3), R(4), R(5), R(6), R(7), rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], \
        rest[6], rest[7]

static uint64_t call(const binding_t *binding, const frame_t *frame) {
    if (binding->floats == 0 && binding->words <= WORDS_IN_REGISTERS) return binding->function.small(WORDS);
    const uint64_t *rest = frame->words + WORDS_IN_REGISTERS;
    return binding->function.large(ALL);
}

static double call_real(const binding_t *binding, const frame_t *frame) {
    const uint64_t *rest = frame->words + WORDS_IN_REGISTERS;
    return binding->function.real(ALL);
}

#undef ALL
#undef R
#undef W

static void frame_init(frame_t *frame) {
    frame->word = frame->real = 0;
    memset(frame->words, 0, sizeof frame->words);
    memset(frame->floats, 0, sizeof frame->floats);
    arena_init(&frame->arena);
}

/* Adds all arguments of the binding's own. */
static bool convert_all(napi_env env, const binding_t *binding, frame_t *frame, const napi_value *args) {
    const char *type = binding->types;
    for (uint32_t at = 0; at < binding->count; at++) {
        if (!convert(env, frame, args[at], type)) return false;
        type += *type == '*' ? 2 : 1;
    }
    return true;
}

/* A bound function: (port, tag, ...arguments). `undefined` if it was accepted, else its status. */
static napi_value invoke(napi_env env, napi_callback_info info) {
    napi_value args[2 + PARAMETERS_MAX];
    size_t given = 2 + PARAMETERS_MAX;
    binding_t *binding;
    port_t *port;
    double tag;
    TRY(napi_get_cb_info(env, info, &given, args, NULL, (void **)&binding));
    if (!to_port(env, args[0], &port)) return NULL;
    TRY(napi_get_value_double(env, args[1], &tag));
    frame_t frame;
    frame_init(&frame);
    put(&frame, port_id(port));
    put(&frame, (uint64_t)tag);
    bool good = convert_all(env, binding, &frame, args + 2);
    wharf_status_t status = WHARF_OK;
    if (good) {
        // Not before: an argument's getters may submit other tasks, for which the places move.
        wharf_task_t *task = port_task(port, (uint64_t)tag);
        put(&frame, (uintptr_t)task);
        status = task == NULL ? WHARF_NO_MEMORY : (wharf_status_t)call(binding, &frame);
    }
    lend_settle(env, &frame.arena, good && status == WHARF_OK);
    arena_free(&frame.arena);
    return good ? answer(env, status) : NULL;
}

static bool result_of(napi_env env, char type, uint64_t word, napi_value *out) {
    switch (type) {
        case 'b': return succeeded(env, napi_get_boolean(env, (word & 0xff) != 0, out));
        case 'i': return succeeded(env, napi_create_int32(env, (int32_t)word, out));
        case 'I': return succeeded(env, napi_create_uint32(env, (uint32_t)word, out));
        case 'l': return from_int64(env, (int64_t)word, out);
        case 'L':
            if (word <= INT64_MAX) return from_int64(env, (int64_t)word, out);
            return succeeded(env, napi_create_bigint_uint64(env, word, out));
        case 's':
            if (word == 0) return succeeded(env, napi_get_null(env, out));
            return succeeded(env, napi_create_string_utf8(env, (const char *)(uintptr_t)word, NAPI_AUTO_LENGTH, out));
        default: *out = NULL; return true;
    }
}

/* A bound function that submits nothing: (...arguments). Its result. */
static napi_value invoke_directly(napi_env env, napi_callback_info info) {
    napi_value args[PARAMETERS_MAX], result = NULL;
    size_t given = PARAMETERS_MAX;
    binding_t *binding;
    frame_t frame;
    TRY(napi_get_cb_info(env, info, &given, args, NULL, (void **)&binding));
    frame_init(&frame);
    bool good = convert_all(env, binding, &frame, args);
    if (good && binding->result == 'd') {
        good = succeeded(env, napi_create_double(env, call_real(binding, &frame), &result));
    } else if (good) {
        good = result_of(env, binding->result, call(binding, &frame), &result);
    }
    // Nobody has said what becomes of bytes in such a call.
    lend_settle(env, &frame.arena, false);
    arena_free(&frame.arena);
    return good ? result : NULL;
}

/* Counts what the parameters take, with the port, the tag and the task's place; false for an unknown letter. */
static bool measure(binding_t *binding) {
    binding->words = binding->result == 0 ? 3 : 0;
    for (const char *type = binding->types; *type != 0; type++) {
        binding->count++;
        if (strchr("bcChHiIlLpsv", *type) != NULL) binding->words++;
        else if (strchr("fd", *type) != NULL) binding->floats++;
        else if (*type == '*' && type[1] != 0 && strchr("cChHiIlLfd", type[1]) != NULL) binding->words += 2, type++;
        else return false;
    }
    return true;
}

static void unbind(napi_env env, void *data, void *hint) {
    (void)env, (void)hint;
    free(data);
}

/* A binding's types from the text that JavaScript has for them; false, with an exception, for others. */
static bool read_types(napi_env env, binding_t *binding, napi_value types, napi_value result) {
    size_t length;
    char letter[2] = "";
    if (napi_get_value_string_utf8(env, types, binding->types, sizeof binding->types, &length) != napi_ok ||
        napi_get_value_string_utf8(env, result, letter, sizeof letter, NULL) != napi_ok) {
        return type_error(env, "the types of a function are not known");
    }
    binding->result = letter[0];
    if (!measure(binding)) return type_error(env, "the types of a function are not known");
    if (binding->words > WORDS_MAX || binding->floats > FLOATS_MAX || length + 1 >= sizeof binding->types) {
        return range_error(env, "a function has more parameters than can be passed");
    }
    return true;
}

/* bind(library, name, types, result): a function; `null` where the library has none of this name. */
napi_value bind(napi_env env, napi_callback_info info) {
    napi_value args[4], function;
    library_t *library;
    char name[256];
    size_t length;
    if (!arguments(env, info, 4, args) || !to_library(env, args[0], &library)) return NULL;
    TRY(napi_get_value_string_utf8(env, args[1], name, sizeof name, &length));
    void *address = dlsym(library->handle, name);
    if (address == NULL) {
        TRY(napi_get_null(env, &function));
        return function;
    }
    binding_t *binding = calloc(1, sizeof *binding);
    if (binding == NULL) return range_error(env, "there is no memory");
    binding->function.address = address;
    napi_callback invoked = invoke;
    bool good = read_types(env, binding, args[2], args[3]);
    if (good && binding->result != 0) invoked = invoke_directly;
    if (!good || !succeeded(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, invoked, binding, &function))) {
        free(binding);
        return NULL;
    }
    TRY(napi_add_finalizer(env, function, binding, unbind, NULL, NULL));
    return function;
}

/* post(library, portId, tag, value, asControl). */
napi_value post(napi_env env, napi_callback_info info) {
    napi_value args[5];
    library_t *library;
    uint64_t port, tag;
    bool control;
    if (!arguments(env, info, 5, args) || !to_library(env, args[0], &library) || !to_uint64(env, args[1], &port) ||
        !to_uint64(env, args[2], &tag)) {
        return NULL;
    }
    TRY(napi_get_value_bool(env, args[4], &control));
    arena_t arena;
    wharf_value_t value;
    arena_init(&arena);
    wharf_status_t status = WHARF_OK;
    bool good = to_value(env, args[3], &arena, 0, &value);
    if (good) status = (control ? library->post_control : library->post)(port, tag, &value);
    lend_settle(env, &arena, good && status == WHARF_OK);
    arena_free(&arena);
    return good ? answer(env, status) : NULL;
}
