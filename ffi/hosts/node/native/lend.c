/* Bytes that are given to a library without a copy.
 *
 * A buffer of JavaScript's own can't be lent out: it lies in an environment that may end while a task still has the
 * bytes, and Node-API has no owner of them alone. So these lie in a block of ours, which JavaScript's buffer and each
 * value that was sent count themselves on. When a call that took them is accepted the buffer is detached, as one that
 * was transferred: nobody writes to what a task reads.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "wharf_node.h"

typedef struct {
    /* Each drop is a release, and the last acquires what the others did. */
    atomic_size_t owners;
    _Alignas(16) uint8_t bytes[];
} block_t;

/* A block that a call is about to give away, and the buffer that has it. */
struct lent {
    struct lent *next;
    block_t *block;
    napi_ref buffer;
};

static const napi_type_tag BLOCK = {0x5e0c6d9a7f3142b8, 0x81d7e24f9ab05c36};

static void drop(block_t *block) {
    if (atomic_fetch_sub_explicit(&block->owners, 1, memory_order_release) > 1) return;
    atomic_thread_fence(memory_order_acquire);
    free(block);
}

/* For wharf, which calls it from any thread. */
static void returned(void *unused, void *peer) {
    (void)unused;
    drop(peer);
}

static void collected(napi_env env, void *data, void *hint) {
    (void)env, (void)data;
    drop(hint);
}

/* allocate(length): an ArrayBuffer. */
napi_value lend_allocate(napi_env env, napi_callback_info info) {
    napi_value buffer;
    uint64_t length;
    if (!arguments(env, info, 1, &buffer) || !to_uint64(env, buffer, &length)) return NULL;
    block_t *block = length < PTRDIFF_MAX / 2 ? calloc(1, sizeof *block + length) : NULL;
    if (block == NULL) return range_error(env, "there is no memory for so many bytes");
    atomic_init(&block->owners, 1);
    napi_status status = napi_create_external_arraybuffer(env, block->bytes, length, collected, block, &buffer);
    if (status != napi_ok) free(block);
    if (status == napi_no_external_buffers_allowed) {
        // As in Electron, whose buffers all lie in a cage: these are copied, as any other.
        void *room;
        TRY(napi_create_arraybuffer(env, length, &room, &buffer));
        return buffer;
    }
    TRY(status);
    TRY(napi_type_tag_object(env, buffer, &BLOCK));
    return buffer;
}

bool lend(napi_env env, napi_value buffer, arena_t *arena, int32_t element, size_t length, void *data,
          wharf_value_t *out, bool *is_lent) {
    *is_lent = false;
    CHECK(napi_check_object_type_tag(env, buffer, &BLOCK, is_lent));
    void *bytes = NULL;
    size_t room;
    if (*is_lent) CHECK(napi_get_arraybuffer_info(env, buffer, &bytes, &room));
    // Of a buffer that was given away, or is empty, nothing is left to give.
    if (bytes == NULL || length == 0) *is_lent = false;
    if (!*is_lent) return true;
    struct lent *lent = arena_take(env, arena, sizeof *lent);
    if (lent == NULL) return false;
    CHECK(napi_create_reference(env, buffer, 1, &lent->buffer));
    lent->block = (block_t *)((char *)bytes - offsetof(block_t, bytes));
    lent->next = arena->lent;
    arena->lent = lent;
    atomic_fetch_add_explicit(&lent->block->owners, 1, memory_order_relaxed);
    out->type = WHARF_TYPE_EXTERNAL_TYPED_DATA;
    out->value.as_external_typed_data =
        (wharf_external_typed_data_t){element, (ptrdiff_t)length, data, lent->block, returned};
    return true;
}

void lend_settle(napi_env env, arena_t *arena, bool accepted) {
    for (struct lent *lent = arena->lent; lent != NULL; lent = lent->next) {
        napi_value buffer;
        if (!accepted) {
            drop(lent->block);
        } else if (napi_get_reference_value(env, lent->buffer, &buffer) == napi_ok && buffer != NULL) {
            // Another view of it may have been in the same call.
            napi_detach_arraybuffer(env, buffer);
        }
        napi_delete_reference(env, lent->buffer);
    }
    arena->lent = NULL;
}
