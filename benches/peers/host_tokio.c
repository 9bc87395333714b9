/* The C host on tokio with a queue and an eventfd. */
#include "host.h"

struct message {
  uint64_t tag;
  int64_t value;
  int32_t last;
};

void peer_open(uint32_t workers);
void peer_add(uint64_t tag, int64_t left, int64_t right);
void peer_flood(uint64_t tag, uint64_t count);
size_t peer_receive(struct message *out, size_t capacity);

void host_open(uint32_t workers) { peer_open(workers); }

void host_submit(uint64_t tag) { peer_add(tag, (int64_t)tag, 1); }

void host_flood(uint64_t count) { peer_flood(0, count); }

size_t host_receive(size_t most) {
  static struct message messages[1024];
  return peer_receive(messages, most < 1024 ? most : 1024);
}
