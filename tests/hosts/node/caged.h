/* Node-API as Electron has it, where no buffer may lie outside of the cage. */
#define NAPI_VERSION 8
#include <node_api.h>

#define napi_create_external_arraybuffer(env, data, length, finalize, hint, out) \
    ((void)(env), (void)(data), (void)(length), (void)(finalize), (void)(hint), (void)(out), napi_no_external_buffers_allowed)
