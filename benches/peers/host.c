/* Measures one thing and prints it: HOST one-at-a-time|in-flight|flood|first COUNT. */
#include "host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int ascending(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static void one(uint64_t tag) {
  host_submit(tag);
  while (host_receive(1) == 0) {
  }
}

/* Submit to answer, the host asleep in between: median and 99th percentile in nanoseconds. */
static void one_at_a_time(uint64_t count) {
  uint64_t *times = malloc(count * sizeof *times);
  for (uint64_t i = 0; i < 100; i++) one(i);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t start = now();
    one(i);
    times[i] = now() - start;
  }
  qsort(times, count, sizeof *times, ascending);
  printf("%llu %llu\n", (unsigned long long)times[count / 2],
         (unsigned long long)times[count - count / 100]);
  free(times);
}

/* Trivial tasks, at most ten thousand of them under way, drained in batches: nanoseconds in all. */
static void in_flight(uint64_t count) {
  uint64_t start = now(), submitted = 0, received = 0;
  while (received < count) {
    while (submitted < count && submitted - received < 10000) host_submit(submitted++);
    received += host_receive(1024);
  }
  printf("%llu\n", (unsigned long long)(now() - start));
}

/* Messages of one task, drained in batches: nanoseconds in all. */
static void flood(uint64_t count) {
  one(0);
  uint64_t start = now(), received = 0;
  host_flood(count);
  while (received < count + 1) received += host_receive(1024);
  printf("%llu\n", (unsigned long long)(now() - start));
}

int main(int argc, char **argv) {
  uint64_t begin = now();
  if (argc != 4) return fprintf(stderr, "usage: host WHAT WORKERS COUNT\n"), 2;
  uint64_t count = strtoull(argv[3], NULL, 10);
  host_open((uint32_t)atoi(argv[2]));
  if (strcmp(argv[1], "one-at-a-time") == 0) {
    one_at_a_time(count);
  } else if (strcmp(argv[1], "in-flight") == 0) {
    in_flight(count);
  } else if (strcmp(argv[1], "flood") == 0) {
    flood(count);
  } else if (strcmp(argv[1], "first") == 0) {
    one(0);
    printf("%llu\n", (unsigned long long)(now() - begin));
  } else {
    return fprintf(stderr, "no %s\n", argv[1]), 2;
  }
  exit(0);
}
