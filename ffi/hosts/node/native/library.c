/* Loaded libraries, their functions by name, their last error. */

#include "wharf_node.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t LOCK = PTHREAD_MUTEX_INITIALIZER;
/* All that were loaded, by whichever environment. */
static library_t *LIBRARIES;

/* Fills the table; the name of what the library lacks, or NULL. */
static const char *look_up(library_t *library) {
#define LOOK_UP(name) \
    *(void **)&library->name = dlsym(library->handle, "wharf_" #name); \
    if (library->name == NULL) return "wharf_" #name;
    WHARF_NODE_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return NULL;
}

static library_t *known(void *handle) {
    library_t *library = LIBRARIES;
    while (library != NULL && library->handle != handle) library = library->next;
    return library;
}

/* A library by its handle; NULL and what it lacks, or NULL twice where there is no memory. */
static library_t *of_handle(void *handle, const char **lacks) {
    pthread_mutex_lock(&LOCK);
    library_t *library = known(handle);
    if (library == NULL && (library = calloc(1, sizeof *library)) != NULL) {
        library->handle = handle;
        *lacks = look_up(library);
        if (*lacks == NULL) {
            library->next = LIBRARIES;
            library->number = LIBRARIES == NULL ? 0 : LIBRARIES->number + 1;
            LIBRARIES = library;
        } else {
            free(library);
            library = NULL;
        }
    }
    pthread_mutex_unlock(&LOCK);
    return library;
}

/* load(path): an external. */
napi_value library_load(napi_env env, napi_callback_info info) {
    napi_value value;
    arena_t arena;
    const char *path;
    if (!arguments(env, info, 1, &value)) return NULL;
    arena_init(&arena);
    if (!to_text(env, value, &arena, &path)) {
        arena_free(&arena);
        return NULL;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    arena_free(&arena);
    if (handle == NULL) {
        napi_throw_error(env, "ERR_DLOPEN_FAILED", dlerror());
        return NULL;
    }
    const char *lacks = NULL;
    library_t *library = of_handle(handle, &lacks);
    if (library == NULL) {
        char text[128];
        snprintf(text, sizeof text, "the library is not built on wharf, or on another version: it lacks %s",
                 lacks != NULL ? lacks : "memory");
        dlclose(handle);
        napi_throw_error(env, "ERR_WHARF_LIBRARY", text);
        return NULL;
    }
    TRY(napi_create_external(env, library, NULL, NULL, &value));
    return value;
}

bool to_library(napi_env env, napi_value value, library_t **out) {
    CHECK(napi_get_value_external(env, value, (void **)out));
    return true;
}

/* about(library): its number here, the interface's version as a number, and the library's as text. */
napi_value library_about(napi_env env, napi_callback_info info) {
    napi_value value, number, abi, version;
    library_t *library;
    if (!arguments(env, info, 1, &value) || !to_library(env, value, &library)) return NULL;
    TRY(napi_create_uint32(env, library->number, &number));
    TRY(napi_create_uint32(env, library->abi_version(), &abi));
    TRY(napi_create_string_utf8(env, library->version(), NAPI_AUTO_LENGTH, &version));
    TRY(napi_create_array_with_length(env, 3, &value));
    TRY(napi_set_element(env, value, 0, number));
    TRY(napi_set_element(env, value, 1, abi));
    TRY(napi_set_element(env, value, 2, version));
    return value;
}

/* lastError(library, status): the text of the error that was just answered by this status. */
napi_value library_error(napi_env env, napi_callback_info info) {
    napi_value args[2], text;
    library_t *library;
    int32_t status;
    if (!arguments(env, info, 2, args) || !to_library(env, args[0], &library)) return NULL;
    TRY(napi_get_value_int32(env, args[1], &status));
    if (library->last_error_code() != status) {
        const char *known = library->status_text(status);
        TRY(napi_create_string_utf8(env, known != NULL ? known : "refused", NAPI_AUTO_LENGTH, &text));
        return text;
    }
    arena_t arena;
    arena_init(&arena);
    size_t room = library->last_error_length() + 1;
    char *buffer = arena_take(env, &arena, room);
    napi_status made = napi_pending_exception;
    if (buffer != NULL) {
        size_t length = library->last_error_message(buffer, room);
        made = napi_create_string_utf8(env, buffer, length, &text);
    }
    arena_free(&arena);
    TRY(made);
    return text;
}
