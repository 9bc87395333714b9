/*
 * Submits many URLs on one thread while another receives, shuts the runtime down midway, and counts:
 * as many terminal messages as accepted submits, each tag once.
 *
 * usage: shutdown LIST SUBMITS CA, with the URLs one a line; they are gone through again and again.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "check.h"

enum { URLS_MAX = 4096, KINDS = WHARF_KIND_CONTROL + 1 };

static wharf_runtime_t runtime;
static wharf_port_t port;
static const char *urls[URLS_MAX];
static size_t url_count, submit_count;
static bool *accepted;
static unsigned *answers;
static _Atomic bool shutting_down;

static void *submit_all(void *unused) {
    (void)unused;
    for (size_t tag = 0; tag < submit_count; tag++) {
        /* The last quarter is submitted during the shutdown, and slowly enough for it to show. */
        while (tag == submit_count / 4 * 3 && !atomic_load(&shutting_down)) usleep(100);
        if (tag > submit_count / 4 * 3) usleep(20);
        wharf_status_t status = load_page(port, tag, urls[tag % url_count], NULL);
        accepted[tag] = status == WHARF_OK;
        CHECK(status == WHARF_OK || status == WHARF_SHUT_DOWN, "it is %d: %s", status, why());
    }
    return NULL;
}

static void read_urls(const char *file) {
    static char text[1 << 20];
    FILE *in = fopen(file, "rb");
    if (!in) {
        perror(file);
        exit(1);
    }
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    fclose(in);
    for (char *line = strtok(text, "\n"); line && url_count < URLS_MAX; line = strtok(NULL, "\n"))
        urls[url_count++] = line;
}

/* Takes what there is, waiting for at most `timeout_ns` for the first of it. */
static size_t drain(int64_t timeout_ns, size_t kinds[KINDS]) {
    wharf_message_t messages[64];
    size_t count, total = 0;
    while (wharf_port_recv_batch(port, messages, 64, &count, timeout_ns) == WHARF_OK) {
        for (size_t at = 0; at < count; at++) {
            CHECK(messages[at].tag < submit_count, "tag %" PRIu64, messages[at].tag);
            answers[messages[at].tag]++;
            kinds[messages[at].kind]++;
        }
        MUST(wharf_messages_free(messages, count));
        total += count;
        timeout_ns = 0;
    }
    return total;
}

int main(int argc, char **argv) {
    submit_count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    if (submit_count == 0) {
        fputs("usage: shutdown LIST SUBMITS CA\n", stderr);
        return 2;
    }
    read_urls(argv[1]);
    accepted = calloc(submit_count, sizeof *accepted);
    answers = calloc(submit_count, sizeof *answers);
    MUST(wharf_runtime_new(NULL, &runtime));
    MUST(wharf_port_open(runtime, NULL, &port));
    trust_file(port, argv[3]);

    pthread_t submitter;
    if (pthread_create(&submitter, NULL, submit_all, NULL)) return 1;
    size_t kinds[KINDS] = {0}, received = 0;
    /* Midway: some have been answered, some are under way, and some not yet submitted. */
    while (received < submit_count / 20) received += drain(1000 * 1000, kinds);
    size_t before = received;
    atomic_store(&shutting_down, true);
    MUST(wharf_runtime_shutdown(runtime, WHARF_FOREVER));
    pthread_join(submitter, NULL);
    received += drain(0, kinds);

    size_t accepted_count = 0;
    for (size_t tag = 0; tag < submit_count; tag++) {
        accepted_count += accepted[tag];
        CHECK(answers[tag] == accepted[tag], "tag %zu was %saccepted and has %u answers", tag,
              accepted[tag] ? "" : "not ", answers[tag]);
    }
    CHECK(received == accepted_count, "%zu and %zu", received, accepted_count);
    CHECK(accepted_count < submit_count, "the shutdown came after the last submit");
    CHECK(kinds[WHARF_KIND_SHUT_DOWN] > 0, "nothing was under way at the shutdown");
    printf("%zu submits: %zu accepted, %zu refused; %zu answers (%zu before the shutdown): "
           "%zu ok, %zu errors, %zu shut down\n",
           submit_count, accepted_count, submit_count - accepted_count, received, before,
           kinds[WHARF_KIND_OK], kinds[WHARF_KIND_ERROR], kinds[WHARF_KIND_SHUT_DOWN]);
    MUST(wharf_port_close(port, WHARF_FOREVER));
    MUST(wharf_runtime_free(runtime));
    free(accepted);
    free(answers);
    return checked("shutdown midway");
}
