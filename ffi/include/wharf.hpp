/* wharf in C++17: owners for what wharf.h hands out, functions of any type where it takes pointers,
 * and, from C++20 on, `co_await` for tasks.
 *
 *   wharf::loop loop;
 *   std::string title = loop.run([](wharf::loop &loop) -> wharf::task<std::string> {
 *     wharf::message page = co_await loop.submit([](auto port, auto tag, auto *task) {
 *       return load_page(port, tag, "http://example.org/", task);     (a library's function)
 *     });
 *     co_return std::string(page.result()[PAGE_TITLE].as_string());
 *   }(loop));
 *
 * What a call refuses is thrown as `wharf::error`; how a task failed, as `wharf::failure`. No
 * exception goes the other way: what a function of yours throws is caught before it reaches wharf and
 * becomes the task's error or, where there is no task, goes to `set_unhandled`'s function (P8).
 *
 * Objects belong to one thread at a time unless their comment says otherwise; all can be moved.
 * MIT OR Apache-2.0. */
#ifndef WHARF_HPP
#define WHARF_HPP

#include "wharf.h"

#if !defined(__cpp_exceptions)
#error "wharf.hpp tells of refusals by exceptions: compile with them, or use wharf.h alone"
#endif

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace wharf {

/* ---- errors ---- */

/* A call was refused: nothing has happened, and nothing will be posted. */
class error : public std::runtime_error {
public:
  error(wharf_status_t status, const std::string &text)
      : std::runtime_error(text), status_(status) {}
  wharf_status_t status() const noexcept { return status_; }

private:
  wharf_status_t status_;
};

/* A task has not ended with a result. `kind` is the message's, `code` the error's. A function of yours
 * may throw one to say with which code its task fails. */
class failure : public std::runtime_error {
public:
  failure(std::int32_t code, const std::string &text, std::int32_t kind = WHARF_KIND_ERROR)
      : std::runtime_error(text), code_(code), kind_(kind) {}
  std::int32_t code() const noexcept { return code_; }
  std::int32_t kind() const noexcept { return kind_; }

private:
  std::int32_t code_, kind_;
};

/* Throws unless a call was answered by WHARF_OK. */
inline void check(wharf_status_t status) {
  if (status == WHARF_OK) return;
  std::string text(wharf_last_error_length(), '\0');
  if (wharf_last_error_code() == status && !text.empty())
    text.resize(wharf_last_error_message(text.data(), text.size() + 1));
  else
    text = wharf_status_text(status) ? wharf_status_text(status) : "an unknown status";
  throw error(status, text);
}

using unhandled_t = void (*)(const char *what) noexcept;

namespace detail {
inline void say(const char *what) noexcept { std::fprintf(stderr, "wharf: unhandled: %s\n", what); }
inline std::atomic<unhandled_t> unhandled{&say};

/* Calls `f`; what it throws ends here. */
template <class F> bool contain(F &&f) noexcept {
  try {
    f();
    return true;
  } catch (const std::exception &thrown) {
    unhandled.load()(thrown.what());
  } catch (...) {
    unhandled.load()("something that is no std::exception");
  }
  return false;
}
} // namespace detail

/* Sets what is told of exceptions that nobody waits for: a handler's, a notify function's, a detached
 * coroutine's. At first they are written to standard error. From any thread. */
inline void set_unhandled(unhandled_t function) noexcept {
  detail::unhandled.store(function ? function : &detail::say);
}

/* How long a call may wait: `forever`, or any duration. */
class timeout {
public:
  constexpr timeout(std::int64_t ns) noexcept : ns_(ns) {}
  template <class R, class P>
  constexpr timeout(std::chrono::duration<R, P> time) noexcept : ns_(within(time)) {}
  constexpr std::int64_t ns() const noexcept { return ns_; }

private:
  /* What is below 0 or no number is 0; what 64 bits don't hold is the most that they do, 292 years. */
  template <class R, class P>
  static constexpr std::int64_t within(std::chrono::duration<R, P> time) noexcept {
    const long double ns = std::chrono::duration<long double, std::nano>(time).count();
    if (!(ns > 0)) return 0;
    if (ns >= 9223372036854775807.0L) return INT64_MAX;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  }
  std::int64_t ns_;
};
inline constexpr timeout forever{WHARF_FOREVER};

/* ---- values ---- */

/* Looks at a value; good for as long as that is. A look for what it does not hold throws. */
class view {
public:
  explicit view(const wharf_value_t &raw) noexcept : raw_(&raw) {}
  const wharf_value_t &raw() const noexcept { return *raw_; }
  bool is_null() const noexcept { return raw_->type == WHARF_TYPE_NULL; }
  bool as_bool() const { return is(WHARF_TYPE_BOOL, "a bool").as_bool; }
  std::int64_t as_int() const {
    return raw_->type == WHARF_TYPE_INT32 ? raw_->value.as_int32
                                          : is(WHARF_TYPE_INT64, "an integer").as_int64;
  }
  double as_double() const { return is(WHARF_TYPE_DOUBLE, "a double").as_double; }
  std::string_view as_string() const { return is(WHARF_TYPE_STRING, "a string").as_string; }
  wharf_port_t as_port() const {
    return static_cast<wharf_port_t>(is(WHARF_TYPE_SEND_PORT, "a port").as_send_port.id);
  }
  /* The elements of an array. */
  std::size_t size() const {
    return static_cast<std::size_t>(is(WHARF_TYPE_ARRAY, "an array").as_array.length);
  }
  view operator[](std::size_t at) const {
    if (at >= size()) throw error(WHARF_OUT_OF_RANGE, "an array's end is passed");
    return view(*raw_->value.as_array.values[at]);
  }
  /* Typed data whose elements have one byte. */
  std::pair<const std::uint8_t *, std::size_t> as_bytes() const {
    if (raw_->type == WHARF_TYPE_TYPED_DATA && raw_->value.as_typed_data.element <= 3)
      return {raw_->value.as_typed_data.values,
              static_cast<std::size_t>(raw_->value.as_typed_data.length)};
    bool fixed = raw_->type == WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA;
    if ((fixed || raw_->type == WHARF_TYPE_EXTERNAL_TYPED_DATA) &&
        raw_->value.as_external_typed_data.element <= 3)
      return {raw_->value.as_external_typed_data.data,
              static_cast<std::size_t>(raw_->value.as_external_typed_data.length)};
    throw error(WHARF_BAD_VALUE, "a value holds no bytes");
  }

private:
  const wharf_payload_t &is(std::int32_t type, const char *what) const {
    if (raw_->type != type) throw error(WHARF_BAD_VALUE, std::string("a value is not ") + what);
    return raw_->value;
  }
  const wharf_value_t *raw_;
};

/* A value to be sent. Copies share what it holds, which is never changed. Pointers that are no text
 * don't become one: they would be bools. */
class value {
public:
  value(std::nullptr_t = nullptr) noexcept { raw_.type = WHARF_TYPE_NULL; }
  template <class T, std::enable_if_t<std::is_same_v<T, bool>, int> = 0> value(T it) noexcept {
    raw_.type = WHARF_TYPE_BOOL, raw_.value.as_bool = it;
  }
  template <class T,
            std::enable_if_t<!std::is_same_v<T, bool> &&
                                 (std::is_integral_v<T> ||
                                  (std::is_enum_v<T> && std::is_convertible_v<T, std::int64_t>)),
                             long> = 0>
  value(T it) {
    if (it > static_cast<T>(0) && static_cast<std::uint64_t>(it) > static_cast<std::uint64_t>(INT64_MAX))
      throw error(WHARF_BAD_VALUE, "an integer does not fit into 64 bits with a sign");
    raw_.type = WHARF_TYPE_INT64, raw_.value.as_int64 = static_cast<std::int64_t>(it);
  }
  value(double it) noexcept { raw_.type = WHARF_TYPE_DOUBLE, raw_.value.as_double = it; }
  value(const char *it)
      : value(it ? std::string(it) : throw error(WHARF_NULL, "a text to be sent is NULL")) {}
  value(std::string it) {
    if (it.find('\0') != std::string::npos)
      throw error(WHARF_BAD_VALUE, "a string holds a NUL: send it as bytes");
    auto kept = std::make_shared<std::string>(std::move(it));
    raw_.type = WHARF_TYPE_STRING, raw_.value.as_string = kept->c_str();
    kept_ = std::move(kept);
  }
  value(std::vector<value> items) {
    auto kept = std::make_shared<array>();
    kept->items = std::move(items);
    for (value &item : kept->items) kept->pointers.push_back(&item.raw_);
    raw_.type = WHARF_TYPE_ARRAY;
    raw_.value.as_array = {static_cast<std::ptrdiff_t>(kept->items.size()), kept->pointers.data()};
    kept_ = std::move(kept);
  }
  /* Bytes, copied when they are sent; `port::post_bytes` sends them without a copy. */
  value(std::vector<std::uint8_t> bytes) {
    auto kept = std::make_shared<std::vector<std::uint8_t>>(std::move(bytes));
    raw_.type = WHARF_TYPE_TYPED_DATA;
    raw_.value.as_typed_data = {WHARF_DATA_UINT8, static_cast<std::ptrdiff_t>(kept->size()),
                                kept->data()};
    kept_ = std::move(kept);
  }
  /* A port by its id, for whoever is to answer there. */
  static value port(wharf_port_t id) noexcept {
    value it;
    it.raw_.type = WHARF_TYPE_SEND_PORT;
    it.raw_.value.as_send_port = {static_cast<std::int64_t>(id), 0};
    return it;
  }
  const wharf_value_t &raw() const noexcept { return raw_; }

private:
  struct array {
    std::vector<value> items;
    std::vector<wharf_value_t *> pointers;
  };
  wharf_value_t raw_{};
  std::shared_ptr<void> kept_;
};

/* ---- messages ---- */

/* A received message, freed at its end. */
class message {
public:
  message() noexcept = default;
  /* Takes over a message that was received through wharf.h. */
  explicit message(const wharf_message_t &raw) noexcept : raw_(raw) {}
  message(message &&other) noexcept : raw_(std::exchange(other.raw_, wharf_message_t{})) {}
  message &operator=(message &&other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~message() { wharf_message_free(&raw_); }

  std::uint64_t tag() const noexcept { return raw_.tag; }
  std::int32_t kind() const noexcept { return raw_.kind; }
  std::int32_t code() const noexcept { return raw_.code; }
  wharf_task_t task() const noexcept { return raw_.task; }
  bool is_end() const noexcept {
    return raw_.kind >= WHARF_KIND_OK && raw_.kind <= WHARF_KIND_SHUT_DOWN;
  }
  view payload() const noexcept { return view(raw_.value); }
  /* The result of a task that has ended well; throws `failure` for one that has not. */
  view result() const {
    static const char *const WHY[] = {"", "", "failed", "panicked", "was cancelled",
                                      "was shut down"};
    if (!is_end() || raw_.kind == WHARF_KIND_OK) return payload();
    const char *text = wharf_message_text(&raw_);
    throw failure(raw_.code, text ? text : std::string("a task ") + WHY[raw_.kind], raw_.kind);
  }

private:
  wharf_message_t raw_{};
};

/* ---- runtimes and ports ---- */

/* A runtime of its own. At its end it is shut down, which waits for functions of yours that run, and
 * freed with all its ports. (In a function that wharf has called it does not wait: that goes on on a
 * thread of its own.) Most programs use the default one instead, which a 0 stands for. */
class runtime {
public:
  explicit runtime(std::uint32_t worker_threads = 0) {
    wharf_runtime_options_t options{};
    options.size = sizeof options;
    options.worker_threads = worker_threads;
    check(wharf_runtime_new(&options, &id_));
  }
  explicit runtime(const wharf_runtime_options_t &options) {
    check(wharf_runtime_new(&options, &id_));
  }
  runtime(runtime &&other) noexcept : id_(std::exchange(other.id_, 0)) {}
  runtime &operator=(runtime &&other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~runtime() {
    if (id_ == 0) return;
    if (wharf_runtime_shutdown(id_, WHARF_FOREVER) == WHARF_OK)
      wharf_runtime_free(id_);
    else
      wharf_owner_drop(wharf_owner_new(id_));
  }
  wharf_runtime_t id() const noexcept { return id_; }
  /* False where something has not returned in time; ask again. */
  bool shutdown(timeout wait = forever) {
    wharf_status_t status = wharf_runtime_shutdown(id_, wait.ns());
    if (status != WHARF_TIMEOUT) check(status);
    return status == WHARF_OK;
  }

private:
  wharf_runtime_t id_ = 0;
};

namespace detail {
/* A function with what it answers, which has to outlive the call. */
template <class F> struct work {
  F function;
  std::optional<value> result;
  std::string text;

  static std::int32_t fail(work &self, std::int32_t code, const char *text,
                           wharf_value_t *out) noexcept {
    try {
      self.text = text;
      out->type = WHARF_TYPE_STRING, out->value.as_string = self.text.c_str();
    } catch (...) {
      out->type = WHARF_TYPE_NULL;
    }
    return code == 0 || code == WHARF_PENDING ? -WHARF_PANICKED : code;
  }
  template <class Step>
  static std::int32_t contained(void *context, wharf_value_t *out, Step &&step) noexcept {
    work &self = *static_cast<work *>(context);
    try {
      if (!step(self)) return WHARF_PENDING;
      *out = self.result->raw();
      return 0;
    } catch (const failure &thrown) {
      return fail(self, thrown.code(), thrown.what(), out);
    } catch (const std::exception &thrown) {
      return fail(self, -WHARF_PANICKED, thrown.what(), out);
    } catch (...) {
      return fail(self, -WHARF_PANICKED, "something that is no std::exception was thrown", out);
    }
  }
  static std::int32_t call(void *context, wharf_task_t task, wharf_value_t *out) noexcept {
    return contained(context, out, [task](work &self) {
      if constexpr (std::is_void_v<std::invoke_result_t<F &, wharf_task_t>>)
        self.function(task), self.result.emplace();
      else
        self.result.emplace(self.function(task));
      return true;
    });
  }
  static std::int32_t poll(void *context, wharf_task_t task, wharf_value_t *out) noexcept {
    return contained(context, out, [task](work &self) {
      self.result = self.function(task);
      return self.result.has_value();
    });
  }
  static void drop(void *context) noexcept {
    contain([context] { delete static_cast<work *>(context); });
  }
};
} // namespace detail

/* A port, closed at its end, which waits for functions of yours that run for it (in such a function it
 * does not wait). Its functions may be called from several threads at once. */
class port {
public:
  /* A queue that this program drains. */
  explicit port(wharf_runtime_t runtime = 0, const wharf_port_options_t *options = nullptr) {
    check(wharf_port_open(runtime, options, &id_));
  }
  explicit port(const runtime &runtime, const wharf_port_options_t *options = nullptr)
      : port(runtime.id(), options) {}
  /* A port whose messages `handler(message)` is called with, one at a time, on the runtime's
   * threads. */
  template <class F>
  static port serve(F handler, wharf_runtime_t runtime = 0,
                    const wharf_port_options_t *options = nullptr) {
    auto kept = std::make_shared<F>(std::move(handler));
    wharf_handler_t call = [](void *context, wharf_port_t, wharf_message_t *raw) {
      /* Taken over whole: the port finds the null value in its place. */
      message taken(*raw);
      raw->value = wharf_value_t{};
      detail::contain([&] { (*static_cast<F *>(context))(std::move(taken)); });
    };
    wharf_port_t id = 0;
    check(wharf_port_serve(runtime, call, kept.get(), options, &id));
    return port(id, std::move(kept));
  }
  port(port &&other) noexcept
      : id_(std::exchange(other.id_, 0)), kept_(std::move(other.kept_)) {}
  port &operator=(port &&other) noexcept {
    std::swap(id_, other.id_);
    std::swap(kept_, other.kept_);
    return *this;
  }
  ~port() {
    if (id_ == 0) return;
    if (wharf_port_close(id_, WHARF_FOREVER) != WHARF_DEFERRED || !kept_) return;
    /* Inside a function that wharf has called: the port's own may run still, or be about to. It is
     * let go by a thread that can wait for its end; where none is to be had it stays for ever. */
    using held_t = std::shared_ptr<void>;
    alignas(held_t) unsigned char room[sizeof(held_t)];
    held_t *held = new (room) held_t(kept_);
    detail::contain([&] {
      std::thread([id = id_, kept = std::move(kept_)] {
        wharf_port_close(id, WHARF_FOREVER);
      }).detach();
      held->~held_t();
    });
  }

  wharf_port_t id() const noexcept { return id_; }
  std::optional<message> recv(timeout wait = forever) {
    wharf_message_t raw;
    wharf_status_t status = wharf_port_recv(id_, &raw, wait.ns());
    if (status == WHARF_TIMEOUT || status == WHARF_EMPTY) return std::nullopt;
    check(status);
    return std::optional<message>(std::in_place, raw);
  }
  /* At least one message unless the time is up, at most `most`, of what is there. */
  std::vector<message> recv_batch(std::size_t most = 64, timeout wait = forever) {
    std::vector<wharf_message_t> raw(most);
    std::vector<message> messages;
    messages.reserve(most);
    std::size_t count = 0;
    wharf_status_t status = wharf_port_recv_batch(id_, raw.data(), most, &count, wait.ns());
    if (status != WHARF_TIMEOUT && status != WHARF_EMPTY) check(status);
    for (std::size_t at = 0; at < count; at++) messages.emplace_back(raw[at]);
    return messages;
  }
  /* Readable while messages wait; for poll and the like, never to be read from. */
  int descriptor() {
    int descriptor;
    check(wharf_port_descriptor(id_, &descriptor));
    return descriptor;
  }
  /* Has `function()` called, on any thread, whenever messages come into the empty queue: it tells
   * the program's own loop, and returns. Once for a port, instead of a descriptor. */
  template <class F> void notify(F function) {
    auto kept = std::make_shared<F>(std::move(function));
    wharf_notify_t call = [](void *context, wharf_port_t) {
      detail::contain([&] { (*static_cast<F *>(context))(); });
    };
    check(wharf_port_notify(id_, call, kept.get()));
    kept_ = std::move(kept);
  }
  void post(std::uint64_t tag, const value &it) { check(wharf_post(id_, tag, &it.raw())); }
  void post_control(std::uint64_t tag, const value &it) {
    check(wharf_post_control(id_, tag, &it.raw()));
  }
  /* Posts bytes without a copy. */
  void post_bytes(std::uint64_t tag, std::vector<std::uint8_t> bytes) {
    auto kept = std::make_unique<std::vector<std::uint8_t>>(std::move(bytes));
    wharf_value_t raw{};
    raw.type = WHARF_TYPE_EXTERNAL_TYPED_DATA;
    wharf_external_typed_data_t &data = raw.value.as_external_typed_data;
    data.element = WHARF_DATA_UINT8;
    data.length = static_cast<std::ptrdiff_t>(kept->size());
    data.data = kept->data();
    data.peer = kept.get();
    data.callback = [](void *, void *peer) {
      delete static_cast<std::vector<std::uint8_t> *>(peer);
    };
    check(wharf_post(id_, tag, &raw));
    (void)kept.release();
  }
  void grant(std::uint64_t messages) { check(wharf_port_grant(id_, messages)); }

  /* Has `function(task)` called on the blocking pool; what it returns, if anything, is the task's
   * result, what it throws the task's error. */
  template <class F> wharf_task_t spawn(std::uint64_t tag, F function) {
    return give(tag, std::move(function), wharf_spawn_fn, detail::work<F>::call);
  }
  /* Has `poll(task)` called on the runtime's threads until it returns a value; as long as it returns
   * none, `wharf_task_wake(task)` has it called again. */
  template <class F> wharf_task_t spawn_poll(std::uint64_t tag, F poll) {
    return give(tag, std::move(poll), wharf_spawn_poll, detail::work<F>::poll);
  }
  wharf_task_t timer(std::uint64_t tag, timeout after) {
    wharf_task_t task;
    check(wharf_timer_after(id_, tag, static_cast<std::uint64_t>(after.ns()), &task));
    return task;
  }

private:
  port(wharf_port_t id, std::shared_ptr<void> kept) noexcept : id_(id), kept_(std::move(kept)) {}
  template <class F, class Spawn, class Call>
  wharf_task_t give(std::uint64_t tag, F function, Spawn spawn, Call call) {
    using work = detail::work<F>;
    auto kept = std::unique_ptr<work>(new work{std::move(function), std::nullopt, {}});
    wharf_task_t task;
    check(spawn(id_, tag, call, kept.get(), work::drop, &task));
    (void)kept.release();
    return task;
  }

  wharf_port_t id_ = 0;
  std::shared_ptr<void> kept_;
};

} // namespace wharf

#if defined(__cpp_impl_coroutine)
#include "wharf_loop.hpp"
#endif

#endif /* WHARF_HPP */
