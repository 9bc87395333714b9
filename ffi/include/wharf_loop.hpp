/* `co_await` for wharf's tasks, in C++20: coroutines that run on a thread of the program's own and wait
 * for what a port brings. Included by wharf.hpp. MIT OR Apache-2.0. */
#ifndef WHARF_LOOP_HPP
#define WHARF_LOOP_HPP

#include "wharf.hpp"

#include <coroutine>
#include <deque>
#include <unordered_map>
#include <unordered_set>

namespace wharf {

class loop;
template <class T> class task;

namespace detail {
template <class T> struct outcome {
  std::optional<T> it;
  void return_value(T value) { it.emplace(std::move(value)); }
  T take() { return std::move(*it); }
};
template <> struct outcome<void> {
  void return_void() noexcept {}
  void take() noexcept {}
};

template <class T> struct promise : outcome<T> {
  std::coroutine_handle<> next = std::noop_coroutine();
  std::exception_ptr thrown;

  struct final_awaiter {
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<promise> self) noexcept {
      return self.promise().next;
    }
    void await_resume() noexcept {}
  };
  task<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() noexcept { return {}; }
  final_awaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }
};

/* A coroutine that nobody waits for; it frees itself, or its loop does. */
struct detached {
  struct promise_type {
    std::unordered_set<void *> &all;
    template <class T> promise_type(std::unordered_set<void *> &all, task<T> &) : all(all) {
      all.insert(self().address());
    }
    ~promise_type() { all.erase(self().address()); }
    std::coroutine_handle<> self() noexcept {
      return std::coroutine_handle<promise_type>::from_promise(*this);
    }
    detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept {
      contain([] { throw; });
    }
  };
};

/* What has come for one submit, and who waits for it. */
struct mail {
  std::deque<message> arrived;
  std::coroutine_handle<> waiting;
  wharf_task_t task = 0;
  bool ended = false;
};
} // namespace detail

/* A coroutine of yours. It begins when it is awaited, and ends, cancelling what it waits for, when it
 * is destroyed. */
template <class T = void> class task {
public:
  using promise_type = detail::promise<T>;
  explicit task(std::coroutine_handle<promise_type> self) noexcept : self_(self) {}
  task(task &&other) noexcept : self_(std::exchange(other.self_, nullptr)) {}
  task &operator=(task &&other) noexcept {
    std::swap(self_, other.self_);
    return *this;
  }
  ~task() {
    if (self_) self_.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> next) noexcept {
    self_.promise().next = next;
    return self_;
  }
  T await_resume() {
    if (self_.promise().thrown) std::rethrow_exception(self_.promise().thrown);
    return self_.promise().take();
  }

private:
  friend class loop;
  std::coroutine_handle<promise_type> self_;
};

template <class T> task<T> detail::promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}

/* Drains a port and resumes the coroutines that wait for what comes. It, its coroutines and all that
 * they submit belong to one thread, on which alone they run: `run` blocks it, or `drain` is called
 * when `descriptor` is readable. It outlives all jobs. */
class loop {
public:
  /* A submitted task. `co_await job` is the task's last message; `co_await job.next()` is each message
   * in turn, and no message after the last. One coroutine waits for it at a time. Destroyed before the
   * end, it cancels the task; nobody waits for it then. */
  class job {
  public:
    job(job &&) noexcept = default;
    ~job() {
      if (!mail_) return;
      owner_->waiting_.erase(tag_);
      if (!mail_->ended) wharf_task_cancel(mail_->task);
    }
    wharf_task_t id() const noexcept { return mail_->task; }
    void cancel() noexcept { wharf_task_cancel(mail_->task); }

    class next_awaiter {
    public:
      explicit next_awaiter(std::shared_ptr<detail::mail> mail) noexcept : mail_(std::move(mail)) {}
      next_awaiter(next_awaiter &&) = delete;
      /* A coroutine that is destroyed while it waits is not resumed. */
      ~next_awaiter() {
        if (self_ && mail_->waiting == self_) mail_->waiting = nullptr;
      }
      bool await_ready() const noexcept { return !mail_->arrived.empty() || mail_->ended; }
      void await_suspend(std::coroutine_handle<> self) {
        if (mail_->waiting)
          throw error(WHARF_WRONG_STATE, "a coroutine waits for this job already");
        mail_->waiting = self_ = self;
      }
      std::optional<message> await_resume() {
        self_ = nullptr;
        if (mail_->arrived.empty()) return std::nullopt;
        std::optional<message> first(std::move(mail_->arrived.front()));
        mail_->arrived.pop_front();
        return first;
      }

    private:
      std::shared_ptr<detail::mail> mail_;
      std::coroutine_handle<> self_;
    };
    next_awaiter next() noexcept { return next_awaiter(mail_); }
    /* The job may be moved meanwhile. */
    task<message> last() { return last_of(mail_); }
    struct last_awaiter {
      task<message> all;
      bool await_ready() const noexcept { return false; }
      auto await_suspend(std::coroutine_handle<> self) noexcept { return all.await_suspend(self); }
      message await_resume() { return all.await_resume(); }
    };
    last_awaiter operator co_await() { return {last()}; }

  private:
    friend class loop;
    job(loop *owner, std::uint64_t tag)
        : owner_(owner), tag_(tag), mail_(std::make_shared<detail::mail>()) {}
    static task<message> last_of(std::shared_ptr<detail::mail> mail) {
      for (;;)
        if (std::optional<message> it = co_await next_awaiter(mail); !it || it->is_end())
          co_return it ? std::move(*it) : message();
    }
    loop *owner_;
    std::uint64_t tag_;
    std::shared_ptr<detail::mail> mail_;
  };

  explicit loop(wharf_runtime_t runtime = 0) : port_(runtime) {}
  loop(loop &&) = delete;
  /* Destroys the coroutines that were spawned and have not ended, with what they wait for. */
  ~loop() {
    while (!detached_.empty())
      std::coroutine_handle<>::from_address(*detached_.begin()).destroy();
  }

  wharf::port &port() noexcept { return port_; }
  int descriptor() { return port_.descriptor(); }

  /* Calls `function(port, tag, &task)`, which submits a task and returns its status. */
  template <class F> job submit(F function) {
    job made(this, ++tags_);
    waiting_.emplace(made.tag_, made.mail_.get());
    wharf_status_t status = function(port_.id(), made.tag_, &made.mail_->task);
    made.mail_->ended = status != WHARF_OK;
    check(status);
    return made;
  }
  /* Has `function(task)` called on the blocking pool. */
  template <class F> job call(F function) {
    return submit([&](wharf_port_t, std::uint64_t tag, wharf_task_t *task) {
      *task = port_.spawn(tag, std::move(function));
      return WHARF_OK;
    });
  }
  /* A timer, as a job. */
  job sleep(timeout time) {
    return submit([time](wharf_port_t port, std::uint64_t tag, wharf_task_t *task) {
      return wharf_timer_after(port, tag, static_cast<std::uint64_t>(time.ns()), task);
    });
  }
  /* Runs a coroutine to its end on this thread, and others meanwhile. */
  template <class T> T run(task<T> it) {
    it.self_.resume();
    while (!it.self_.done()) drain(forever);
    return it.await_resume();
  }
  /* Runs a coroutine beside others, while `run` or `drain` is called. */
  template <class T> void spawn(task<T> it) {
    detach(detached_, std::move(it));
  }
  /* Takes messages and resumes who waits for them; false if none came in time. */
  bool drain(timeout wait = timeout(0)) {
    std::vector<message> messages = port_.recv_batch(64, wait);
    for (message &it : messages) {
      auto found = waiting_.find(it.tag());
      if (found == waiting_.end()) continue;
      detail::mail &mail = *found->second;
      mail.ended = it.is_end();
      mail.arrived.push_back(std::move(it));
      if (mail.waiting) std::exchange(mail.waiting, nullptr).resume();
    }
    return !messages.empty();
  }

private:
  template <class T>
  static detail::detached detach(std::unordered_set<void *> &, task<T> it) {
    co_await it;
  }

  std::unordered_set<void *> detached_;
  std::unordered_map<std::uint64_t, detail::mail *> waiting_;
  std::uint64_t tags_ = 0;
  wharf::port port_;
};

} // namespace wharf

#endif /* WHARF_LOOP_HPP */
