// Memory of a thread that grows to what its kernels need and stays.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace labelnoise {

class Scratch {
 public:
  ~Scratch() { std::free(data_); }

  /** At least `bytes` at the start of a page; what was there before is lost. Throws std::bad_alloc. */
  uint8_t* get(size_t bytes) {
    if (size_ < bytes) {
      std::free(data_);
      size_ = 0;
      const size_t pages = (bytes + 4095) / 4096 * 4096;
      data_ = static_cast<uint8_t*>(std::aligned_alloc(4096, pages));
      if (!data_) throw std::bad_alloc();
      size_ = pages;
    }
    return data_;
  }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace labelnoise
