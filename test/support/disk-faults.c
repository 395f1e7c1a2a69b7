/*
 * Makes one call of LevelDB to the file system fail: preloaded into a process, told by a file that both map.
 * LevelDB writes through stdio; files are unbuffered here, so that each write is a call of its own. A write fails by half, as
 * on a full disk; a failed sync loses all that was not synced before, as Linux does; a failed opening or renaming does nothing.
 * A sync that does not fail only remembers how much would be on the disk: it is processes that end here, not machines.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* at: the call that fails first, from 1 (0: none). count: how many fail. seen: calls so far. failed: of these. */
#undef fwrite_unlocked

struct control { volatile int64_t at, count, seen, failed; };

static struct control *control;
static char root[4096];
static off_t synced[65536];

__attribute__((constructor)) static void start(void) {
  const char *file = getenv("FAULT_CONTROL"), *folder = getenv("FAULT_ROOT");
  if (file == NULL || folder == NULL) return;
  int fd = open(file, O_RDWR);
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  control = mapped;
  strncpy(root, folder, sizeof root - 1);
}

static int is_ours(const char *path) {
  size_t length = strlen(path);
  int is_info = length >= 4 && strcmp(path + length - 4, "/LOG") == 0;
  return control != NULL && !is_info && strncmp(path, root, strlen(root)) == 0;
}

static int is_ours_fd(int fd) {
  char link[64], path[4096];
  if (control == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_ours(path);
}

static int fails(void) {
  int64_t call = __sync_add_and_fetch(&control->seen, 1);
  int64_t at = control->at;
  if (at == 0 || call < at || call >= at + control->count) return 0;
  __sync_add_and_fetch(&control->failed, 1);
  return 1;
}

FILE *fopen64(const char *path, const char *mode) {
  FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen64");
  if (mode[0] == 'r' || !is_ours(path)) return real(path, mode);
  if (fails()) { errno = ENOSPC; return NULL; }
  FILE *file = real(path, mode);
  if (file != NULL) {
    setvbuf(file, NULL, _IONBF, 0);
    synced[fileno(file) & 65535] = 0;
  }
  return file;
}

size_t fwrite_unlocked(const void *data, size_t size, size_t count, FILE *file) {
  size_t (*real)(const void *, size_t, size_t, FILE *) = dlsym(RTLD_NEXT, "fwrite_unlocked");
  if (!is_ours_fd(fileno(file))) return real(data, size, count, file);
  if (!fails()) return real(data, size, count, file);
  ssize_t ignored = write(fileno(file), data, size * count / 2);
  (void)ignored;
  errno = ENOSPC;
  return 0;
}

int fdatasync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  if (!is_ours_fd(fd)) return real(fd);
  if (fails()) {
    int ignored = ftruncate(fd, synced[fd & 65535]);
    (void)ignored;
    errno = EIO;
    return -1;
  }
  struct stat now;
  if (fstat(fd, &now) == 0) synced[fd & 65535] = now.st_size;
  return 0;
}

int fsync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  if (!is_ours_fd(fd)) return real(fd);
  if (fails()) { errno = EIO; return -1; }
  return 0;
}

int rename(const char *from, const char *to) {
  int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
  if (!is_ours(from)) return real(from, to);
  if (fails()) { errno = EIO; return -1; }
  return real(from, to);
}
