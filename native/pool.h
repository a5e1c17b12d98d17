// Threads that share the tasks of one kernel; which thread does a task has no influence on its result.
#pragma once
#include <functional>

namespace labelnoise {

/** Runs task(0) ... task(count - 1), each once, on up to `threads` threads, the caller's among them.
 * Throws std::bad_alloc if a task did. */
void forEach(int count, int threads, const std::function<void(int)>& task);

}  // namespace labelnoise
