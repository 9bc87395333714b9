/*
 * The library `pages` in C: loads web pages, many at a time.
 *
 * Each function returns at once. A refused call is answered by a status, and nothing else happens.
 * An accepted one is answered by WHARF_OK, and then by exactly one terminal message at `port` with
 * the tag that was given: see wharf.h for the kinds. `task`, if it is not NULL, gets the id with
 * which the task can be cancelled.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "wharf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A loaded page is an array of these. */
enum {
    PAGE_STATUS,  /* int32: the status of the answer; 404 is an answer too */
    PAGE_TITLE,   /* string: the title, or an empty string */
    PAGE_BYTES,   /* int64: the size of the body in bytes, unpacked, in its own charset */
    PAGE_TIME_NS, /* int64: from the submit to the answer, in nanoseconds */
    PAGE_BODY,    /* string: the body as UTF-8 */
    PAGE_LENGTH
};

/* The codes of messages of kind WHARF_KIND_ERROR; their text names the cause. */
enum {
    PAGE_ERROR_MALFORMED_URL = 1,
    PAGE_ERROR_UNSUPPORTED_SCHEME = 2,
    PAGE_ERROR_UNKNOWN_HOST = 3,
    PAGE_ERROR_REFUSED = 4,
    PAGE_ERROR_UNREACHABLE = 5,
    PAGE_ERROR_BAD_CERTIFICATE = 6,
    PAGE_ERROR_TLS = 7,
    PAGE_ERROR_CLOSED = 8,
    PAGE_ERROR_TIMED_OUT = 9,
    PAGE_ERROR_TOO_LARGE = 10,
    PAGE_ERROR_TOO_MANY_REDIRECTS = 11,
    PAGE_ERROR_PROTOCOL = 12,
    PAGE_ERROR_BAD_ENCODING = 13
};

/* Loads the page at `url`, a string of UTF-8, within 30 seconds and 32 MiB. */
wharf_status_t load_page(wharf_port_t port, uint64_t tag, const char *url, wharf_task_t *task);

/* The same within a time limit in nanoseconds and a size limit in bytes; 0 for the usual one. */
wharf_status_t load_page_within(wharf_port_t port, uint64_t tag, const char *url,
                                uint64_t time_limit_ns, size_t size_limit_bytes,
                                wharf_task_t *task);

/* Trusts the certificates in `pem` as authorities, beside Mozilla's, for the whole process. The
 * result is an int64: how many they were. */
wharf_status_t trust_certificates(wharf_port_t port, uint64_t tag, const uint8_t *pem,
                                  size_t pem_length, wharf_task_t *task);

#ifdef __cplusplus
}
#endif

#endif
