// Preloaded by tests: lets the n-th call that touches files under a folder fail, and sets the clock back.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// What all processes of a command share, and whoever lets calls fail; FAULT_STATE names the file.
struct state {
  _Atomic long calls;
  // Of these, those that a full disk would not let fail.
  _Atomic long spared;
  _Atomic long failed;
  // Written before a command begins: the call to fail, or the first, and how.
  long at, from, error_number;
  // The folder; none, no calls.
  char under[1024];
  char what[240];
};

static struct state *state;
static long clock_shift, clock_after;
static struct timespec begun;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void begin(void) {
  clock_shift = number("FAULT_CLOCK_SHIFT");
  clock_after = number("FAULT_CLOCK_AFTER");
  REAL(clock_gettime)(CLOCK_MONOTONIC, &begun);
  const char *file = getenv("FAULT_STATE");
  int fd = file ? REAL(open64)(file, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *shared = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared != MAP_FAILED) state = shared;
  close(fd);
}

// A full disk still gives what is on it, and lets go of it.
static int spares(const char *call) {
  return !strcmp(call, "read") || !strcmp(call, "pread") || !strcmp(call, "unlink") ||
         !strcmp(call, "rmdir") || !strcmp(call, "open to read");
}

// Whether this call, if it is of the folder, is the one to fail.
static int fails(const char *call, const char *path) {
  if (!state || !state->under[0] || !path) return 0;
  size_t length = strlen(state->under);
  if (strncmp(path, state->under, length) != 0) return 0;
  if (spares(call)) {
    atomic_fetch_add(&state->spared, 1);
    if (state->error_number == ENOSPC) return 0;
  }
  long n = atomic_fetch_add(&state->calls, 1) + 1;
  if (n != state->at && !(state->from && n >= state->from)) return 0;
  if (atomic_fetch_add(&state->failed, 1) == 0)
    snprintf(state->what, sizeof state->what, "%s %s", call, path + length);
  errno = (int)state->error_number;
  return 1;
}

static int fails_on(const char *call, int fd) {
  char link[32], path[1024];
  if (!state || fd < 3) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return fails(call, path);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  if (fails(flags & O_CREAT ? "open" : "open to read", path)) return -1;
  return REAL(open64)(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  return fails_on("write", fd) ? -1 : REAL(write)(fd, bytes, count);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return fails_on("pwrite", fd) ? -1 : REAL(pwrite64)(fd, bytes, count, offset);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return fails_on("writev", fd) ? -1 : REAL(writev)(fd, parts, count);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  return fails_on("pwritev", fd) ? -1 : REAL(pwritev64)(fd, parts, count, offset);
}
ssize_t read(int fd, void *bytes, size_t count) {
  return fails_on("read", fd) ? -1 : REAL(read)(fd, bytes, count);
}
ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) {
  return fails_on("pread", fd) ? -1 : REAL(pread64)(fd, bytes, count, offset);
}
int fsync(int fd) { return fails_on("fsync", fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails_on("fdatasync", fd) ? -1 : REAL(fdatasync)(fd); }
int fchmod(int fd, mode_t mode) { return fails_on("fchmod", fd) ? -1 : REAL(fchmod)(fd, mode); }
int ftruncate64(int fd, off64_t length) {
  return fails_on("ftruncate", fd) ? -1 : REAL(ftruncate64)(fd, length);
}
int rename(const char *before, const char *after) {
  return fails("rename", before) ? -1 : REAL(rename)(before, after);
}
int mkdir(const char *path, mode_t mode) { return fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode); }
int link(const char *before, const char *after) {
  return fails("link", after) ? -1 : REAL(link)(before, after);
}
int unlink(const char *path) {
  return fails("unlink", path) ? -1 : REAL(unlink)(path);
}
int rmdir(const char *path) { return fails("rmdir", path) ? -1 : REAL(rmdir)(path); }

// Seconds to add to the time of day, once the process has lived for FAULT_CLOCK_AFTER milliseconds.
static long shift(void) {
  struct timespec now;
  if (!clock_shift) return 0;
  REAL(clock_gettime)(CLOCK_MONOTONIC, &now);
  long lived = (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
  return lived >= clock_after ? clock_shift : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = REAL(clock_gettime)(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += shift();
  return result;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  int result = REAL(gettimeofday)(time, zone);
  if (result == 0) time->tv_sec += shift();
  return result;
}
