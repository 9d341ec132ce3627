// SPDX-License-Identifier: MIT
/*
 * KFD's own SVM: user queues that read and write the process's memory as it is,
 * by page faults that are retried (XNACK). No memory is registered, and no
 * attribute is set. It works with Debian's driver: what ours is measured against.
 *
 * With --ours the process opts in to amdgpu's SVM, by its ioctl, and the same and more
 * holds: there KFD may serve nothing any more.
 *
 * Two cases are no part of the suite with KFD's own because 7.2.12 fails them.
 *
 * --untouched: memory that was given back by MADV_DONTNEED, and that the GPU reads
 * before the CPU writes it, has its old contents again, for both of them.
 *
 * --shared: CPU and GPU fault on the same memory at the same time. The CPU's fault brings
 * a page from VRAM back and keeps a reference of the page in VRAM to its end. Until then
 * a fault of the GPU may move the same page again, into the same page in VRAM, whose
 * count of references the driver sets to 1 as if it were free. When the CPU's fault drops
 * its own, the page is freed while it is moved, and the end of the move does not find who
 * maps it. What is left is a page table entry that says "being moved" for ever, of a page
 * that the kernel gives to somebody else; the work item that serves faults waits for it, and
 * so does everybody who faults. The guest has to be started anew ("Bad page state").
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>

#include "kfd_queue.h"
#include "tap.h"

#define SECONDS 60
#define PAGE 4096u
#define PAGES 64u
#define BYTES (PAGES * PAGE)
#define BOUNDARY (2u << 20)
#define ROUNDS 8u
#define THREADS 8u
#define ISLANDS 64u
#define SHARED_ROUNDS 10000u
#define SHARED_ROUNDS_OURS 200u
#define READERS 4u
#define CHANGES 64u

static struct kfd kfd;

static unsigned char byte_at(size_t i, unsigned int salt)
{
	return (unsigned char)(i * 13 + i / PAGE * 7 + salt * 31 + 1);
}

static void put_bytes(unsigned char *mem, size_t len, unsigned int salt)
{
	for (size_t i = 0; i < len; i++)
		mem[i] = byte_at(i, salt);
}

/* Index of the first byte that is not as put_bytes() left it, @len if none. */
static size_t first_wrong(const unsigned char *mem, size_t len, unsigned int salt)
{
	size_t i;

	for (i = 0; i < len && mem[i] == byte_at(i, salt); i++)
		;
	return i;
}

static size_t first_not_zero(const unsigned char *mem, size_t len)
{
	size_t i;

	for (i = 0; i < len && !mem[i]; i++)
		;
	return i;
}

static void *map_at(void *where, size_t len)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED_NOREPLACE : 0);
	void *mem = mmap(where, len, PROT_READ | PROT_WRITE, flags, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/* On its own, with nothing around it, from a 2 MiB boundary on. */
static void *map_alone(void)
{
	char *all = map_at(NULL, 3 * BOUNDARY);
	char *mem;

	if (!all)
		return NULL;
	mem = (char *)(((uintptr_t)all + 2 * BOUNDARY - 1) & ~(uintptr_t)(BOUNDARY - 1));
	munmap(all, (size_t)(mem - all));
	munmap(mem + BYTES, (size_t)(all + 3 * BOUNDARY - (mem + BYTES)));
	return mem;
}

static int copy(struct kfd_queue *queue, void *dst, const void *src, size_t len)
{
	kfd_sdma_copy(queue, dst, src, (uint32_t)len);
	return kfd_queue_run(queue, SECONDS);
}

/* Memory to copy from and to, and who does it. */
struct pair {
	struct kfd_queue queue;
	unsigned char *src, *dst;
};

/* Nobody else's faults are for the same range, see --shared. */
static int pair_open(struct pair *p)
{
	p->src = map_alone();
	p->dst = map_alone();
	return p->src && p->dst ? kfd_sdma_open(&kfd, &p->queue) : -ENOMEM;
}

static int pair_close(struct pair *p)
{
	int err = kfd_queue_close(&p->queue);

	munmap(p->src, BYTES);
	munmap(p->dst, BYTES);
	return err;
}

static void xnack_on(void)
{
	CHECK_ERR(kfd_set_xnack(&kfd, 1), 0);
	CHECK_EQ(kfd_get_xnack(&kfd), 1);
}

static void sdma_queue_on_buffers(void)
{
	struct kfd_queue queue;
	struct kfd_buffer a, b;

	CHECK_ERR(kfd_sdma_open(&kfd, &queue), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &a, BYTES), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &b, BYTES), 0);
	put_bytes(a.cpu, BYTES, 1);
	CHECK_ERR(copy(&queue, b.cpu, a.cpu, BYTES), 0);
	CHECK_EQ(first_wrong(b.cpu, BYTES, 1), BYTES);
	kfd_sdma_fill(&queue, a.cpu, 0x11223344, BYTES);
	CHECK_ERR(kfd_queue_run(&queue, SECONDS), 0);
	CHECK_EQ(*(uint32_t *)a.cpu, 0x11223344);
	CHECK_EQ(((uint32_t *)a.cpu)[BYTES / 4 - 1], 0x11223344);
	CHECK_ERR(kfd_queue_close(&queue), 0);
	kfd_buffer_free(&kfd, &a);
	kfd_buffer_free(&kfd, &b);
}

static void xnack_stays_while_a_queue_lives(void)
{
	struct kfd_queue queue;

	CHECK_ERR(kfd_sdma_open(&kfd, &queue), 0);
	CHECK_ERR(kfd_set_xnack(&kfd, 0), EBUSY);
	CHECK_ERR(kfd_queue_close(&queue), 0);
	CHECK_EQ(kfd_get_xnack(&kfd), 1);
}

static void aql_queue_comes_and_goes(void)
{
	struct kfd_queue queue;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		CHECK_ERR(kfd_aql_open(&kfd, &queue), 0);
		CHECK_ERR(kfd_queue_close(&queue), 0);
	}
}

static void unregistered_malloc(void)
{
	struct kfd_queue queue;
	unsigned char *src = malloc(BYTES), *dst = malloc(BYTES);

	CHECK(src && dst);
	CHECK_ERR(kfd_sdma_open(&kfd, &queue), 0);
	put_bytes(src, BYTES, 2);
	CHECK_ERR(copy(&queue, dst, src, BYTES), 0);
	CHECK_EQ(first_wrong(dst, BYTES, 2), BYTES);
	CHECK_ERR(kfd_queue_close(&queue), 0);
	free(src);
	free(dst);
}

/* Both directions across a page boundary, no more than asked. */
static void unaligned(void)
{
	struct pair p;
	size_t len = 3 * PAGE + 5;

	CHECK_ERR(pair_open(&p), 0);
	put_bytes(p.src + 4001, len, 3);
	CHECK_ERR(copy(&p.queue, p.dst + 77, p.src + 4001, len), 0);
	CHECK_EQ(first_wrong(p.dst + 77, len, 3), len);
	CHECK_EQ(first_not_zero(p.dst, 77), 77);
	CHECK_EQ(first_not_zero(p.dst + 77 + len, BYTES - 77 - len), BYTES - 77 - len);
	CHECK_ERR(pair_close(&p), 0);
}

static void untouched_source_is_zero(void)
{
	struct pair p;

	CHECK_ERR(pair_open(&p), 0);
	put_bytes(p.dst, BYTES, 4);
	CHECK_ERR(copy(&p.queue, p.dst, p.src, BYTES), 0);
	CHECK_EQ(first_not_zero(p.dst, BYTES), BYTES);
	CHECK_ERR(pair_close(&p), 0);
}

static void target_given_back(void)
{
	struct pair p;

	CHECK_ERR(pair_open(&p), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		put_bytes(p.src, BYTES, i);
		CHECK_ERR(copy(&p.queue, p.dst, p.src, BYTES), 0);
		CHECK_EQ(first_wrong(p.dst, BYTES, i), BYTES);
		CHECK_ERR(madvise(p.dst, BYTES, MADV_DONTNEED) ? -errno : 0, 0);
		/* The GPU's page, not the one that the CPU now sees, would be data lost. */
		CHECK_EQ(first_not_zero(p.dst, PAGE), PAGE);
	}
	CHECK_ERR(pair_close(&p), 0);
}

/* @touch: the CPU writes a byte of each page before the GPU reads it. */
static void give_source_back(unsigned char *src, bool touch)
{
	struct kfd_queue queue;
	unsigned char *dst = map_at(NULL, BYTES);

	CHECK(src && dst);
	CHECK_ERR(kfd_sdma_open(&kfd, &queue), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		put_bytes(src, BYTES, i);
		CHECK_ERR(copy(&queue, dst, src, BYTES), 0);
		CHECK_EQ(first_wrong(dst, BYTES, i), BYTES);
		CHECK_ERR(madvise(src, BYTES, MADV_DONTNEED) ? -errno : 0, 0);
		for (unsigned int k = 0; touch && k < PAGES; k++)
			src[k * PAGE] = (unsigned char)(k + 1);
		CHECK_ERR(copy(&queue, dst, src, BYTES), 0);
		for (unsigned int k = 0; k < PAGES; k++) {
			CHECK_EQ(dst[k * PAGE], touch ? k + 1 : 0);
			CHECK_EQ(first_not_zero(dst + k * PAGE + 1, PAGE - 1), PAGE - 1);
		}
	}
	CHECK_ERR(kfd_queue_close(&queue), 0);
	munmap(src, BYTES);
	munmap(dst, BYTES);
}

static void source_given_back(void)
{
	give_source_back(map_at(NULL, BYTES), true);
	if (!tap_failure[0])
		give_source_back(map_alone(), true);
}

static void untouched_source_given_back(void)
{
	give_source_back(map_alone(), false);
}

static void mapped_again_at_the_same_address(void)
{
	struct pair p;

	CHECK_ERR(pair_open(&p), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		put_bytes(p.src, BYTES, i);
		CHECK_ERR(copy(&p.queue, p.dst, p.src, BYTES), 0);
		CHECK_EQ(first_wrong(p.dst, BYTES, i), BYTES);
		CHECK_EQ(munmap(i & 1 ? p.src : p.dst, BYTES), 0);
		CHECK(map_at(i & 1 ? p.src : p.dst, BYTES) == (i & 1 ? p.src : p.dst));
		CHECK_EQ(first_not_zero(i & 1 ? p.src : p.dst, BYTES), BYTES);
	}
	CHECK_ERR(pair_close(&p), 0);
}

/* Single pages, each a mapping of its own with nothing around it. */
static void sparse_mappings(void)
{
	struct kfd_queue queue;
	unsigned char *sea = map_at(NULL, 2 * (ISLANDS + 1) * PAGE), *dst;

	dst = map_at(NULL, ISLANDS * PAGE);
	CHECK(sea && dst);
	CHECK_ERR(kfd_sdma_open(&kfd, &queue), 0);
	for (unsigned int i = 0; i <= ISLANDS; i++)
		CHECK_EQ(munmap(sea + 2 * i * PAGE, PAGE), 0);
	for (unsigned int i = 0; i < ISLANDS; i++)
		put_bytes(sea + (2 * i + 1) * PAGE, PAGE, i);
	for (unsigned int i = 0; i < ISLANDS; i++)
		kfd_sdma_copy(&queue, dst + i * PAGE, sea + (2 * i + 1) * PAGE, PAGE);
	CHECK_ERR(kfd_queue_run(&queue, SECONDS), 0);
	for (unsigned int i = 0; i < ISLANDS; i++)
		CHECK_EQ(first_wrong(dst + i * PAGE, PAGE, i), PAGE);
	CHECK_ERR(kfd_queue_close(&queue), 0);
	munmap(sea, 2 * (ISLANDS + 1) * PAGE);
	munmap(dst, ISLANDS * PAGE);
}

/* ---- many threads ---- */

struct worker {
	pthread_t thread;
	unsigned int number;
	struct pair pair;
	int err;
	size_t good;		/* bytes, of one round after the other */
};

static void work_round(struct worker *w, unsigned int salt)
{
	struct pair *p = &w->pair;

	put_bytes(p->src, BYTES, salt);
	w->err = copy(&p->queue, p->dst, p->src, BYTES);
	if (w->err)
		return;
	w->good += first_wrong(p->dst, BYTES, salt);
	if (madvise(p->dst, BYTES, MADV_DONTNEED) || madvise(p->src, BYTES, MADV_DONTNEED))
		w->err = -errno;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->err = pair_open(&w->pair);
	for (unsigned int i = 0; !w->err && i < ROUNDS; i++)
		work_round(w, w->number * ROUNDS + i);
	if (!w->err)
		w->err = pair_close(&w->pair);
	return NULL;
}

static void threads_with_a_queue_each(void)
{
	static struct worker workers[THREADS];

	memset(workers, 0, sizeof(workers));
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i].number = i;
		CHECK_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK_ERR(workers[i].err, 0);
		CHECK_EQ(workers[i].good, (size_t)ROUNDS * BYTES);
	}
}

struct reader {
	pthread_t thread;
	const volatile unsigned char *mem;
	atomic_bool *stop;
};

static void *read_pages(void *arg)
{
	const struct reader *r = arg;

	while (!atomic_load(r->stop))
		for (size_t i = 0; i < BYTES; i += READERS * PAGE)
			(void)r->mem[i];
	return NULL;
}

static void share_memory(unsigned int rounds)
{
	static struct reader readers[READERS];
	unsigned char *mem = map_alone();
	static atomic_bool stop;
	struct kfd_queue queue;
	struct kfd_buffer src;

	CHECK(mem);
	CHECK_ERR(kfd_sdma_open(&kfd, &queue), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &src, BYTES), 0);
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .mem = mem + i * PAGE, .stop = &stop };
		CHECK_EQ(pthread_create(&readers[i].thread, NULL, read_pages, &readers[i]), 0);
	}
	for (unsigned int i = 0; i < rounds; i++) {
		put_bytes(src.cpu, BYTES, i);
		CHECK_ERR(copy(&queue, mem, src.cpu, BYTES), 0);
		CHECK_EQ(first_wrong(mem, BYTES, i), BYTES);
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	CHECK_ERR(kfd_queue_close(&queue), 0);
	kfd_buffer_free(&kfd, &src);
	munmap(mem, BYTES);
}

static void cpu_and_gpu_share_memory(void)
{
	share_memory(SHARED_ROUNDS);
}

/* ---- only on our SVM ---- */

static int64_t kfd_faults_before;

static void cpu_and_gpu_share_memory_for_a_while(void)
{
	share_memory(SHARED_ROUNDS_OURS);
}

/* What KFD has mapped before is found with what the CPU has written since. */
static void opting_in_between_two_copies(void)
{
	int64_t before = kfd_own_faults(&kfd);
	struct pair p;

	CHECK_ERR(pair_open(&p), 0);
	put_bytes(p.src, BYTES, 1);
	CHECK_ERR(copy(&p.queue, p.dst, p.src, BYTES), 0);
	CHECK(before >= 0 && kfd_own_faults(&kfd) > before);
	CHECK_EQ(kfd_svm_faults(&kfd), 0);
	CHECK_ERR(kfd_svm_opt_in(&kfd), 0);
	CHECK_ERR(kfd_watch_exceptions(&kfd), 0);
	kfd_faults_before = kfd_own_faults(&kfd);
	CHECK_EQ(first_wrong(p.dst, BYTES, 1), BYTES);
	put_bytes(p.src, BYTES, 2);
	CHECK_ERR(copy(&p.queue, p.dst, p.src, BYTES), 0);
	CHECK_EQ(first_wrong(p.dst, BYTES, 2), BYTES);
	CHECK(kfd_svm_faults(&kfd) > 0);
	CHECK_ERR(pair_close(&p), 0);
}

static void kfd_has_served_nothing_since(void)
{
	CHECK(kfd_svm_faults(&kfd) > 0);
	CHECK_EQ(kfd_own_faults(&kfd), kfd_faults_before);
}

/* Changes the memory of a pair all the time. */
struct change {
	pthread_t thread;
	const struct pair *pair;
	int (*once)(const struct pair *pair, unsigned int i);
	atomic_bool stop;
	atomic_uint times;
	int err;
};

static void *keep_changing(void *arg)
{
	struct change *c = arg;
	unsigned int i;

	for (i = 0; !c->err && !atomic_load(&c->stop); i++) {
		c->err = c->once(c->pair, i);
		atomic_fetch_add(&c->times, 1);
	}
	return NULL;
}

static int change_start(struct change *c)
{
	return pthread_create(&c->thread, NULL, keep_changing, c);
}

static int change_stop(struct change *c)
{
	atomic_store(&c->stop, true);
	pthread_join(c->thread, NULL);
	return c->err;
}

/* Until there was enough of both. */
static bool more_work(struct change *c, unsigned int rounds)
{
	return rounds < CHANGES || atomic_load(&c->times) < CHANGES;
}

static unsigned char *either_of(const struct pair *p, unsigned int i)
{
	return i & 1 ? p->src : p->dst;
}

/* So that the next change has pages to take away; a page may be had while nothing changes. */
static void put_zeros(volatile unsigned char *mem)
{
	for (size_t i = 0; i < BYTES; i += PAGE)
		mem[i] = 0;
}

static int give_back(const struct pair *p, unsigned int i)
{
	if (madvise(either_of(p, i), BYTES, MADV_DONTNEED))
		return -errno;
	put_zeros(either_of(p, i));
	return 0;
}

/* In one step: nobody finds nothing there. */
static int map_over(const struct pair *p, unsigned int i)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	void *mem = mmap(either_of(p, i), BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	put_zeros(mem);
	return 0;
}

/* In two. */
static int unmap_and_map(const struct pair *p, unsigned int i)
{
	if (munmap(either_of(p, i), BYTES) || !map_at(either_of(p, i), BYTES))
		return -errno;
	put_zeros(either_of(p, i));
	return 0;
}

/* Never less than the GPU needs. */
static int change_rights(const struct pair *p, unsigned int i)
{
	if (mprotect(p->src, BYTES, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ) ||
	    mprotect(p->dst, BYTES, PROT_READ | PROT_WRITE | (i & 1 ? PROT_EXEC : 0)))
		return -errno;
	return 0;
}

/* Index of the first byte that is neither zero nor as put_bytes() left it. */
static size_t first_strange(const unsigned char *mem, size_t len, unsigned int salt)
{
	size_t i;

	for (i = 0; i < len && (!mem[i] || mem[i] == byte_at(i, salt)); i++)
		;
	return i;
}

static void check_copy(struct pair *p, unsigned int salt)
{
	put_bytes(p->src, BYTES, salt);
	CHECK_ERR(copy(&p->queue, p->dst, p->src, BYTES), 0);
	CHECK_EQ(first_wrong(p->dst, BYTES, salt), BYTES);
}

/* ---- what a process may not survive: in children ---- */

/* The child's own, as the parent's is of another address space. */
static int open_in_child(struct pair *p)
{
	int err = kfd_open_on_our_svm(&kfd);

	return err ? err : pair_open(p);
}

/* A thread takes the memory's contents away: each byte is as it was written or zero. */
static void copy_while_lost(int (*once)(const struct pair *pair, unsigned int i))
{
	struct change change = { .once = once };
	size_t good = BYTES;
	struct pair p;
	int err = 0;

	CHECK_ERR(open_in_child(&p), 0);
	change.pair = &p;
	CHECK_EQ(change_start(&change), 0);
	for (unsigned int i = 0; !err && good == BYTES && more_work(&change, i); i++) {
		put_bytes(p.src, BYTES, i);
		err = copy(&p.queue, p.dst, p.src, BYTES);
		good = first_strange(p.dst, BYTES, i);
	}
	CHECK_ERR(change_stop(&change), 0);
	CHECK_ERR(err, 0);
	CHECK_EQ(good, BYTES);
	check_copy(&p, 1);
}

static void copy_while_given_back(void)
{
	copy_while_lost(give_back);
}

static void copy_while_replaced(void)
{
	copy_while_lost(map_over);
}

static void copy_while_rights_change(void)
{
	struct change change = { .once = change_rights };
	struct pair p;
	size_t good = BYTES;
	int err = 0;

	CHECK_ERR(open_in_child(&p), 0);
	put_bytes(p.src, BYTES, 1);
	change.pair = &p;
	CHECK_EQ(change_start(&change), 0);
	for (unsigned int i = 0; !err && good == BYTES && more_work(&change, i); i++) {
		put_bytes(p.dst, BYTES, 2);
		err = copy(&p.queue, p.dst, p.src, BYTES);
		good = first_wrong(p.dst, BYTES, 1);
	}
	CHECK_ERR(change_stop(&change), 0);
	CHECK_ERR(err, 0);
	CHECK_EQ(good, BYTES);
}

static void copy_from_nowhere(void)
{
	struct pair p;

	CHECK_ERR(open_in_child(&p), 0);
	check_copy(&p, 1);
	if (tap_failure[0])
		return;
	CHECK_EQ(munmap(p.src, BYTES), 0);
	kfd_sdma_copy(&p.queue, p.dst, p.src, BYTES);
	kfd_queue_submit(&p.queue);
	CHECK_ERR(kfd_wait_exception(&kfd, SECONDS), 0);
	CHECK_EQ(kfd.exception_va, (uintptr_t)p.src);
}

static bool is_in(uint64_t va, const unsigned char *mem)
{
	return va - (uintptr_t)mem < BYTES;
}

/* Either it works or it is fatal, and tells why; it does not hang. */
static void copy_while_unmapped(void)
{
	struct change change = { .once = unmap_and_map };
	struct pair p;
	struct kfd_buffer src;
	int err = 0;

	CHECK_ERR(open_in_child(&p), 0);
	CHECK_ERR(kfd_buffer_alloc(&kfd, &src, BYTES), 0);
	put_bytes(src.cpu, BYTES, 1);
	change.pair = &p;
	CHECK_EQ(change_start(&change), 0);
	for (unsigned int i = 0; !err && more_work(&change, i); i++) {
		kfd_sdma_copy(&p.queue, p.src, src.cpu, BYTES);
		err = copy(&p.queue, p.dst, p.src, BYTES);
	}
	CHECK_ERR(change_stop(&change), 0);
	if (err) {
		CHECK_ERR(err, EFAULT);
		CHECK(is_in(kfd.exception_va, p.src) || is_in(kfd.exception_va, p.dst));
	}
}

/* A queue of the parent works as before, whatever befell the child's. */
static void beside_a_child(void (*run)(void))
{
	struct pair p;

	CHECK_ERR(pair_open(&p), 0);
	check_copy(&p, 1);
	if (!tap_failure[0])
		tap_in_child(run);
	if (!tap_failure[0])
		check_copy(&p, 2);
	if (!tap_failure[0])
		CHECK_ERR(pair_close(&p), 0);
}

static void given_back_while_at_work(void)
{
	beside_a_child(copy_while_given_back);
}

static void replaced_while_at_work(void)
{
	beside_a_child(copy_while_replaced);
}

static void rights_change_while_at_work(void)
{
	beside_a_child(copy_while_rights_change);
}

static void unmapped_before_work(void)
{
	beside_a_child(copy_from_nowhere);
}

static void unmapped_while_at_work(void)
{
	beside_a_child(copy_while_unmapped);
}

/* ---- killed while it faults ---- */

static int hold_back(void *mem)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)mem, .len = BYTES },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		return -errno;
	return fd;
}

/* Until the GPU waits for a page that will not come. */
static void fault_for_ever(void)
{
	struct uffd_msg msg;
	struct pair p;
	int fd;

	CHECK_ERR(open_in_child(&p), 0);
	fd = hold_back(p.src);
	CHECK(fd >= 0);
	kfd_sdma_copy(&p.queue, p.dst, p.src, BYTES);
	kfd_queue_submit(&p.queue);
	CHECK_EQ(read(fd, &msg, sizeof(msg)), sizeof(msg));
	CHECK_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
	CHECK(is_in(msg.arg.pagefault.address, p.src));
	CHECK(kfd_svm_faults(&kfd) > 0);
}

static void tell_and_stay(int tell)
{
	fault_for_ever();
	if (write(tell, tap_failure, sizeof(tap_failure)) == sizeof(tap_failure))
		pause();
	_exit(EXIT_FAILURE);
}

static void kill_and_wait(pid_t pid)
{
	struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status;

	CHECK(end.fd >= 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(poll(&end, 1, SECONDS * 1000), 1);
	close(end.fd);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void killed_while_its_queue_faults(void)
{
	struct pair p;
	int ends[2];
	pid_t pid;

	CHECK_ERR(pair_open(&p), 0);
	check_copy(&p, 1);
	if (tap_failure[0])
		return;
	CHECK_EQ(pipe(ends), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		tell_and_stay(ends[1]);
	close(ends[1]);
	CHECK_EQ(read(ends[0], tap_failure, sizeof(tap_failure)), sizeof(tap_failure));
	close(ends[0]);
	if (!tap_failure[0])
		kill_and_wait(pid);
	if (!tap_failure[0])
		check_copy(&p, 2);
	if (!tap_failure[0])
		CHECK_ERR(pair_close(&p), 0);
}

/* What holds whoever serves. */
#define ON_ANY_SVM \
	{ "an SDMA queue copies and fills buffers", sdma_queue_on_buffers }, \
	{ "a process with a queue keeps its XNACK mode", xnack_stays_while_a_queue_lives }, \
	{ "an AQL queue comes and goes", aql_queue_comes_and_goes }, \
	{ "SDMA copies malloc memory that nobody has registered", unregistered_malloc }, \
	{ "SDMA copies from and to any byte", unaligned }, \
	{ "memory that nobody has touched reads as zero", untouched_source_is_zero }, \
	{ "a target that was given back by MADV_DONTNEED is found again", target_given_back }, \
	{ "a source that was given back by MADV_DONTNEED is new memory", source_given_back }, \
	{ "memory mapped anew at the same address is new", mapped_again_at_the_same_address }, \
	{ "single pages with nothing around them", sparse_mappings }, \
	{ "threads fault at the same time, each with a queue", threads_with_a_queue_each }

static const struct tap_test tests[] = {
	{ "a process can have its page faults retried", xnack_on },
	ON_ANY_SVM,
};

static const struct tap_test ours[] = {
	{ "a process can have its page faults retried", xnack_on },
	{ "opting in keeps what KFD has served", opting_in_between_two_copies },
	ON_ANY_SVM,
	{ "a source that was given back reads as zero", untouched_source_given_back },
	{ "CPU and GPU fault on the same memory at the same time",
	  cpu_and_gpu_share_memory_for_a_while },
	{ "memory is given back while a queue works on it", given_back_while_at_work },
	{ "memory is replaced while a queue works on it", replaced_while_at_work },
	{ "rights change while a queue works", rights_change_while_at_work },
	{ "memory that was unmapped is a memory exception", unmapped_before_work },
	{ "unmapping memory under a queue hangs nobody", unmapped_while_at_work },
	{ "a process is killed while its queue faults", killed_while_its_queue_faults },
	{ "KFD has served nothing since opting in", kfd_has_served_nothing_since },
};

static const struct tap_test untouched[] = {
	{ "a process can have its page faults retried", xnack_on },
	{ "a source that was given back reads as zero", untouched_source_given_back },
};

static const struct tap_test shared[] = {
	{ "a process can have its page faults retried", xnack_on },
	{ "CPU and GPU fault on the same memory at the same time", cpu_and_gpu_share_memory },
};

#define RUN(table) tap_run(table, sizeof(table) / sizeof((table)[0]))

int main(int argc, char **argv)
{
	const char *only = argc == 2 ? argv[1] : "";
	int err = kfd_open(&kfd);

	if (err) {
		printf("Bail out! no GPU or no KFD: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	if (!strcmp(only, "--untouched"))
		err = RUN(untouched);
	else if (!strcmp(only, "--shared"))
		err = RUN(shared);
	else if (!strcmp(only, "--ours"))
		err = RUN(ours);
	else
		err = RUN(tests);
	kfd_close(&kfd);
	return err;
}
