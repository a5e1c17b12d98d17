// Threads that share the tasks of one kernel: they spin a little before they sleep, as kernels follow each other closely.
#include "pool.h"

#include <immintrin.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace labelnoise {
namespace {

class Pool {
 public:
  explicit Pool(int helpers) {
    for (int i = 0; i < helpers; i++) std::thread([this] { help(); }).detach();
    helpers_ = helpers;
  }

  /** False if the threads are at work for another kernel. */
  bool run(int count, const std::function<void(int)>& task) {
    std::unique_lock<std::mutex> one(caller_, std::try_to_lock);
    if (!one) return false;
    task_ = &task;
    count_ = count;
    next_.store(0);
    waiting_.store(helpers_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      round_.fetch_add(1);
    }
    wake_.notify_all();
    work();
    while (waiting_.load(std::memory_order_acquire)) _mm_pause();
    return true;
  }

 private:
  void work() {
    for (int i; (i = next_.fetch_add(1)) < count_;) (*task_)(i);
  }

  void help() {
    for (unsigned seen = 0;;) {
      for (int i = 0; i < 2000 && round_.load() == seen; i++) _mm_pause();
      if (round_.load() == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_.load() != seen; });
      }
      seen++;
      work();
      waiting_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::mutex caller_, mutex_;
  std::condition_variable wake_;
  std::atomic<unsigned> round_{0};
  std::atomic<int> next_{0}, waiting_{0};
  const std::function<void(int)>* task_ = nullptr;
  int count_ = 0, helpers_ = 0;
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
