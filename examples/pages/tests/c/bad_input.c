/*
 * Bad input through the C interface: each case ends in a status at the call, or in one error message
 * at the port, that names the cause; nothing hangs, and nothing is left over at the end.
 *
 * usage: bad_input HTTP HTTPS UNTRUSTED CA, as the demo's site has printed them.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { MS = 1000 * 1000 };

static wharf_runtime_t runtime;
static wharf_port_t port;

/* ---- at the port ---- */

struct trouble {
    const char *url;
    uint64_t time_limit_ms;
    size_t size_limit;
    int code;
    const char *word;
};

static void troubles(const char *http, const char *https, const char *untrusted,
                     const char *nobody) {
    char urls[16][128];
    size_t made = 0;
#define AT(scheme, address, path) \
    (snprintf(urls[made], sizeof urls[made], "%s://%s%s", scheme, address, path), urls[made++])
    const struct trouble troubles[] = {
        {"", 0, 0, PAGE_ERROR_MALFORMED_URL, "malformed"},
        {"no url", 0, 0, PAGE_ERROR_MALFORMED_URL, "'no url'"},
        {"http://", 0, 0, PAGE_ERROR_MALFORMED_URL, "no host"},
        {"http://h:99999/", 0, 0, PAGE_ERROR_MALFORMED_URL, "port"},
        {"ftp://h/", 0, 0, PAGE_ERROR_UNSUPPORTED_SCHEME, "'ftp'"},
        {"http://no-such-host.invalid/", 0, 0, PAGE_ERROR_UNKNOWN_HOST, "no-such-host.invalid"},
        {AT("http", nobody, "/"), 0, 0, PAGE_ERROR_REFUSED, nobody},
        {AT("https", untrusted, "/"), 0, 0, PAGE_ERROR_BAD_CERTIFICATE, "certificate"},
        {AT("https", http, "/"), 0, 0, PAGE_ERROR_TLS, "TLS"},
        {AT("http", http, "/trouble/closes"), 0, 0, PAGE_ERROR_CLOSED, "closed"},
        {AT("https", https, "/trouble/closes"), 0, 0, PAGE_ERROR_CLOSED, "closed"},
        {AT("https", https, "/trouble/closes-at-once"), 0, 0, PAGE_ERROR_CLOSED, "0 bytes"},
        {AT("http", http, "/trouble/silent"), 300, 0, PAGE_ERROR_TIMED_OUT, "head"},
        {AT("https", https, "/trouble/silent"), 300, 0, PAGE_ERROR_TIMED_OUT, "300 ms"},
        {AT("http", http, "/trouble/stalls"), 300, 0, PAGE_ERROR_TIMED_OUT, "body"},
        {AT("http", http, "/trouble/endless"), 0, 100000, PAGE_ERROR_TOO_LARGE, "100000"},
        {AT("https", https, "/trouble/endless"), 0, 0, PAGE_ERROR_TOO_LARGE, "limit"},
        {AT("http", http, "/trouble/loop"), 0, 0, PAGE_ERROR_TOO_MANY_REDIRECTS, "redirects"},
        {AT("http", http, "/trouble/not-gzip"), 0, 0, PAGE_ERROR_BAD_ENCODING, "decoded"},
        {AT("http", http, "/trouble/brotli"), 0, 0, PAGE_ERROR_BAD_ENCODING, "'br'"},
    };
    size_t count = sizeof troubles / sizeof *troubles;
    for (size_t at = 0; at < count; at++) {
        const struct trouble *trouble = &troubles[at];
        MUST(load_page_within(port, at, trouble->url, trouble->time_limit_ms * MS,
                              trouble->size_limit, NULL));
    }
    unsigned answers[sizeof troubles / sizeof *troubles] = {0};
    for (size_t received = 0; received < count; received++) {
        wharf_message_t message = receive(port);
        const struct trouble *trouble = &troubles[message.tag];
        const char *text = wharf_message_text(&message);
        answers[message.tag]++;
        CHECK(message.kind == WHARF_KIND_ERROR, "'%s' is of kind %d", trouble->url, message.kind);
        CHECK(message.code == trouble->code, "'%s' has code %d, '%s'", trouble->url, message.code,
              text);
        CHECK(text && strstr(text, trouble->word), "'%s' says '%s'", trouble->url, text);
        MUST(wharf_message_free(&message));
    }
    for (size_t at = 0; at < count; at++) {
        CHECK(answers[at] == 1, "'%s' has %u answers", troubles[at].url, answers[at]);
    }
}

static void good_in_between(const char *https) {
    char url[128];
    snprintf(url, sizeof url, "https://%s/trouble/latin-1", https);
    MUST(load_page(port, 7, url, NULL));
    wharf_message_t message = receive(port);
    CHECK(message.kind == WHARF_KIND_OK && message.tag == 7, "kind %d", message.kind);
    CHECK(message.value.type == WHARF_TYPE_ARRAY, "type %d", message.value.type);
    CHECK(message.value.value.as_array.length == PAGE_LENGTH, "%td fields",
          (ptrdiff_t)message.value.value.as_array.length);
    const char *title = message.value.value.as_array.values[PAGE_TITLE]->value.as_string;
    CHECK(!strcmp(title, "Caf\xc3\xa9 & Bar"), "'%s'", title);
    MUST(wharf_message_free(&message));
    /* What has been freed is empty: once more does no harm. */
    MUST(wharf_message_free(&message));
}

/* ---- at the call ---- */

static void refusals(void) {
    const char *url = "http://127.0.0.1/";
    wharf_message_t message;
    size_t count;
    int descriptor;
    REFUSED(load_page(port, 1, NULL, NULL), WHARF_NULL, "url");
    REFUSED(load_page(port, 1, "http://\xff/", NULL), WHARF_NOT_UTF8, "url");
    REFUSED(load_page(port, 1, "\xed\xa0\x80", NULL), WHARF_NOT_UTF8, "UTF-8");
    REFUSED(trust_certificates(port, 1, NULL, 5, NULL), WHARF_NULL, "pem");
    REFUSED(trust_certificates(port, 1, (const uint8_t *)url, SIZE_MAX, NULL), WHARF_OUT_OF_RANGE,
            "pem");
    const wharf_port_t made_up[] = {0, 1, 42, port + 1, port ^ (UINT64_C(1) << 40), UINT64_MAX,
                                    runtime};
    for (size_t at = 0; at < sizeof made_up / sizeof *made_up; at++) {
        REFUSED(load_page(made_up[at], 1, url, NULL), WHARF_NO_PORT, "port");
        REFUSED(wharf_port_try_recv(made_up[at], &message), WHARF_NO_PORT, "port");
        REFUSED(wharf_port_descriptor(made_up[at], &descriptor), WHARF_NO_PORT, "port");
        REFUSED(wharf_port_close(made_up[at], 0), WHARF_NO_PORT, "port");
        REFUSED(wharf_task_cancel(made_up[at]), WHARF_NO_TASK, "task");
    }
    REFUSED(wharf_runtime_shutdown(port, 0), WHARF_NO_RUNTIME, "runtime");
    REFUSED(wharf_runtime_free(runtime), WHARF_WRONG_STATE, "shut down");
    REFUSED(wharf_port_recv(port, NULL, 0), WHARF_NULL, "out");
    REFUSED(wharf_port_recv_batch(port, &message, 0, &count, 0), WHARF_OUT_OF_RANGE, "0");
    REFUSED(wharf_port_recv_batch(port, &message, 1, NULL, 0), WHARF_NULL, "count");
    REFUSED(wharf_port_recv(port, &message, -2), WHARF_OUT_OF_RANGE, "-2");
    CHECK(wharf_port_try_recv(port, &message) == WHARF_EMPTY, "a refused call has posted something");
}

static void a_closed_port(const char *http) {
    wharf_port_t closed;
    wharf_message_t message;
    char url[128];
    snprintf(url, sizeof url, "http://%s/trouble/silent", http);
    MUST(wharf_port_open(runtime, NULL, &closed));
    for (int at = 0; at < 100; at++) MUST(load_page(closed, 1, url, NULL));
    MUST(wharf_port_close(closed, WHARF_FOREVER));
    REFUSED(load_page(closed, 1, url, NULL), WHARF_NO_PORT, "port");
    REFUSED(wharf_port_try_recv(closed, &message), WHARF_NO_PORT, "port");
    REFUSED(wharf_port_close(closed, WHARF_FOREVER), WHARF_NO_PORT, "port");
}

/* ---- cancelling ---- */

static void cancelled(uint64_t tag) {
    wharf_message_t message = receive(port);
    CHECK(message.tag == tag && message.kind == WHARF_KIND_CANCELLED, "tag %" PRIu64 ", kind %d",
          message.tag, message.kind);
    MUST(wharf_message_free(&message));
    CHECK(wharf_port_try_recv(port, &message) == WHARF_EMPTY, "there is a second message");
}

static void cancelling(const char *http) {
    wharf_task_t task;
    wharf_message_t message;
    char silent[128], good[128];
    snprintf(silent, sizeof silent, "http://%s/trouble/silent", http);
    snprintf(good, sizeof good, "http://%s/trouble/latin-1", http);

    /* At once, before or while it is first looked at; and twice. */
    MUST(load_page(port, 1, silent, &task));
    MUST(wharf_task_cancel(task));
    wharf_status_t again = wharf_task_cancel(task);
    CHECK(again == WHARF_OK || again == WHARF_NO_TASK, "it is %d", again);
    cancelled(1);
    REFUSED(wharf_task_cancel(task), WHARF_NO_TASK, "task");

    /* In the middle, at several depths. */
    for (int wait_us = 50; wait_us < 30000; wait_us *= 2) {
        MUST(load_page(port, 2, silent, &task));
        usleep((useconds_t)wait_us);
        MUST(wharf_task_cancel(task));
        cancelled(2);
    }

    /* Afterwards, with its message taken or not. */
    MUST(load_page(port, 3, good, &task));
    message = receive(port);
    CHECK(message.kind == WHARF_KIND_OK && message.task == task, "kind %d", message.kind);
    MUST(wharf_message_free(&message));
    REFUSED(wharf_task_cancel(task), WHARF_NO_TASK, "task");
    CHECK(wharf_port_try_recv(port, &message) == WHARF_EMPTY, "there is a second message");

    /* Many, while they end by themselves: each has one answer, whatever it is. */
    enum { MANY = 200 };
    unsigned answers[MANY] = {0};
    wharf_task_t tasks[MANY];
    for (size_t at = 0; at < MANY; at++) MUST(load_page(port, at, good, &tasks[at]));
    for (size_t at = 0; at < MANY; at++) wharf_task_cancel(tasks[at * 7 % MANY]);
    for (size_t received = 0; received < MANY; received++) {
        message = receive(port);
        CHECK(message.kind == WHARF_KIND_OK || message.kind == WHARF_KIND_CANCELLED, "kind %d, %s",
              message.kind, wharf_message_text(&message));
        answers[message.tag]++;
        MUST(wharf_message_free(&message));
    }
    for (size_t at = 0; at < MANY; at++) CHECK(answers[at] == 1, "%u answers", answers[at]);
    CHECK(wharf_port_try_recv(port, &message) == WHARF_EMPTY, "there is one message too many");
}

/* ---- the end ---- */

static void a_runtime_that_is_shut_down(const char *http) {
    wharf_message_t message;
    wharf_port_t late;
    char url[128];
    snprintf(url, sizeof url, "http://%s/trouble/silent", http);
    MUST(load_page(port, 9, url, NULL));
    MUST(wharf_runtime_shutdown(runtime, WHARF_FOREVER));
    MUST(wharf_runtime_shutdown(runtime, WHARF_FOREVER));
    REFUSED(load_page(port, 10, url, NULL), WHARF_SHUT_DOWN, "shut down");
    REFUSED(wharf_port_open(runtime, NULL, &late), WHARF_SHUT_DOWN, "shut down");
    message = receive(port);
    CHECK(message.tag == 9 && message.kind == WHARF_KIND_SHUT_DOWN, "kind %d", message.kind);
    MUST(wharf_message_free(&message));
    MUST(wharf_runtime_free(runtime));
    REFUSED(wharf_runtime_free(runtime), WHARF_NO_RUNTIME, "runtime");
    REFUSED(wharf_runtime_shutdown(runtime, 0), WHARF_NO_RUNTIME, "runtime");
    REFUSED(wharf_port_open(runtime, NULL, &late), WHARF_NO_RUNTIME, "runtime");
    REFUSED(load_page(port, 10, url, NULL), WHARF_NO_PORT, "port");
}

static void trusting(const char *file) {
    trust_file(port, file);
    MUST(trust_certificates(port, 6, (const uint8_t *)"nonsense", 8, NULL));
    wharf_message_t message = receive(port);
    const char *text = wharf_message_text(&message);
    CHECK(message.kind == WHARF_KIND_ERROR && strstr(text, "certificate"), "'%s'", text);
    MUST(wharf_message_free(&message));
}

/* A socket that is bound, so that nobody else gets its port, and does not listen. */
static int bound_only(char *address, size_t room) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof in;
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bound < 0 || bind(bound, (struct sockaddr *)&in, length) ||
        getsockname(bound, (struct sockaddr *)&in, &length)) {
        perror("bound_only");
        exit(1);
    }
    snprintf(address, room, "127.0.0.1:%d", ntohs(in.sin_port));
    return bound;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fputs("usage: bad_input HTTP HTTPS UNTRUSTED CA\n", stderr);
        return 2;
    }
    char nobody[32];
    int bound = bound_only(nobody, sizeof nobody);
    MUST(wharf_runtime_new(NULL, &runtime));
    MUST(wharf_port_open(runtime, NULL, &port));
    trusting(argv[4]);
    refusals();
    good_in_between(argv[2]);
    troubles(argv[1], argv[2], argv[3], nobody);
    good_in_between(argv[2]);
    a_closed_port(argv[1]);
    cancelling(argv[1]);
    a_runtime_that_is_shut_down(argv[1]);
    close(bound);
    return checked("bad input");
}
