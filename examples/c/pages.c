/*
 * Loads web pages through a library written in Rust, and never waits for one.
 *
 * Every submit returns at once. The answers arrive as messages at a port, whose descriptor this
 * program polls beside a timer of its own that beats every 5 ms: how late the latest beat was is
 * how long the library has held this program up.
 *
 * usage: pages-host [--concurrency N] [--time-limit MS] [--trust PEM] [--all] [--quiet] LIST
 *
 * LIST is a file with one URL a line. Exit status: 0 if every accepted submit got exactly one
 * answer (and, with --all, every page was loaded), 3 if pages failed with --all, 4 if an answer was
 * lost or came twice, 2 if nothing could be begun.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"
#include "wharf.h"

enum {
    BEAT_NS = 5 * 1000 * 1000,
    /* Messages taken and submits made in one turn of the loop, so that no turn is a long one. */
    BATCH = 32,
    TITLE_CHARACTERS = 60,
};

struct options {
    size_t concurrency;
    uint32_t time_limit_ms;
    const char *trust;
    bool all;
    bool quiet;
    const char *list;
};

struct page {
    const char *url;
    bool accepted, answered;
};

struct host {
    struct options options;
    wharf_runtime_t runtime;
    wharf_port_t port;
    struct page *pages;
    size_t count, submitted, accepted, answered, loaded, failed, unasked;
    uint64_t bytes;
    int64_t next_beat_ns, held_up_ns, latest_answer_ns;
    bool bar;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal) {
    (void)signal;
    interrupted = 1;
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("pages-host: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

/* Why the latest call on this thread was refused. */
static const char *why(void) {
    static char text[512];
    wharf_last_error_message(text, sizeof text);
    return text;
}

/* Ends the program where wharf has refused something that everything else stands on. */
static void must(const char *what, wharf_status_t status) {
    if (status != WHARF_OK) die("%s: %s", what, why());
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- what is on the screen ---- */

/* Writes at most `characters` of a text from the web, with nothing in it that moves a terminal's
 * cursor. */
static void print_clean(const char *text, size_t characters) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at && characters--) {
        size_t length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
        bool control = *at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
        if (control) putchar('?');
        else fwrite(at, 1, length, stdout);
        at += length;
    }
    if (*at) fputs("...", stdout);
}

static void wipe_bar(const struct host *host) {
    if (host->bar) fputs("\r\033[K", stderr);
}

static void draw_bar(const struct host *host) {
    enum { WIDTH = 40 };
    if (!host->bar) return;
    char bar[WIDTH + 1];
    size_t filled = host->answered * WIDTH / host->count;
    memset(bar, '.', WIDTH);
    memset(bar, '#', filled);
    bar[WIDTH] = 0;
    fflush(stdout);
    fprintf(stderr, "\r[%s] %zu of %zu, %zu under way", bar, host->answered, host->count,
            host->accepted - host->answered);
}

/* One line for a page that has arrived. */
static void print_page(const struct host *host, const struct page *page,
                       const wharf_message_t *message) {
    if (host->options.quiet) return;
    wipe_bar(host);
    if (message->kind == WHARF_KIND_OK) {
        wharf_value_t **fields = message->value.value.as_array.values;
        printf("%3" PRId32 " %9" PRId64 " bytes %6.1f ms  ", fields[PAGE_STATUS]->value.as_int32,
               fields[PAGE_BYTES]->value.as_int64,
               (double)fields[PAGE_TIME_NS]->value.as_int64 / 1e6);
        const char *title = fields[PAGE_TITLE]->value.as_string;
        print_clean(*title ? title : page->url, TITLE_CHARACTERS);
    } else {
        const char *text = wharf_message_text(message);
        printf("error %d: ", message->code);
        print_clean(text ? text : "without words", SIZE_MAX);
        printf("  ");
        print_clean(page->url, SIZE_MAX);
    }
    putchar('\n');
}

/* ---- submitting and receiving ---- */

static void submit(struct host *host) {
    struct page *page = &host->pages[host->submitted];
    uint64_t limit_ns = host->options.time_limit_ms * UINT64_C(1000000);
    wharf_status_t status =
        load_page_within(host->port, host->submitted, page->url, limit_ns, 0, NULL);
    host->submitted++;
    if (status == WHARF_OK) {
        page->accepted = true;
        host->accepted++;
        return;
    }
    host->failed++;
    wipe_bar(host);
    printf("refused, %s: ", why());
    print_clean(page->url, SIZE_MAX);
    putchar('\n');
}

static bool is_good(const wharf_message_t *message) {
    if (message->kind != WHARF_KIND_OK) return false;
    return message->value.value.as_array.values[PAGE_STATUS]->value.as_int32 < 400;
}

static void take(struct host *host, const wharf_message_t *message) {
    struct page *page = message->tag < host->count ? &host->pages[message->tag] : NULL;
    if (!page || !page->accepted || page->answered) {
        host->unasked++;
        return;
    }
    page->answered = true;
    host->answered++;
    host->latest_answer_ns = now_ns();
    if (message->kind == WHARF_KIND_OK) {
        host->bytes += (uint64_t)message->value.value.as_array.values[PAGE_BYTES]->value.as_int64;
    }
    if (is_good(message)) host->loaded++;
    else host->failed++;
    print_page(host, page, message);
}

/* Takes one batch of messages; true if there was one. */
static bool receive(struct host *host) {
    wharf_message_t messages[BATCH];
    size_t count;
    wharf_status_t status = wharf_port_recv_batch(host->port, messages, BATCH, &count, 0);
    if (status == WHARF_EMPTY) return false;
    must("cannot receive", status);
    for (size_t at = 0; at < count; at++) take(host, &messages[at]);
    wharf_messages_free(messages, count);
    draw_bar(host);
    return true;
}

/* ---- the loop ---- */

static int start_beat(struct host *host) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0) die("no timer: %s", strerror(errno));
    host->next_beat_ns = now_ns() + BEAT_NS;
    struct itimerspec beat = {
        .it_interval = {.tv_nsec = BEAT_NS},
        .it_value = {.tv_sec = host->next_beat_ns / 1000000000,
                     .tv_nsec = host->next_beat_ns % 1000000000},
    };
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &beat, NULL)) die("no timer: %s", strerror(errno));
    return timer;
}

/* Notes how late this beat, the first one not yet seen, is looked at. */
static void feel_beat(struct host *host, int timer) {
    uint64_t beats;
    if (read(timer, &beats, sizeof beats) != sizeof beats) return;
    int64_t late_ns = now_ns() - host->next_beat_ns;
    if (late_ns > host->held_up_ns) host->held_up_ns = late_ns;
    host->next_beat_ns += (int64_t)beats * BEAT_NS;
}

/* Every page has a time limit, so one that is long past it will not be answered any more. */
static bool waits_in_vain(const struct host *host) {
    const int64_t grace_ms = 10000;
    int64_t limit_ns = ((int64_t)host->options.time_limit_ms + grace_ms) * 1000000;
    return now_ns() - host->latest_answer_ns > limit_ns;
}

static void load_all(struct host *host) {
    int port;
    must("the port has no descriptor", wharf_port_descriptor(host->port, &port));
    int timer = start_beat(host);
    struct pollfd watched[] = {{.fd = port, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
    host->latest_answer_ns = now_ns();
    while (host->answered < host->accepted || host->submitted < host->count) {
        if (interrupted || waits_in_vain(host)) break;
        size_t under_way = host->accepted - host->answered;
        size_t room = host->options.concurrency - under_way;
        for (size_t made = 0; made < room && made < BATCH && host->submitted < host->count; made++)
            submit(host);
        /* More may be submitted at once, or in the next turn: only look, then. */
        bool more = room > BATCH && host->submitted < host->count;
        if (poll(watched, 2, more ? 0 : -1) < 0 && errno != EINTR) {
            die("cannot wait: %s", strerror(errno));
        }
        if (watched[1].revents) feel_beat(host, timer);
        if (watched[0].revents) receive(host);
    }
    close(timer);
}

/* ---- from the command line to the exit status ---- */

static size_t number(const char *name, const char *text) {
    char *end;
    errno = 0;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    if (!text || errno || *end || value == 0 || value > INT32_MAX || *text == '-') {
        die("%s takes a number from 1 up, not '%s'", name, text ? text : "");
    }
    return value;
}

static struct options parse(char **arguments) {
    struct options options = {.concurrency = 50, .time_limit_ms = 30000};
    for (char **at = arguments + 1; *at; at++) {
        if (!strcmp(*at, "--concurrency")) options.concurrency = number(at[0], at[1]), at++;
        else if (!strcmp(*at, "--time-limit"))
            options.time_limit_ms = (uint32_t)number(at[0], at[1]), at++;
        else if (!strcmp(*at, "--trust") && at[1]) options.trust = *++at;
        else if (!strcmp(*at, "--all")) options.all = true;
        else if (!strcmp(*at, "--quiet")) options.quiet = true;
        else if (**at != '-' && !options.list) options.list = *at;
        else die("what does '%s' mean? The head of pages.c tells the options", *at);
    }
    if (!options.list) die("no list of URLs is given");
    return options;
}

/* The whole of a file, with a NUL after it. The caller frees it. */
static char *read_file(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file) die("cannot open %s: %s", name, strerror(errno));
    char *text = NULL;
    size_t length = 0, room = 0;
    do {
        room = room ? room * 2 : 1 << 16;
        text = realloc(text, room);
        if (!text) die("no memory for %s", name);
        length += fread(text + length, 1, room - length - 1, file);
    } while (length == room - 1);
    if (ferror(file)) die("cannot read %s", name);
    fclose(file);
    text[length] = 0;
    return text;
}

static void split_lines(struct host *host, char *text) {
    size_t room = 0;
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        if (host->count == room) {
            room = room ? room * 2 : 256;
            host->pages = realloc(host->pages, room * sizeof *host->pages);
            if (!host->pages) die("no memory for %zu pages", room);
        }
        host->pages[host->count++] = (struct page){.url = line};
    }
    if (host->count == 0) die("the list of URLs is empty");
}

/* Nothing can be loaded before this is answered, so here the program waits. */
static void trust(const struct host *host) {
    char *pem = read_file(host->options.trust);
    wharf_message_t answer;
    must("the certificates to trust",
         trust_certificates(host->port, 0, (const uint8_t *)pem, strlen(pem), NULL));
    must("no answer", wharf_port_recv(host->port, &answer, WHARF_FOREVER));
    if (answer.kind != WHARF_KIND_OK) {
        die("%s: %s", host->options.trust, wharf_message_text(&answer));
    }
    wharf_message_free(&answer);
    free(pem);
}

/* After the shutdown every accepted submit has been answered, or never will be. */
static void shut_down(struct host *host) {
    must("shutting down", wharf_runtime_shutdown(host->runtime, WHARF_FOREVER));
    while (receive(host)) {}
    wipe_bar(host);
    must("closing the port", wharf_port_close(host->port, WHARF_FOREVER));
    must("freeing the runtime", wharf_runtime_free(host->runtime));
}

static int summary(const struct host *host, double seconds) {
    size_t lost = host->accepted - host->answered;
    if (host->unasked) printf("%zu messages that nothing accounts for\n", host->unasked);
    if (interrupted) printf("interrupted; %zu were not begun\n", host->count - host->submitted);
    printf("%.1f MB in %.2f s, at most %zu under way at once\n", (double)host->bytes / 1e6, seconds,
           host->options.concurrency);
    printf("%zu pages: %zu loaded, %zu failed, %zu lost, %.0f pages/s, host held up at most %" PRId64
           " ms\n",
           host->submitted, host->loaded, host->failed, lost, (double)host->loaded / seconds,
           (host->held_up_ns + 999999) / 1000000);
    if (lost || host->unasked) return 4;
    return host->options.all && host->loaded != host->count ? 3 : 0;
}

int main(int argc, char **argv) {
    (void)argc;
    struct host host = {.options = parse(argv), .bar = isatty(STDERR_FILENO)};
    signal(SIGINT, on_interrupt);
    char *list = read_file(host.options.list);
    split_lines(&host, list);
    must("no runtime", wharf_runtime_new(NULL, &host.runtime));
    must("no port", wharf_port_open(host.runtime, NULL, &host.port));
    if (host.options.trust) trust(&host);

    int64_t start_ns = now_ns();
    load_all(&host);
    double seconds = (double)(now_ns() - start_ns) / 1e9;
    shut_down(&host);

    int status = summary(&host, seconds);
    free(host.pages);
    free(list);
    return status;
}
