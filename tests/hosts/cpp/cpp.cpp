// wharf.hpp: owners, exceptions that stay on their side, and coroutines.
#include "harbour.h"
#include "hooks.h"
#include "wharf.hpp"

#include <atomic>
#include <cstdlib>
#include <thread>

#define CHECK(what) ((what) ? (void)0 : broken(__LINE__, #what " does not hold"))
#define NEVER(why_not) broken(__LINE__, why_not)

namespace {

void broken(int line, const char *what) {
  std::fprintf(stderr, "cpp.cpp:%d: %s\n", line, what);
  std::_Exit(1);
}

using namespace std::chrono_literals;

template <class E, class F> E thrown_by(F &&f) {
  try {
    f();
  } catch (const E &thrown) {
    return thrown;
  }
  NEVER("nothing was thrown");
  std::abort();
}

std::atomic<int> unhandled{0};

void count_unhandled(const char *what) noexcept {
  CHECK(std::strcmp(what, "thrown by the host") == 0);
  unhandled++;
}

struct not_an_exception {};

// ---- what the types allow ----

static_assert(!std::is_copy_constructible_v<wharf::port> && !std::is_copy_assignable_v<wharf::port>);
static_assert(!std::is_copy_constructible_v<wharf::runtime>);
static_assert(!std::is_copy_constructible_v<wharf::message>);
static_assert(std::is_nothrow_move_constructible_v<wharf::port>);
static_assert(std::is_nothrow_move_constructible_v<wharf::message>);
static_assert(!std::is_constructible_v<wharf::value, int *>, "a pointer is no bool");
static_assert(wharf::timeout(-1s).ns() == 0 && wharf::timeout(2us).ns() == 2000);
static_assert(wharf::timeout(std::chrono::hours::max()).ns() == INT64_MAX);
static_assert(wharf::timeout(std::chrono::duration<double>(1e300)).ns() == INT64_MAX);

enum anchor { UP = 3 };

// ---- values and errors ----

void values_there_and_back() {
  wharf::port port;
  std::vector<wharf::value> items{nullptr, true, 7, -8LL, 1.5, "text", wharf::value::port(port.id()),
                                  std::vector<std::uint8_t>{1, 2, 3}, std::vector<wharf::value>{}};
  wharf::value all(items);
  port.post(9, all);
  auto message = port.recv();
  CHECK(message && message->tag() == 9 && message->kind() == WHARF_KIND_DATA && !message->is_end());
  wharf::view seen = message->payload();
  CHECK(seen.size() == items.size() && seen[0].is_null() && seen[1].as_bool());
  CHECK(seen[2].as_int() == 7 && seen[3].as_int() == -8 && seen[4].as_double() == 1.5);
  CHECK(seen[5].as_string() == "text" && seen[6].as_port() == port.id());
  CHECK(seen[7].as_bytes().second == 3 && seen[7].as_bytes().first[2] == 3 && seen[8].size() == 0);
  CHECK(thrown_by<wharf::error>([&] { seen[9]; }).status() == WHARF_OUT_OF_RANGE);
  CHECK(thrown_by<wharf::error>([&] { seen[0].as_int(); }).status() == WHARF_BAD_VALUE);
  CHECK(thrown_by<wharf::error>([] { wharf::value(UINT64_MAX); }).status() == WHARF_BAD_VALUE);
  thrown_by<wharf::error>([] { wharf::value(std::string("a\0b", 3)); });
  const char *no_text = nullptr;
  CHECK(thrown_by<wharf::error>([&] { wharf::value{no_text}; }).status() == WHARF_NULL);
  CHECK(wharf::value(UP).raw().type == WHARF_TYPE_INT64 && wharf::value(UP).raw().value.as_int64 == 3);
  CHECK(wharf::value(1.5f).raw().type == WHARF_TYPE_DOUBLE);
  CHECK(wharf::value(false).raw().type == WHARF_TYPE_BOOL);

  std::vector<std::uint8_t> bytes(1000, 5);
  const std::uint8_t *at = bytes.data();
  port.post_bytes(1, std::move(bytes));
  message = port.recv();
  CHECK(message->payload().as_bytes().first == at);  // not copied
  CHECK(!port.recv(1ms) && !port.recv(0));
}

void refused_calls_throw() {
  wharf::port port;
  auto refused = [&] { wharf::check(harbour_echo(port.id(), 1, nullptr, nullptr)); };
  wharf::error error = thrown_by<wharf::error>(refused);
  CHECK(error.status() == WHARF_NULL && std::strlen(error.what()) > 0);
  wharf_port_options_t options{};
  options.size = sizeof options;
  options.capacity = 1;
  wharf::port narrow(0, &options);
  narrow.post(1, 1);
  CHECK(thrown_by<wharf::error>([&] { narrow.post(1, 2); }).status() == WHARF_FULL);
  std::vector<std::uint8_t> bytes(10);
  CHECK(thrown_by<wharf::error>([&] { narrow.post_bytes(1, bytes); }).status() == WHARF_FULL);
}

// ---- functions of the host's ----

void functions_and_what_they_throw() {
  wharf::port port;
  auto kept = std::make_shared<int>(5);
  port.spawn(1, [kept](wharf_task_t) { return *kept + 1; });
  CHECK(port.recv()->result().as_int() == 6);
  port.spawn(2, [](wharf_task_t) {});
  CHECK(port.recv()->result().is_null());
  port.spawn(3, [](wharf_task_t) { return std::string(100, 'x'); });
  CHECK(port.recv()->result().as_string().size() == 100);
  CHECK(kept.use_count() == 1);  // dropped before the answer

  port.spawn(4, [](wharf_task_t) -> int { throw wharf::failure(42, "as the host said"); });
  auto failed = thrown_by<wharf::failure>([&] { port.recv()->result(); });
  CHECK(failed.code() == 42 && std::strcmp(failed.what(), "as the host said") == 0);
  port.spawn(5, [](wharf_task_t) -> int { throw std::runtime_error("thrown by the host"); });
  failed = thrown_by<wharf::failure>([&] { port.recv()->result(); });
  CHECK(failed.code() == -WHARF_PANICKED && failed.kind() == WHARF_KIND_ERROR);
  port.spawn(6, [](wharf_task_t) -> int { throw not_an_exception(); });
  thrown_by<wharf::failure>([&] { port.recv()->result(); });

  int polls = 0;
  port.spawn_poll(7, [&polls](wharf_task_t task) -> std::optional<wharf::value> {
    wharf::check(wharf_task_wake(task));
    if (++polls < 3) return std::nullopt;
    return polls;
  });
  CHECK(port.recv()->result().as_int() == 3 && polls == 3);
  port.spawn_poll(8, [](wharf_task_t) -> std::optional<wharf::value> {
    throw std::runtime_error("thrown by the host");
  });
  failed = thrown_by<wharf::failure>([&] { port.recv()->result(); });
  CHECK(std::strcmp(failed.what(), "thrown by the host") == 0);

  wharf_task_t task = port.spawn_poll(
      9, [kept](wharf_task_t) -> std::optional<wharf::value> { return std::nullopt; });
  wharf::check(wharf_task_cancel(task));
  CHECK(thrown_by<wharf::failure>([&] { port.recv()->result(); }).kind() == WHARF_KIND_CANCELLED);
  CHECK(kept.use_count() == 1);
  port.timer(10, 1us);
  CHECK(port.recv()->tag() == 10);
}

void handlers_may_throw() {
  unhandled = 0;
  wharf::port answers;
  {
    wharf::runtime runtime(1);
    wharf::port port = wharf::port::serve(
        [&answers](wharf::message message) {
          if (message.payload().as_int() % 2) throw std::runtime_error("thrown by the host");
          answers.post(message.tag(), message.payload().as_int());
        },
        runtime.id());
    for (int number = 0; number < 10; number++) port.post(1, number);
    for (int number = 0; number < 10; number += 2)
      CHECK(answers.recv()->payload().as_int() == number);
    while (unhandled < 5) std::this_thread::yield();
  }
  wharf::port noisy;
  std::atomic<int> rung{0};
  noisy.notify([&rung] {
    rung++;
    throw std::runtime_error("thrown by the host");
  });
  noisy.post(1, 1);
  CHECK(rung == 1 && unhandled == 6);
}

void what_is_moved_is_closed_once() {
  wharf::port first, second;
  wharf_port_t id = first.id();
  second = std::move(first);
  wharf::port third(std::move(second));
  CHECK(third.id() == id);
  third.post(1, nullptr);
  wharf::message message = std::move(*third.recv());
  message = wharf::message();
  wharf::runtime runtime(1), other(std::move(runtime));
  CHECK(other.shutdown() && other.shutdown(1s));
}

// A function of wharf's that lets go of a runtime can't wait for the end of it, which comes all the same.
void a_runtime_dropped_in_a_function() {
  wharf::port port;
  port.spawn(1, [](wharf_task_t) {
    wharf::runtime runtime(1);
    wharf_port_t other = 0;
    wharf::check(wharf_port_open(runtime.id(), nullptr, &other));
    wharf::check(harbour_wait(other, 1, nullptr));
    return static_cast<std::int64_t>(runtime.id());
  });
  auto id = static_cast<wharf_runtime_t>(port.recv()->result().as_int());
  while (wharf_runtime_free(id) != WHARF_NO_RUNTIME) std::this_thread::yield();
  CHECK(harbour_alive() == 0);
}

// A handler that lets go of its own port.
void a_port_dropped_in_its_own_handler() {
  auto self = std::make_shared<std::optional<wharf::port>>();
  std::atomic<bool> done{false};
  self->emplace(wharf::port::serve([&done, weak = std::weak_ptr(self)](wharf::message) {
    weak.lock()->reset();
    done = true;
  }));
  wharf_port_t id = (*self)->id();
  wharf_post(id, 1, nullptr);
  while (!done) std::this_thread::yield();
  while (wharf_port_close(id, 0) != WHARF_NO_PORT) std::this_thread::yield();
}

#if defined(__cpp_impl_coroutine)

// ---- coroutines ----

wharf::task<std::int64_t> add(wharf::loop &loop, std::int64_t left, std::int64_t right) {
  wharf::message sum = co_await loop.submit([=](auto port, auto tag, auto *task) {
    return harbour_add(port, tag, left, right, task);
  });
  co_return sum.result().as_int();
}

wharf::task<std::int64_t> add_up(wharf::loop &loop, std::int64_t most) {
  std::int64_t sum = 0;
  for (std::int64_t number = 1; number <= most; number++) sum = co_await add(loop, sum, number);
  co_return sum;
}

wharf::task<> stream(wharf::loop &loop, int &seen) {
  auto job = loop.submit([](auto port, auto tag, auto *task) {
    return harbour_count(port, tag, 100, task);
  });
  while (auto message = co_await job.next()) {
    if (message->is_end())
      CHECK(message->result().as_int() == 100);
    else
      CHECK(message->payload().as_int() == seen++);
  }
}

wharf::task<> fails(wharf::loop &loop) {
  auto job = loop.submit([](auto port, auto tag, auto *task) {
    return harbour_fail(port, tag, 5, task);
  });
  wharf::message message = co_await job;
  (void)message.result();
  NEVER("a failed task has no result");
}

wharf::task<> sleeps(wharf::loop &loop, int &awake) {
  co_await loop.sleep(1us);
  awake++;
}

wharf::loop::job wait(wharf::loop &loop) {
  return loop.submit([](auto port, auto tag, auto *task) { return harbour_wait(port, tag, task); });
}

wharf::task<> waits_for_ever(wharf::loop &loop) {
  co_await wait(loop);
  NEVER("it has no end");
}

wharf::task<> throws() {
  throw std::runtime_error("thrown by the host");
  co_return;
}

wharf::task<> cancels(wharf::loop &loop) {
  auto job = wait(loop);
  job.cancel();
  wharf::message message = co_await job;
  CHECK(message.kind() == WHARF_KIND_CANCELLED);
  // Given up in the middle: the loop forgets it, and the task ends.
  {
    auto dropped = wait(loop);
  }
  auto refused = [&] {
    (void)loop.submit([](auto port, auto tag, auto *task) {
      return harbour_echo(port, tag, nullptr, task);
    });
  };
  CHECK(thrown_by<wharf::error>(refused).status() == WHARF_NULL);
}

// Begins at once, and ends where it is when this is destroyed.
struct begun {
  struct promise_type {
    begun get_return_object() noexcept {
      return begun{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::abort(); }
  };
  explicit begun(std::coroutine_handle<promise_type> self) : self(self) {}
  begun(begun &&other) noexcept : self(std::exchange(other.self, nullptr)) {}
  ~begun() {
    if (self) self.destroy();
  }
  std::coroutine_handle<promise_type> self;
};

begun waits_in_vain(wharf::loop::job &job) {
  (void)co_await job.next();
  NEVER("it was destroyed before");
}

begun comes_second(wharf::loop::job &job, wharf_status_t &status) {
  try {
    (void)co_await job.next();
  } catch (const wharf::error &refused) {
    status = refused.status();
  }
}

wharf::task<> awaits(wharf::task<wharf::message> last) {
  wharf::message message = co_await last;
  CHECK(message.kind() == WHARF_KIND_CANCELLED);
}

// A coroutine that is destroyed while it waits for a job that lives on; another may wait for that then.
void who_waits_may_go() {
  wharf::loop loop;
  auto job = wait(loop);
  {
    begun waiting = waits_in_vain(job);
    wharf_status_t status = WHARF_OK;
    begun second = comes_second(job, status);
    CHECK(second.self.done() && status == WHARF_WRONG_STATE);
  }
  auto last = job.last();
  auto moved = std::move(job);
  moved.cancel();
  loop.run(awaits(std::move(last)));
}

void coroutines() {
  who_waits_may_go();
  unhandled = 0;
  {
    wharf::loop loop;
    CHECK(loop.run(add_up(loop, 100)) == 5050);
    int seen = 0, awake = 0;
    loop.run(stream(loop, seen));
    CHECK(seen == 100);
    wharf::failure failed = thrown_by<wharf::failure>([&] { loop.run(fails(loop)); });
    CHECK(failed.code() == 5 && std::strcmp(failed.what(), "the harbour is closed") == 0);
    for (int at = 0; at < 100; at++) loop.spawn(sleeps(loop, awake));
    while (awake < 100) loop.drain(wharf::forever);
    loop.spawn(throws());
    CHECK(unhandled == 1);
    CHECK(std::strcmp(thrown_by<std::runtime_error>([&] { loop.run(throws()); }).what(),
                      "thrown by the host") == 0);
    loop.run(cancels(loop));
    // Left behind, in the middle and before its beginning.
    loop.spawn(waits_for_ever(loop));
    wharf::task<> never = waits_for_ever(loop);
    CHECK(loop.descriptor() >= 0);
  }
  while (harbour_alive() != 0) std::this_thread::yield();
}

#else
void coroutines() {}
#endif

}  // namespace

int main() {
  wharf::set_unhandled(count_unhandled);
  values_there_and_back();
  refused_calls_throw();
  functions_and_what_they_throw();
  handlers_may_throw();
  what_is_moved_is_closed_once();
  a_port_dropped_in_its_own_handler();
  a_runtime_dropped_in_a_function();
  coroutines();
  return 0;
}
