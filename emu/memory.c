// SPDX-License-Identifier: GPL-2.0-only
/*
 * VRAM and the windows through which the GPU sees guest RAM.
 *
 * VRAM is a memfd as long as BAR 0, which the peer maps as well; it is sealed
 * against resizing, so no peer can pull it away under us. A window is a mapping
 * of a file that the peer sent with DMA_MAP. The map of windows is a sorted
 * array under a read-write lock: an access holds it for reading, and unmapping,
 * which takes it for writing, so waits for the accesses that are under way.
 *
 * A peer can shrink its file after we have mapped it, or send one whose pages
 * cannot be had (hugetlb), and then an access ends in SIGBUS. Checking the size
 * beforehand is not enough and sealing is not possible for every file. So a
 * SIGBUS inside a window puts zero pages in place of the whole window, which is
 * lost with that, and the access that met it fails with the verdict
 * "dma-window-lost". The handler may look at the map since the thread that
 * faulted holds the lock for reading; a thread-local pointer says so. SIGBUS
 * anywhere else ends the program, as it should.
 *
 * Not defended against: a file on a file system that the peer itself serves, so
 * that an access to it blocks for as long as the peer likes.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include "gpu.h"
#include "pci.h"

/* As many as transport announces; also what an address space holds by default. */
#define MAX_WINDOWS 65535

struct window {
	u64 iova;
	u64 size;
	u8 *data;		/* NULL: a hole, DMA must not touch it */
	bool writable;
	atomic_bool *lost;	/* set by the SIGBUS handler */
};

struct memory {
	int vram_fd;
	u8 *vram;
	u64 vram_mapped;

	pthread_rwlock_t lock;	/* what follows */
	struct window *windows;	/* sorted, disjoint */
	size_t num;
	size_t room;
};

/* The map that this thread holds the lock of, for the SIGBUS handler. */
static _Thread_local struct memory *volatile accessing;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	const u8 *at = info->si_addr;
	struct memory *memory = accessing;
	int saved_errno = errno;

	(void)sig;
	(void)context;
	for (size_t i = 0; memory && i < memory->num; i++) {
		struct window *w = &memory->windows[i];

		if (!w->data || at < w->data || at >= w->data + w->size)
			continue;
		if (mmap(w->data, w->size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
			 -1, 0) == MAP_FAILED)
			break;
		atomic_store(w->lost, true);
		errno = saved_errno;
		return;
	}
	signal(SIGBUS, SIG_DFL);	/* the access faults again at once */
}

static int catch_sigbus(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) ? -errno : 0;
}

static int vram_init(struct memory *memory, u64 size)
{
	memory->vram_mapped = vram_bar_size(size);
	memory->vram_fd = memfd_create("vram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory->vram_fd < 0)
		return -errno;
	if (ftruncate(memory->vram_fd, (off_t)memory->vram_mapped) ||
	    fcntl(memory->vram_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	memory->vram = mmap(NULL, memory->vram_mapped, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, memory->vram_fd, 0);
	if (memory->vram == MAP_FAILED) {
		memory->vram = NULL;
		return -errno;
	}
	return 0;
}

/* Unmapping comes from the transport thread, which no engine may hold up for long. */
static void lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

int memory_init(struct gpu *gpu)
{
	struct memory *memory = calloc(1, sizeof(*memory));
	int err = -ENOMEM;

	if (!memory)
		goto failed;
	gpu->memory = memory;
	memory->vram_fd = -1;
	lock_init(&memory->lock);
	err = catch_sigbus();
	if (!err)
		err = vram_init(memory, gpu->vram_size);
	if (!err)
		return 0;
	memory_fini(gpu);
failed:
	fprintf(stderr, "gpu-emu: cannot make %llu MiB of VRAM: %s\n",
		(unsigned long long)(gpu->vram_size >> 20), strerror(-err));
	return err;
}

void memory_fini(struct gpu *gpu)
{
	struct memory *memory = gpu->memory;

	if (!memory)
		return;
	memory_unmap_all(gpu);
	if (memory->vram)
		munmap(memory->vram, memory->vram_mapped);
	if (memory->vram_fd >= 0)
		close(memory->vram_fd);
	pthread_rwlock_destroy(&memory->lock);
	free(memory->windows);
	free(memory);
	gpu->memory = NULL;
}

int memory_vram_fd(const struct gpu *gpu)
{
	return gpu->memory->vram_fd;
}

/* ---- the map of windows ---- */

/* Index of the first window that ends after @addr; callers hold the lock. */
static size_t first_after(const struct memory *memory, u64 addr)
{
	size_t low = 0, high = memory->num;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct window *w = &memory->windows[mid];

		if (w->iova + (w->size - 1) < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool page_aligned(u64 value)
{
	return !(value & (GPU_PAGE_SIZE - 1));
}

static bool valid_range(u64 iova, u64 size)
{
	return size && page_aligned(iova) && page_aligned(size) && iova + (size - 1) >= iova;
}

/* A plain file that holds the whole range: anything else could not be mapped, or
 * would fault where it is touched. */
static int check_file(int fd, u64 offset, u64 size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || !page_aligned(offset))
		return -EINVAL;
	if (offset > (u64)st.st_size || size > (u64)st.st_size - offset)
		return -EINVAL;
	return 0;
}

static int open_window(struct window *w, int fd, u64 offset)
{
	int prot = PROT_READ | (w->writable ? PROT_WRITE : 0);
	int err = check_file(fd, offset, w->size);

	if (err)
		return err;
	w->lost = calloc(1, sizeof(*w->lost));
	if (!w->lost)
		return -ENOMEM;
	w->data = mmap(NULL, w->size, prot, MAP_SHARED | MAP_NORESERVE, fd, (off_t)offset);
	if (w->data == MAP_FAILED) {
		w->data = NULL;
		err = -errno;
		free(w->lost);
	}
	return err;
}

static void close_window(struct window *w)
{
	if (!w->data)
		return;
	munmap(w->data, w->size);
	free(w->lost);
}

static int insert_window(struct memory *memory, const struct window *w)
{
	size_t at = first_after(memory, w->iova);

	if (at < memory->num && memory->windows[at].iova <= w->iova + (w->size - 1))
		return -EEXIST;
	if (memory->num == MAX_WINDOWS)
		return -ENOSPC;
	if (memory->num == memory->room) {
		size_t room = memory->room ? memory->room * 2 : 64;
		struct window *more = realloc(memory->windows, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memory->windows = more;
		memory->room = room;
	}
	memmove(&memory->windows[at + 1], &memory->windows[at],
		(memory->num - at) * sizeof(*w));
	memory->windows[at] = *w;
	memory->num++;
	return 0;
}

int memory_map_window(struct gpu *gpu, u64 iova, u64 size, int fd, u64 offset, bool writable)
{
	struct memory *memory = gpu->memory;
	struct window w = { .iova = iova, .size = size, .writable = writable };
	int err;

	if (!valid_range(iova, size))
		return -EINVAL;
	if (fd >= 0) {
		err = open_window(&w, fd, offset);
		if (err)
			return err;
	}
	pthread_rwlock_wrlock(&memory->lock);
	err = insert_window(memory, &w);
	pthread_rwlock_unlock(&memory->lock);
	if (err)
		close_window(&w);
	trace(gpu, TRACE_MEM, "map 0x%llx + 0x%llx%s%s: %d", (unsigned long long)iova,
	      (unsigned long long)size, fd < 0 ? " hole" : "", writable ? "" : " read-only", err);
	return err;
}

/*
 * Unmaps every window inside the range, like VFIO. A range that cuts a window in
 * two changes nothing and is -EINVAL; one that has no window is -ENOENT.
 */
int memory_unmap_window(struct gpu *gpu, u64 iova, u64 size)
{
	struct memory *memory = gpu->memory;
	size_t from, to;
	int err = 0;
	u64 last = iova + (size - 1);

	if (!valid_range(iova, size))
		return -EINVAL;
	pthread_rwlock_wrlock(&memory->lock);
	from = first_after(memory, iova);
	for (to = from; to < memory->num && memory->windows[to].iova <= last; to++) {
		const struct window *w = &memory->windows[to];

		if (w->iova < iova || w->iova + (w->size - 1) > last)
			err = -EINVAL;
	}
	if (!err && from == to)
		err = -ENOENT;
	if (!err) {
		for (size_t i = from; i < to; i++)
			close_window(&memory->windows[i]);
		memmove(&memory->windows[from], &memory->windows[to],
			(memory->num - to) * sizeof(memory->windows[0]));
		memory->num -= to - from;
	}
	pthread_rwlock_unlock(&memory->lock);
	trace(gpu, TRACE_MEM, "unmap 0x%llx + 0x%llx: %d", (unsigned long long)iova,
	      (unsigned long long)size, err);
	return err;
}

void memory_unmap_all(struct gpu *gpu)
{
	struct memory *memory = gpu->memory;

	pthread_rwlock_wrlock(&memory->lock);
	for (size_t i = 0; i < memory->num; i++)
		close_window(&memory->windows[i]);
	memory->num = 0;
	pthread_rwlock_unlock(&memory->lock);
	trace(gpu, TRACE_MEM, "unmap all");
}

/* ---- access ---- */

enum direction { READ, WRITE };

/*
 * One copy between memory that others change at the same time and a buffer of
 * ours. Aligned words are single, ordered accesses. Bulk data is not ordered in
 * itself: the fence that follows it is a word.
 */
static void copy(u8 *memory, u8 *buf, size_t len, enum direction dir)
{
	bool aligned = !((uintptr_t)memory & (len - 1));
	u64 v8;
	u32 v4;

	if (len == 4 && aligned && dir == READ) {
		v4 = __atomic_load_n((u32 *)memory, __ATOMIC_ACQUIRE);
		memcpy(buf, &v4, len);
	} else if (len == 8 && aligned && dir == READ) {
		v8 = __atomic_load_n((u64 *)memory, __ATOMIC_ACQUIRE);
		memcpy(buf, &v8, len);
	} else if (len == 4 && aligned) {
		memcpy(&v4, buf, len);
		__atomic_store_n((u32 *)memory, v4, __ATOMIC_RELEASE);
	} else if (len == 8 && aligned) {
		memcpy(&v8, buf, len);
		__atomic_store_n((u64 *)memory, v8, __ATOMIC_RELEASE);
	} else if (dir == READ) {
		memcpy(buf, memory, len);
	} else {
		memcpy(memory, buf, len);
	}
}

static u64 exchange(u8 *memory, size_t size, atomic_op op, const void *arg)
{
	if (size == 4) {
		u32 old = __atomic_load_n((u32 *)memory, __ATOMIC_ACQUIRE);

		while (!__atomic_compare_exchange_n((u32 *)memory, &old, (u32)op(old, arg), false,
						    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			;
		return old;
	} else {
		u64 old = __atomic_load_n((u64 *)memory, __ATOMIC_ACQUIRE);

		while (!__atomic_compare_exchange_n((u64 *)memory, &old, op(old, arg), false,
						    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			;
		return old;
	}
}

static bool valid_atomic(u64 addr, size_t size)
{
	return (size == 4 || size == 8) && !(addr & (size - 1));
}

/*
 * Whether [addr, addr + len) lies in adjacent windows that permit @dir, the
 * first of which is *@first. Says why not.
 */
static const char *cover(const struct memory *memory, u64 addr, size_t len, enum direction dir,
			 size_t *first)
{
	u64 last = addr + (len - 1), next = addr;

	if (last < addr)
		return "wraps around";
	*first = first_after(memory, addr);
	for (size_t i = *first; i < memory->num; i++) {
		const struct window *w = &memory->windows[i];

		if (w->iova > next)
			break;
		if (!w->data)
			return "no memory behind this window";
		if (dir == WRITE && !w->writable)
			return "read-only window";
		if (w->iova + (w->size - 1) >= last)
			return NULL;
		next = w->iova + w->size;
	}
	return "no window";
}

static void out_of_ram(struct gpu *gpu, u64 addr, size_t len, const char *what, const char *why)
{
	verdict(gpu, "dma-outside-ram", "%s of %zu bytes at bus address 0x%llx: %s", what, len,
		(unsigned long long)addr, why);
}

/* The fences keep the compiler from moving an access past what the SIGBUS
 * handler needs to know about it, or past the look at what it did. */
static void begin_access(struct memory *memory)
{
	pthread_rwlock_rdlock(&memory->lock);
	accessing = memory;
	atomic_signal_fence(memory_order_seq_cst);
}

static void end_access(struct memory *memory)
{
	atomic_signal_fence(memory_order_seq_cst);
	accessing = NULL;
	pthread_rwlock_unlock(&memory->lock);
}

static bool is_lost(const struct window *w)
{
	atomic_signal_fence(memory_order_seq_cst);
	return atomic_load_explicit(w->lost, memory_order_relaxed);
}

static void report_lost(struct gpu *gpu, u64 addr)
{
	verdict(gpu, "dma-window-lost", "the file behind bus address 0x%llx was truncated",
		(unsigned long long)addr);
}

/* Part of an access, inside one window. False if the window's file let us down. */
static bool copy_in_window(const struct window *w, u64 addr, u8 *buf, size_t len,
			   enum direction dir)
{
	copy(w->data + (addr - w->iova), buf, len, dir);
	return !is_lost(w);
}

static bool bus_access(struct gpu *gpu, u64 addr, u8 *buf, size_t len, enum direction dir)
{
	struct memory *memory = gpu->memory;
	const char *why;
	bool ok = true;
	size_t i;

	if (!len)
		return true;
	begin_access(memory);
	why = cover(memory, addr, len, dir, &i);
	for (size_t done = 0; !why && done < len; i++) {
		const struct window *w = &memory->windows[i];
		u64 left = w->size - (addr + done - w->iova);
		size_t part = left < len - done ? left : len - done;

		ok &= copy_in_window(w, addr + done, buf + done, part, dir);
		done += part;
	}
	end_access(memory);

	if (why)
		out_of_ram(gpu, addr, len, dir == READ ? "read" : "write", why);
	if (!ok)
		report_lost(gpu, addr);
	return !why && ok;
}

bool bus_read(struct gpu *gpu, u64 addr, void *buf, size_t len)
{
	bool ok = bus_access(gpu, addr, buf, len, READ);

	if (!ok)
		memset(buf, 0, len);
	return ok;
}

bool bus_write(struct gpu *gpu, u64 addr, const void *buf, size_t len)
{
	return bus_access(gpu, addr, (u8 *)buf, len, WRITE);
}

bool bus_atomic(struct gpu *gpu, u64 addr, size_t size, atomic_op op, const void *arg, u64 *old)
{
	struct memory *memory = gpu->memory;
	const char *why = "not a naturally aligned word";
	bool ok = true;
	size_t i;

	*old = 0;
	begin_access(memory);
	if (valid_atomic(addr, size))
		why = cover(memory, addr, size, WRITE, &i);
	if (!why) {
		const struct window *w = &memory->windows[i];

		*old = exchange(w->data + (addr - w->iova), size, op, arg);
		ok = !is_lost(w);
	}
	end_access(memory);

	if (why)
		out_of_ram(gpu, addr, size, "atomic", why);
	if (!ok)
		report_lost(gpu, addr);
	return !why && ok;
}

static bool in_vram(struct gpu *gpu, u64 offset, size_t len, const char *what)
{
	if (len <= gpu->vram_size && offset <= gpu->vram_size - len)
		return true;
	verdict(gpu, "vram-out-of-range", "%s of %zu bytes at VRAM offset 0x%llx", what, len,
		(unsigned long long)offset);
	return false;
}

bool vram_read(struct gpu *gpu, u64 offset, void *buf, size_t len)
{
	bool ok = in_vram(gpu, offset, len, "read");

	if (ok)
		copy(gpu->memory->vram + offset, buf, len, READ);
	else
		memset(buf, 0, len);
	return ok;
}

bool vram_write(struct gpu *gpu, u64 offset, const void *buf, size_t len)
{
	bool ok = in_vram(gpu, offset, len, "write");

	if (ok)
		copy(gpu->memory->vram + offset, (u8 *)buf, len, WRITE);
	return ok;
}

bool vram_atomic(struct gpu *gpu, u64 offset, size_t size, atomic_op op, const void *arg, u64 *old)
{
	bool ok = valid_atomic(offset, size) && in_vram(gpu, offset, size, "atomic");

	*old = ok ? exchange(gpu->memory->vram + offset, size, op, arg) : 0;
	return ok;
}
