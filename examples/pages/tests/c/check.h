/*
 * What the C tests share: checks that say where they failed, and what was found there.
 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

static _Atomic int checks_failed;

/* Why the latest call on this thread was refused. */
static inline const char *why(void) {
    static _Thread_local char text[512];
    wharf_last_error_message(text, sizeof text);
    return text;
}

#define CHECK(holds, ...)                                        \
    do {                                                         \
        if (!(holds)) {                                          \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #holds); \
            fprintf(stderr, __VA_ARGS__);                        \
            fputc('\n', stderr);                                 \
            checks_failed++;                                     \
        }                                                        \
    } while (0)

/* A call that must be accepted, or nothing that follows makes sense. */
#define MUST(call)                                               \
    do {                                                         \
        wharf_status_t must_status = (call);                     \
        if (must_status != WHARF_OK) {                           \
            fprintf(stderr, "%s:%d: %s is %d: %s\n", __FILE__, __LINE__, #call, must_status, why()); \
            exit(1);                                             \
        }                                                        \
    } while (0)

/* A call that must be refused with this status and a text that has this word in it. */
#define REFUSED(call, status, word)                              \
    do {                                                         \
        wharf_status_t got = (call);                             \
        CHECK(got == (status), "it is %d", got);                 \
        CHECK(got == (status) && wharf_last_error_code() == (status), "the last error's code is %d", \
              wharf_last_error_code());                          \
        CHECK(strstr(why(), word), "the last error says '%s'", why()); \
    } while (0)

static inline wharf_message_t receive(wharf_port_t port) {
    wharf_message_t message;
    MUST(wharf_port_recv(port, &message, WHARF_FOREVER));
    return message;
}

/* Trusts the authority of the site, whose certificate is in `file`. */
static inline void trust_file(wharf_port_t port, const char *file) {
    uint8_t pem[16384];
    FILE *in = fopen(file, "rb");
    if (!in) {
        perror(file);
        exit(1);
    }
    size_t length = fread(pem, 1, sizeof pem, in);
    fclose(in);
    MUST(trust_certificates(port, 5, pem, length, NULL));
    wharf_message_t message = receive(port);
    CHECK(message.kind == WHARF_KIND_OK && message.value.value.as_int64 == 1, "%s",
          wharf_message_text(&message));
    MUST(wharf_message_free(&message));
}

/* Says how the test went, as its exit status. */
static inline int checked(const char *name) {
    if (checks_failed) fprintf(stderr, "%s: %d checks failed\n", name, checks_failed);
    else printf("%s: ok\n", name);
    return checks_failed != 0;
}

#endif
