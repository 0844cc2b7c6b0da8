/*
 * Notes what a program does to the files of one folder, in the order it does it: for a replay of what a power cut leaves. Loaded with
 * LD_PRELOAD; POWER_CUT_FOLDER is the folder, POWER_CUT_TRACE the file of notes. A note is seven 64-bit words, little-endian as the
 * machine is: kind, descriptor, flags or offset, bytes of the first text or of data, bytes of the second text, two spare; then these.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, SYNC, CLOSE, RENAME, UNLINK, TRUNCATE };
#define MAX_FDS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char traced[MAX_FDS];
/* Of streams, where the next byte goes. What a stream still holds counts as written: no sync comes before it was flushed. */
static off_t stream_at[MAX_FDS];
static const char *folder;
static size_t folder_length;
static int trace = -1;

#define REAL(type, name, ...) \
  static type (*real_##name)(__VA_ARGS__); \
  if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

static ssize_t real_write_all(const void *data, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  for (size_t done = 0; done < length;) {
    ssize_t wrote = real_write(trace, (const char *)data + done, length - done);
    if (wrote < 0) return -1;
    done += wrote;
  }
  return length;
}

__attribute__((constructor)) static void begin(void) {
  folder = getenv("POWER_CUT_FOLDER");
  const char *file = getenv("POWER_CUT_TRACE");
  if (!folder || !file) {
    folder = NULL;
    return;
  }
  folder_length = strlen(folder);
  REAL(int, open, const char *, int, ...);
  trace = real_open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int inside(const char *path) {
  return trace >= 0 && path && strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/';
}

static int is_traced(int fd) { return fd >= 0 && fd < MAX_FDS && traced[fd]; }

static void note(uint64_t kind, int fd, uint64_t at, const void *one, size_t one_length, const char *other) {
  size_t other_length = other ? strlen(other) : 0;
  uint64_t head[7] = {kind, (uint64_t)fd, at, one_length, other_length, 0, 0};
  real_write_all(head, sizeof head);
  real_write_all(one, one_length);
  if (other_length) real_write_all(other, other_length);
}

static int opened(int fd, const char *path, int flags) {
  if (fd >= 0 && fd < MAX_FDS && inside(path) && (flags & O_ACCMODE) != O_RDONLY) {
    pthread_mutex_lock(&lock);
    traced[fd] = 1;
    note(OPEN, fd, (flags & O_TRUNC) != 0, path, strlen(path), NULL);
    pthread_mutex_unlock(&lock);
  } else if (fd >= 0 && fd < MAX_FDS && inside(path) && (flags & O_DIRECTORY)) {
    traced[fd] = 1;
  }
  return fd;
}

#define OPENER(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    REAL(int, name, const char *, int, ...); \
    return opened(real_##name(path, flags, mode), path, flags); \
  }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name) \
  int name(int directory, const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    REAL(int, name, int, const char *, int, ...); \
    return opened(real_##name(directory, path, flags, mode), path, flags); \
  }
OPENER_AT(openat)
OPENER_AT(openat64)

ssize_t write(int fd, const void *data, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (!is_traced(fd)) return real_write(fd, data, length);
  pthread_mutex_lock(&lock);
  off_t at = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
  ssize_t wrote = real_write(fd, data, length);
  if (wrote > 0) note(WRITE, fd, at, data, wrote, NULL);
  pthread_mutex_unlock(&lock);
  return wrote;
}

#define PWRITER(name) \
  ssize_t name(int fd, const void *data, size_t length, off_t at) { \
    REAL(ssize_t, name, int, const void *, size_t, off_t); \
    if (!is_traced(fd)) return real_##name(fd, data, length, at); \
    pthread_mutex_lock(&lock); \
    ssize_t wrote = real_##name(fd, data, length, at); \
    if (wrote > 0) note(WRITE, fd, at, data, wrote, NULL); \
    pthread_mutex_unlock(&lock); \
    return wrote; \
  }
PWRITER(pwrite)
PWRITER(pwrite64)

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (!is_traced(fd)) return real_writev(fd, parts, count);
  ssize_t sum = 0;
  for (int i = 0; i < count; i++) {
    ssize_t wrote = write(fd, parts[i].iov_base, parts[i].iov_len);
    if (wrote < 0) return sum ? sum : wrote;
    sum += wrote;
  }
  return sum;
}

#define SYNCER(name) \
  int name(int fd) { \
    REAL(int, name, int); \
    if (!is_traced(fd)) return real_##name(fd); \
    pthread_mutex_lock(&lock); \
    int result = real_##name(fd); \
    if (result == 0) note(SYNC, fd, 0, NULL, 0, NULL); \
    pthread_mutex_unlock(&lock); \
    return result; \
  }
SYNCER(fsync)
SYNCER(fdatasync)

int close(int fd) {
  REAL(int, close, int);
  if (!is_traced(fd)) return real_close(fd);
  pthread_mutex_lock(&lock);
  traced[fd] = 0;
  note(CLOSE, fd, 0, NULL, 0, NULL);
  int result = real_close(fd);
  pthread_mutex_unlock(&lock);
  return result;
}

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  if (!inside(from)) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  int result = real_rename(from, to);
  if (result == 0) note(RENAME, -1, 0, from, strlen(from), to);
  pthread_mutex_unlock(&lock);
  return result;
}

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  if (!inside(path)) return real_unlink(path);
  pthread_mutex_lock(&lock);
  int result = real_unlink(path);
  if (result == 0) note(UNLINK, -1, 0, path, strlen(path), NULL);
  pthread_mutex_unlock(&lock);
  return result;
}

#define TRUNCATER(name) \
  int name(int fd, off_t length) { \
    REAL(int, name, int, off_t); \
    if (!is_traced(fd)) return real_##name(fd, length); \
    pthread_mutex_lock(&lock); \
    int result = real_##name(fd, length); \
    if (result == 0) note(TRUNCATE, fd, length, NULL, 0, NULL); \
    pthread_mutex_unlock(&lock); \
    return result; \
  }
TRUNCATER(ftruncate)
TRUNCATER(ftruncate64)

#define STREAM_OPENER(name) \
  FILE *name(const char *path, const char *mode) { \
    REAL(FILE *, name, const char *, const char *); \
    FILE *stream = real_##name(path, mode); \
    if (stream && mode[0] != 'r' && inside(path) && fileno(stream) < MAX_FDS) { \
      int fd = fileno(stream); \
      opened(fd, path, O_WRONLY | (mode[0] == 'w' ? O_TRUNC : 0)); \
      stream_at[fd] = lseek(fd, 0, SEEK_END); \
    } \
    return stream; \
  }
STREAM_OPENER(fopen)
STREAM_OPENER(fopen64)

#define STREAM_WRITER(name) \
  size_t name(const void *data, size_t size, size_t count, FILE *stream) { \
    REAL(size_t, name, const void *, size_t, size_t, FILE *); \
    int fd = fileno(stream); \
    if (!is_traced(fd)) return real_##name(data, size, count, stream); \
    pthread_mutex_lock(&lock); \
    size_t wrote = real_##name(data, size, count, stream); \
    if (wrote > 0) note(WRITE, fd, stream_at[fd], data, wrote * size, NULL); \
    stream_at[fd] += wrote * size; \
    pthread_mutex_unlock(&lock); \
    return wrote; \
  }
#undef fwrite_unlocked
STREAM_WRITER(fwrite)
STREAM_WRITER(fwrite_unlocked)

int fclose(FILE *stream) {
  REAL(int, fclose, FILE *);
  int fd = fileno(stream);
  if (!is_traced(fd)) return real_fclose(stream);
  pthread_mutex_lock(&lock);
  traced[fd] = 0;
  note(CLOSE, fd, 0, NULL, 0, NULL);
  int result = real_fclose(stream);
  pthread_mutex_unlock(&lock);
  return result;
}
