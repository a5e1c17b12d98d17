// Threads that share the tasks of one kernel: they spin a little before they sleep, as kernels follow each
// other closely.
#include "pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

namespace labelnoise {
namespace {

/** Some ten microseconds: longer, and TensorFlow's own threads wait for the core. */
constexpr int kSpins = 200;

/** Tells the processor that this is a loop that waits. */
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Pool {
 public:
  explicit Pool(int helpers) {
    for (int i = 0; i < helpers; i++) std::thread([this] { help(); }).detach();
  }

  /** False if the threads are at work for another kernel. */
  bool run(int count, const std::function<void(int)>& task) {
    std::unique_lock<std::mutex> one(caller_, std::try_to_lock);
    if (!one) return false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      count_ = count;
      next_.store(0);
      failed_.store(false);
      open_ = true;
      round_.fetch_add(1);
    }
    wake_.notify_all();
    work();
    // A helper that has not come by now, on a busy machine perhaps, is not waited for.
    std::unique_lock<std::mutex> lock(mutex_);
    open_ = false;
    if (active_.load()) {
      lock.unlock();
      for (int i = 0; i < kSpins && active_.load(); i++) pause();
      lock.lock();
      done_.wait(lock, [&] { return active_.load() == 0; });
    }
    if (failed_.load()) throw std::bad_alloc();
    return true;
  }

 private:
  void work() {
    try {
      for (int i; (i = next_.fetch_add(1)) < count_;) (*task_)(i);
    } catch (const std::bad_alloc&) {
      failed_.store(true);
    }
  }

  void help() {
    for (unsigned seen = 0;;) {
      for (int i = 0; i < kSpins && round_.load() == seen; i++) pause();
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return round_.load() != seen; });
      seen = round_.load();
      if (!open_) continue;
      active_.fetch_add(1);
      lock.unlock();
      work();
      lock.lock();
      if (active_.fetch_sub(1) == 1) done_.notify_one();
    }
  }

  std::mutex caller_, mutex_;
  std::condition_variable wake_, done_;
  std::atomic<unsigned> round_{0};
  std::atomic<int> next_{0}, active_{0};
  const std::function<void(int)>* task_ = nullptr;
  int count_ = 0;
  std::atomic<bool> failed_{false};
  bool open_ = false;
};

}  // namespace

void forEach(int count, int threads, const std::function<void(int)>& task) {
  if (threads > 1 && count > 1) {
    // Never destroyed: its threads may still wait when the process ends.
    static Pool* pool = new Pool(threads - 1);
    if (pool->run(count, task)) return;
  }
  for (int i = 0; i < count; i++) task(i);
}

}  // namespace labelnoise
