/*
 * Records what a process does to the files below one directory, so that a test can rebuild what a power cut would
 * have left of them. Also delays and counts syncs, for benches.
 *
 *   cc -shared -fPIC -O2 -o layer.so layer.c -ldl
 *   LD_PRELOAD=./layer.so KEYWARD_JOURNAL=journal KEYWARD_JOURNAL_ROOT=/abs/dir program
 *
 * Environment, each on its own:
 *   KEYWARD_JOURNAL          file that every change below KEYWARD_JOURNAL_ROOT (absolute, resolved) is appended to
 *   KEYWARD_SYNC_DELAY_US    sleep this long in every fsync and fdatasync
 *   KEYWARD_SYNC_FAIL_AT     the sync of this number, and only that one, fails with EIO and does nothing
 *   KEYWARD_KILL_AT_SYNC     the process is killed when it begins the sync of this number
 *   KEYWARD_FAULT            file whose first byte says what fails below KEYWARD_JOURNAL_ROOT from now on: 0 nothing, 1 writing
 *                            with ENOSPC, 2 writing with EIO, 3 syncing with EIO, 4 writing and creating with EROFS
 *   KEYWARD_TEST_NO_SYNC     every fsync and fdatasync succeeds and does nothing
 *   KEYWARD_SYNC_COUNT       file whose first 8 bytes (little-endian) count the fsync and fdatasync calls
 *   KEYWARD_TEST_NO_OVERRIDE redirects the program's own sync_file_range to the kernel, as if it were not there;
 *                            `hidden` still answers the program's self-check, `seen` does not
 *
 * Journal: records of a header of 32 bytes (little-endian, as the machines below are), then `path` bytes, then `data` bytes.
 *
 *   kind 4 | path 4 | inode 8 | at 8 | data 8
 *
 *   1 created   path, inode          5 renamed    path = from NUL to
 *   2 directory path, inode          6 unlinked   path (file or empty directory)
 *   3 written   inode, at, data      7 sync began inode, at = number of the sync
 *   4 truncated inode, at = length   8 sync ended at = number of the sync; only when it succeeded
 *
 * Paths are relative to the root. A change is recorded after it happened, both under one lock, so the journal's
 * order is the files' order; a change whose record is cut off by a kill was never acknowledged. mmap is not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct header {
    uint32_t kind, path;
    uint64_t inode, at, data;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static char root[PATH_MAX];
static size_t root_length;
static useconds_t delay;
static uint64_t fail_at, kill_at; /* numbers of syncs, from 1 */
static uint64_t *count;
static uint64_t syncs;
static const volatile unsigned char *fault;

enum { WRITING = 1, SYNCING, CREATING };

/* The error that `what` meets with; 0 when it is to be done. */
static int fails(int what) {
    switch (fault ? *fault : 0) {
    case 1: return what == WRITING ? ENOSPC : 0;
    case 2: return what == WRITING ? EIO : 0;
    case 3: return what == SYNCING ? EIO : 0;
    case 4: return what == SYNCING ? 0 : EROFS;
    default: return 0;
    }
}

static int hidden, no_sync;

static int pass_to_kernel(int fd, off64_t at, off64_t length, unsigned flags) {
    if (hidden && fd < 0) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_sync_file_range, fd, at, length, flags);
}

static void fail(const char *what) {
    fprintf(stderr, "layer: %s: %s\n", what, strerror(errno));
    abort();
}

/* Writes a jump to pass_to_kernel over the beginning of the program's sync_file_range. */
static void remove_override(void) {
    char *code = dlsym(RTLD_DEFAULT, "sync_file_range");
    if (!code) fail("the program has no sync_file_range");
    uintptr_t page = sysconf(_SC_PAGESIZE), from = (uintptr_t)code & ~(page - 1);
    if (mprotect((void *)from, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC)) fail("mprotect");
    uint64_t target = (uint64_t)&pass_to_kernel;
#if defined(__x86_64__)
    static const unsigned char jump[] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; /* mov rax, target; jmp rax */
    memcpy(code, jump, sizeof jump);
    memcpy(code + 2, &target, sizeof target);
#elif defined(__aarch64__)
    static const uint32_t jump[] = {0x58000050, 0xd61f0200}; /* ldr x16, target; br x16 */
    memcpy(code, jump, sizeof jump);
    memcpy(code + 8, &target, sizeof target);
    __builtin___clear_cache(code, code + 16);
#else
#error "no jump known for this machine"
#endif
}

__attribute__((constructor)) static void start(void) {
    const char *value;
    if ((value = getenv("KEYWARD_JOURNAL_ROOT")) && strlen(value) < sizeof root) {
        strcpy(root, value);
        root_length = strlen(root);
    }
    if (root_length && (value = getenv("KEYWARD_JOURNAL"))) {
        journal = syscall(SYS_openat, AT_FDCWD, value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (journal < 0) fail(value);
    }
    if ((value = getenv("KEYWARD_SYNC_DELAY_US"))) delay = strtoul(value, NULL, 10);
    if ((value = getenv("KEYWARD_SYNC_FAIL_AT"))) fail_at = strtoull(value, NULL, 10);
    if ((value = getenv("KEYWARD_KILL_AT_SYNC"))) kill_at = strtoull(value, NULL, 10);
    if ((value = getenv("KEYWARD_SYNC_COUNT"))) {
        int fd = syscall(SYS_openat, AT_FDCWD, value, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate64(fd, sizeof *count)) fail(value);
        count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (count == MAP_FAILED) fail(value);
        close(fd);
    }
    if ((value = getenv("KEYWARD_FAULT"))) {
        int fd = syscall(SYS_openat, AT_FDCWD, value, O_RDONLY | O_CLOEXEC, 0);
        fault = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
        if (fd < 0 || fault == MAP_FAILED) fail(value);
        close(fd);
    }
    no_sync = getenv("KEYWARD_TEST_NO_SYNC") != NULL;
    if ((value = getenv("KEYWARD_TEST_NO_OVERRIDE"))) {
        hidden = !strcmp(value, "hidden");
        remove_override();
    }
}

/* The part of an absolute path below the root; NULL when it is not below. The root itself is "". */
static const char *below(const char *path) {
    if (journal < 0 || strncmp(path, root, root_length)) return NULL;
    if (path[root_length] == '/') return path + root_length + 1;
    return path[root_length] ? NULL : path + root_length;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return -1;
    path[length] = 0;
    return 0;
}

/* Where `name`, as given with `dir`, is below the root; `path` has room for PATH_MAX bytes. */
static const char *resolve(int dir, const char *name, char *path) {
    if (journal < 0) return NULL;
    if (name[0] == '/') return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX ? below(path) : NULL;
    char base[PATH_MAX];
    if (dir == AT_FDCWD ? !getcwd(base, sizeof base) : path_of(dir, base)) return NULL;
    return snprintf(path, PATH_MAX, "%s/%s", base, name) < PATH_MAX ? below(path) : NULL;
}

/* The inode behind `fd` when it is below the root; 0 otherwise. */
static uint64_t tracked(int fd) {
    char path[PATH_MAX];
    struct stat status;
    if (journal < 0 || path_of(fd, path) || !below(path) || fstat(fd, &status)) return 0;
    return status.st_ino;
}

static void record(uint32_t kind, const char *path, size_t length, uint64_t inode, uint64_t at, const void *data,
                   uint64_t size) {
    struct header header = {kind, length, inode, at, size};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)path, length}, {(void *)data, size}};
    if (syscall(SYS_writev, journal, parts, 3) != (ssize_t)(sizeof header + length + size)) fail("journal");
}

static int open_recorded(int dir, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    const char *place = flags & (O_CREAT | O_TRUNC) ? resolve(dir, name, path) : NULL;
    if (!place) return syscall(SYS_openat, dir, name, flags, mode);
    if ((errno = fails(CREATING))) return -1;
    pthread_mutex_lock(&lock);
    struct stat status;
    int present = fstatat(dir, name, &status, 0) == 0;
    int fd = syscall(SYS_openat, dir, name, flags, mode), error = errno;
    if (fd >= 0 && fstat(fd, &status) == 0) {
        if (!present) record(1, place, strlen(place), status.st_ino, 0, NULL, 0);
        else if (flags & O_TRUNC) record(4, NULL, 0, status.st_ino, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags)                                    \
    mode_t mode = 0;                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {             \
        va_list rest;                                  \
        va_start(rest, flags);                         \
        mode = va_arg(rest, mode_t);                   \
        va_end(rest);                                  \
    }
int open(const char *name, int flags, ...) { MODE(flags) return open_recorded(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return open_recorded(AT_FDCWD, name, flags, mode); }
int openat(int dir, const char *name, int flags, ...) { MODE(flags) return open_recorded(dir, name, flags, mode); }
int openat64(int dir, const char *name, int flags, ...) { MODE(flags) return open_recorded(dir, name, flags, mode); }
int creat(const char *name, mode_t mode) { return open_recorded(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static ssize_t write_recorded(int fd, const struct iovec *parts, int number, off64_t at) {
    uint64_t inode = tracked(fd);
    if (inode && (errno = fails(WRITING))) return -1;
    if (inode) pthread_mutex_lock(&lock);
    off64_t from = at < 0 && inode ? lseek64(fd, 0, SEEK_CUR) : at;
    ssize_t written = at < 0 ? syscall(SYS_writev, fd, parts, number) : syscall(SYS_pwritev, fd, parts, number, at, 0L);
    int error = errno;
    ssize_t left = written;
    for (int i = 0; inode && i < number && left > 0; i++) {
        size_t size = (size_t)left < parts[i].iov_len ? (size_t)left : parts[i].iov_len;
        record(3, NULL, 0, inode, from, parts[i].iov_base, size);
        from += size;
        left -= size;
    }
    if (inode) pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int fd, const void *data, size_t size) {
    struct iovec part = {(void *)data, size};
    return write_recorded(fd, &part, 1, -1);
}
ssize_t writev(int fd, const struct iovec *parts, int number) { return write_recorded(fd, parts, number, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    struct iovec part = {(void *)data, size};
    return write_recorded(fd, &part, 1, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return pwrite(fd, data, size, at); }
ssize_t pwritev(int fd, const struct iovec *parts, int number, off_t at) {
    return write_recorded(fd, parts, number, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int number, off64_t at) {
    return write_recorded(fd, parts, number, at);
}

int ftruncate64(int fd, off64_t length) {
    uint64_t inode = tracked(fd);
    if (inode) pthread_mutex_lock(&lock);
    int result = syscall(SYS_ftruncate, fd, length), error = errno;
    if (inode && result == 0) record(4, NULL, 0, inode, length, NULL, 0);
    if (inode) pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int mkdirat(int dir, const char *name, mode_t mode) {
    char path[PATH_MAX];
    struct stat status;
    const char *place = resolve(dir, name, path);
    if (place) pthread_mutex_lock(&lock);
    int result = syscall(SYS_mkdirat, dir, name, mode), error = errno;
    if (place && result == 0 && fstatat(dir, name, &status, 0) == 0)
        record(2, place, strlen(place), status.st_ino, 0, NULL, 0);
    if (place) pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int unlinkat(int dir, const char *name, int flags) {
    char path[PATH_MAX];
    const char *place = resolve(dir, name, path);
    if (place) pthread_mutex_lock(&lock);
    int result = syscall(SYS_unlinkat, dir, name, flags), error = errno;
    if (place && result == 0) record(6, place, strlen(place), 0, 0, NULL, 0);
    if (place) pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    char from_path[PATH_MAX], to_path[PATH_MAX], both[2 * PATH_MAX];
    const char *from_place = resolve(from_dir, from, from_path), *to_place = resolve(to_dir, to, to_path);
    int inside = from_place && to_place;
    if (inside) pthread_mutex_lock(&lock);
    int result = syscall(SYS_renameat2, from_dir, from, to_dir, to, 0), error = errno;
    if (inside && result == 0) {
        size_t split = strlen(from_place) + 1, length = split + strlen(to_place);
        memcpy(both, from_place, split);
        memcpy(both + split, to_place, length - split);
        record(5, both, length, 0, 0, NULL, 0);
    }
    if (inside) pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

static int sync_recorded(long call, int fd) {
    uint64_t inode = tracked(fd), number = __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
    if (inode) {
        pthread_mutex_lock(&lock);
        record(7, NULL, 0, inode, number, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    if (number == kill_at) kill(getpid(), SIGKILL);
    if (delay) usleep(delay);
    if (count) __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    int broken = number == fail_at || (inode && fails(SYNCING));
    int result = broken ? (errno = EIO, -1) : no_sync ? 0 : syscall(call, fd), error = errno;
    if (inode && result == 0) {
        pthread_mutex_lock(&lock);
        record(8, NULL, 0, inode, number, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return result;
}
int fsync(int fd) { return sync_recorded(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_recorded(SYS_fdatasync, fd); }

/* Copies inside the kernel would go unseen: the callers fall back to reading and writing. */
ssize_t copy_file_range(int a, off64_t *b, int c, off64_t *d, size_t e, unsigned f) { errno = ENOSYS; return -1; }
ssize_t sendfile(int a, int b, off_t *c, size_t d) { errno = ENOSYS; return -1; }
ssize_t sendfile64(int a, int b, off64_t *c, size_t d) { errno = ENOSYS; return -1; }
ssize_t splice(int a, off64_t *b, int c, off64_t *d, size_t e, unsigned f) { errno = EINVAL; return -1; }
