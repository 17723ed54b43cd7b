/* A disk that forgets, as a layer between a program and the system: every write under LIVE goes through, and reaches
 * the same file under DISK only when the program flushes it (fsync, fdatasync). What DISK holds when the program is
 * killed is what a power cut would have left. Of the writes that were never flushed, KEEP_PERCENT reach DISK all the
 * same, as a real disk may write early and in any order.
 *
 * Load it with LD_PRELOAD. Names are durable when their file is flushed, and removals at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { FILES_MAX = 32, PATH_BYTES = 4096 };

/* One write (length >= 0) or, with length < 0, a truncation to offset. */
struct change {
    off_t offset;
    ssize_t length;
};

struct file {
    char name[256];
    struct change *changes;
    size_t count, capacity;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static uint64_t chance = 88172645463325252u;

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

/* The name of fd's file within LIVE, or NULL if the file is elsewhere or of no interest (shared memory, locks). */
static const char *name_in_live(int fd, char *path) {
    const char *live = getenv("LIVE");
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = live ? readlink(link, path, PATH_BYTES - 1) : -1;
    if (length <= 0) return NULL;
    path[length] = 0;
    size_t prefix = strlen(live);
    if (strncmp(path, live, prefix) || path[prefix] != '/' || strchr(path + prefix + 1, '/')) return NULL;
    const char *name = path + prefix + 1;
    return strstr(name, "-shm") || strstr(name, ".lock") ? NULL : name;
}

static struct file *file_named(const char *name) {
    for (int i = 0; i < FILES_MAX; i++) {
        if (!files[i].name[0]) snprintf(files[i].name, sizeof files[i].name, "%s", name);
        if (!strcmp(files[i].name, name)) return &files[i];
    }
    abort();
}

static int open_on_disk(const char *name) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", getenv("DISK"), name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) abort();
    return fd;
}

static void apply(int from, int to, struct change change) {
    static char buffer[1 << 16];
    if (change.length < 0) {
        if (((int (*)(int, off_t))real("ftruncate64"))(to, change.offset)) abort();
        return;
    }
    while (change.length > 0) {
        size_t wanted = change.length < (ssize_t)sizeof buffer ? (size_t)change.length : sizeof buffer;
        ssize_t got = pread(from, buffer, wanted, change.offset);
        if (got <= 0) return; /* truncated since */
        if (((ssize_t(*)(int, const void *, size_t, off_t))real("pwrite64"))(to, buffer, got, change.offset) != got) abort();
        change.offset += got;
        change.length -= got;
    }
}

static void record(int fd, off_t offset, ssize_t length) {
    char path[PATH_BYTES];
    const char *name = name_in_live(fd, path);
    if (!name) return;
    pthread_mutex_lock(&lock);
    struct file *file = file_named(name);
    if (file->count == file->capacity) {
        file->capacity = file->capacity ? 2 * file->capacity : 64;
        file->changes = realloc(file->changes, file->capacity * sizeof *file->changes);
        if (!file->changes) abort();
    }
    struct change change = {offset, length};
    file->changes[file->count++] = change;
    chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
    const char *keep = getenv("KEEP_PERCENT");
    if (length >= 0 && keep && chance % 100 < (uint64_t)atoi(keep)) {
        int to = open_on_disk(name);
        apply(fd, to, change);
        close(to);
    }
    pthread_mutex_unlock(&lock);
}

static int flush(int fd, const char *call) {
    char path[PATH_BYTES];
    const char *name = name_in_live(fd, path);
    if (!name) return ((int (*)(int))real(call))(fd);
    pthread_mutex_lock(&lock);
    int result = ((int (*)(int))real(call))(fd);
    if (result == 0) {
        struct file *file = file_named(name);
        int to = open_on_disk(name);
        for (size_t i = 0; i < file->count; i++) apply(fd, to, file->changes[i]);
        file->count = 0;
        close(to);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return flush(fd, "fsync"); }
int fdatasync(int fd) { return flush(fd, "fdatasync"); }

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    ssize_t written = ((ssize_t(*)(int, const void *, size_t, off64_t))real("pwrite64"))(fd, data, size, offset);
    if (written > 0) record(fd, offset, written);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

ssize_t write(int fd, const void *data, size_t size) {
    off_t offset = lseek(fd, 0, SEEK_CUR); /* -1 for a pipe, which is never recorded */
    ssize_t written = ((ssize_t(*)(int, const void *, size_t))real("write"))(fd, data, size);
    if (written > 0 && offset >= 0) record(fd, offset, written);
    return written;
}

int ftruncate64(int fd, off64_t length) {
    int result = ((int (*)(int, off64_t))real("ftruncate64"))(fd, length);
    if (result == 0) record(fd, length, -1);
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
    const char *live = getenv("LIVE");
    size_t prefix = live ? strlen(live) : 0;
    if (live && !strncmp(path, live, prefix) && path[prefix] == '/') {
        char on_disk[PATH_BYTES];
        snprintf(on_disk, sizeof on_disk, "%s%s", getenv("DISK"), path + prefix);
        ((int (*)(const char *))real("unlink"))(on_disk);
        pthread_mutex_lock(&lock);
        file_named(path + prefix + 1)->count = 0;
        pthread_mutex_unlock(&lock);
    }
    return ((int (*)(const char *))real("unlink"))(path);
}
