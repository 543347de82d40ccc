/* Writes down every change of files below $RECORD_BELOW into the journal $RECORD_TO, and every sync, in their order.
 *
 * Loaded with LD_PRELOAD into the service or into PostgreSQL (all its processes append to one journal). An entry is a
 * header (struct entry), the path, and the content. A sync has two entries, before ('b') and after ('s') the call: what
 * was written by others meanwhile is not counted as synced. Memory maps are not seen: SQLite's -shm is made anew after
 * a crash, and neither database maps anything else. stdio's own calls are not seen either.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct entry {
  char mark, what;
  uint16_t path_size;
  uint32_t thread, size;
  uint32_t unused;
  uint64_t offset;
};

enum { MOST = 65536 };
static const char *below;
static size_t below_size;
static int journal = -1;
static char *paths[MOST]; /* of open files, by descriptor */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  const char *to = getenv("RECORD_TO");
  below = getenv("RECORD_BELOW");
  if (!below || !to) return;
  below = strdup(below); /* PostgreSQL writes its titles over the environment */
  below_size = strlen(below);
  int got = syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  /* out of the way of programs that close or count low descriptors */
  journal = syscall(SYS_fcntl, got, F_DUPFD_CLOEXEC, 1000);
  if (journal < 0) journal = got; else syscall(SYS_close, got);
}

static int is_ours(const char *path) { return journal >= 0 && path && !strncmp(path, below, below_size); }

static void note(char what, const char *path, uint64_t offset, const void *content, uint32_t size) {
  struct entry head = {'R', what, strlen(path), syscall(SYS_gettid), size, 0, offset};
  struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path_size}, {(void *)content, size}};
  syscall(SYS_writev, journal, parts, content ? 3 : 2); /* appended as a whole, also among processes */
}

static const char *path_of(int fd) { return fd >= 0 && fd < MOST ? paths[fd] : NULL; }

static void forget(int fd) {
  if (fd < 0 || fd >= MOST || !paths[fd]) return;
  pthread_mutex_lock(&lock);
  free(paths[fd]);
  paths[fd] = NULL;
  pthread_mutex_unlock(&lock);
}

/* PostgreSQL names files relative to its data folder. */
static char *whole(int folder, const char *path) {
  char at[4096], link[64];
  if (!path) return NULL;
  if (*path == '/') return strdup(path);
  ssize_t size = 0;
  if (folder == AT_FDCWD) {
    if (syscall(SYS_getcwd, at, sizeof at) < 0) return NULL;
    size = strlen(at);
  } else {
    strcpy(link, "/proc/self/fd/");
    char digits[16]; int n = 0; unsigned left = folder;
    do digits[n++] = '0' + left % 10; while (left /= 10);
    char *end = link + strlen(link);
    while (n) *end++ = digits[--n];
    *end = 0;
    size = syscall(SYS_readlinkat, AT_FDCWD, link, at, sizeof at - 1);
    if (size < 0) return NULL;
    at[size] = 0;
  }
  while (path[0] == '.' && path[1] == '/') path += 2;
  char *made = malloc(size + strlen(path) + 2);
  memcpy(made, at, size);
  made[size] = '/';
  strcpy(made + size + 1, path);
  if (!strcmp(path, ".")) made[size] = 0;
  return made;
}

static int opened(int fd, int folder, const char *path, int flags, int was_there) {
  forget(fd);
  if (fd < 0 || fd >= MOST) return fd;
  char *name = whole(folder, path);
  if (!is_ours(name)) { free(name); return fd; }
  paths[fd] = name;
  if ((flags & O_CREAT) && !was_there) note('c', name, 0, NULL, 0);
  else if (flags & O_TRUNC) note('t', name, 0, NULL, 0);
  return fd;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define MODE mode_t mode = 0; if (flags & (O_CREAT | __O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, int); va_end(more); }
#define THERE(folder) ((flags & O_CREAT) && !syscall(SYS_faccessat, folder, path, F_OK))

int open(const char *path, int flags, ...) { REAL(open); MODE int there = THERE(AT_FDCWD); return opened(real(path, flags, mode), AT_FDCWD, path, flags, there); }
int open64(const char *path, int flags, ...) { REAL(open64); MODE int there = THERE(AT_FDCWD); return opened(real(path, flags, mode), AT_FDCWD, path, flags, there); }
int openat(int at, const char *path, int flags, ...) { REAL(openat); MODE int there = THERE(at); return opened(real(at, path, flags, mode), at, path, flags, there); }
int openat64(int at, const char *path, int flags, ...) { REAL(openat64); MODE int there = THERE(at); return opened(real(at, path, flags, mode), at, path, flags, there); }
int close(int fd) { REAL(close); forget(fd); return real(fd); }

static ssize_t wrote(int fd, const void *content, ssize_t size, off64_t offset) { if (size > 0 && path_of(fd)) note('w', path_of(fd), offset, content, size); return size; }
static ssize_t wrote_all(int fd, const struct iovec *parts, int count, ssize_t size, off64_t offset) {
  ssize_t left = size;
  for (int i = 0; i < count && left > 0; i++) {
    ssize_t piece = (ssize_t)parts[i].iov_len < left ? (ssize_t)parts[i].iov_len : left;
    wrote(fd, parts[i].iov_base, piece, offset);
    offset += piece;
    left -= piece;
  }
  return size;
}
static off64_t place(int fd) { return path_of(fd) ? lseek64(fd, 0, SEEK_CUR) : 0; }

ssize_t write(int fd, const void *content, size_t size) { REAL(write); ssize_t got = real(fd, content, size); return wrote(fd, content, got, place(fd) - got); }
ssize_t pwrite(int fd, const void *content, size_t size, off_t at) { REAL(pwrite); return wrote(fd, content, real(fd, content, size, at), at); }
ssize_t pwrite64(int fd, const void *content, size_t size, off64_t at) { REAL(pwrite64); return wrote(fd, content, real(fd, content, size, at), at); }
ssize_t writev(int fd, const struct iovec *parts, int count) { REAL(writev); ssize_t got = real(fd, parts, count); return wrote_all(fd, parts, count, got, place(fd) - got); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { REAL(pwritev); return wrote_all(fd, parts, count, real(fd, parts, count, at), at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { REAL(pwritev64); return wrote_all(fd, parts, count, real(fd, parts, count, at), at); }

/* Copies within the kernel: what arrived is read back. */
static ssize_t copied(int fd, ssize_t size, off64_t at) {
  char part[65536];
  for (ssize_t done = 0; path_of(fd) && done < size;) {
    ssize_t got = syscall(SYS_pread64, fd, part, size - done < (ssize_t)sizeof part ? size - done : (ssize_t)sizeof part, at + done);
    if (got <= 0) break;
    note('w', path_of(fd), at + done, part, got);
    done += got;
  }
  return size;
}
ssize_t sendfile(int out, int in, off_t *from, size_t size) { REAL(sendfile); off64_t at = place(out); return copied(out, real(out, in, from, size), at); }
ssize_t sendfile64(int out, int in, off64_t *from, size_t size) { REAL(sendfile64); off64_t at = place(out); return copied(out, real(out, in, from, size), at); }
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) { REAL(copy_file_range); off64_t at = to ? *to : place(out); return copied(out, real(in, from, out, to, size, flags), at); }

static int sized(int fd, int failed, off64_t size) { if (!failed && path_of(fd)) note('t', path_of(fd), size, NULL, 0); return failed; }
int ftruncate(int fd, off_t size) { REAL(ftruncate); return sized(fd, real(fd, size), size); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); return sized(fd, real(fd, size), size); }
int truncate(const char *path, off_t size) { REAL(truncate); int failed = real(path, size); char *name = whole(AT_FDCWD, path); if (!failed && is_ours(name)) note('t', name, size, NULL, 0); free(name); return failed; }
static int grown(int fd, int failed, off64_t size) { struct stat found; if (!failed && path_of(fd) && !fstat(fd, &found) && found.st_size >= size) note('g', path_of(fd), size, NULL, 0); return failed; }
int fallocate(int fd, int mode, off_t at, off_t size) { REAL(fallocate); return grown(fd, real(fd, mode, at, size), at + size); }
int fallocate64(int fd, int mode, off64_t at, off64_t size) { REAL(fallocate64); return grown(fd, real(fd, mode, at, size), at + size); }
int posix_fallocate(int fd, off_t at, off_t size) { REAL(posix_fallocate); return grown(fd, real(fd, at, size), at + size); }
int posix_fallocate64(int fd, off64_t at, off64_t size) { REAL(posix_fallocate64); return grown(fd, real(fd, at, size), at + size); }

#define SYNC(name) int name(int fd) { REAL(name); if (path_of(fd)) note('b', path_of(fd), 0, NULL, 0); int failed = real(fd); if (!failed && path_of(fd)) note('s', path_of(fd), 0, NULL, 0); return failed; }
SYNC(fsync)
SYNC(fdatasync)

static int named(char what, int failed, int at, const char *path, const char *old) {
  char *name = whole(at, path), *before = old ? whole(at, old) : NULL;
  if (!failed && is_ours(name)) note(what, name, 0, before, before ? strlen(before) : 0);
  free(name);
  free(before);
  return failed;
}
int unlink(const char *path) { REAL(unlink); return named('u', real(path), AT_FDCWD, path, NULL); }
int unlinkat(int at, const char *path, int flags) { REAL(unlinkat); return named('u', real(at, path, flags), at, path, NULL); }
int rmdir(const char *path) { REAL(rmdir); return named('u', real(path), AT_FDCWD, path, NULL); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); return named('m', real(path, mode), AT_FDCWD, path, NULL); }
int rename(const char *old, const char *path) { REAL(rename); return named('r', real(old, path), AT_FDCWD, path, old); }
int renameat(int from, const char *old, int at, const char *path) { REAL(renameat); return named('r', real(from, old, at, path), at, path, old); }
int link(const char *old, const char *path) { REAL(link); return named('l', real(old, path), AT_FDCWD, path, old); }
