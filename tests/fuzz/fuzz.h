/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers share: one GPU for all inputs, set back to power-on with empty
 * memory before each; address spaces; taking values out of an input; seeds.
 *
 * A fuzzer defines fuzz_one() and fuzz_seeds(). Called as "X_fuzz --seeds DIR" it
 * writes its seed corpus and ends. FUZZ_TRACE=LIST traces as gpu-emu --trace does.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../emu/engine_fixture.h"
#include "gc/gc_9_4_3_sh_mask.h"

/* Beside the fixture's RAM: what is readable only, and what has no memory. */
#define ROM_BASE 0x200000000ull
#define ROM_SIZE (64ull << 10)
#define HOLE_BASE 0x300000000ull
#define HOLE_SIZE (64ull << 10)

/* In each address space, from SPACE on, a page of each kind. */
#define SPACE 0x7f0000000000ull
#define SPACE_RAM (SPACE + 0 * PAGE)		/* 4 pages */
#define SPACE_VRAM (SPACE + 4 * PAGE)		/* 4 pages */
#define SPACE_READ_ONLY (SPACE + 8 * PAGE)
#define SPACE_NO_RETRY (SPACE + 9 * PAGE)
#define SPACE_PRT (SPACE + 10 * PAGE)
#define SPACE_ROM (SPACE + 11 * PAGE)
#define SPACE_HOLE (SPACE + 12 * PAGE)
#define SPACE_NOTHING (SPACE + 13 * PAGE)
#define SPACE_OUTSIDE (SPACE + 14 * PAGE)	/* a bus address of nobody */
#define VMID_FATAL 1u		/* faults are final */
#define VMID_RETRY 2u

#define STOP_MS 3

static void fuzz_one(const u8 *data, size_t size);
static void fuzz_seeds(void);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* ---- values of an input; a used-up one gives zeros ---- */

struct input {
	const u8 *at;
	const u8 *end;
};

static inline size_t left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

static inline u64 take(struct input *in, size_t bytes)
{
	u64 value = 0;
	size_t n = left(in) < bytes ? left(in) : bytes;

	memcpy(&value, in->at, n);
	in->at += n;
	return value;
}

/* ---- seeds ---- */

static const char *seed_dir;

static inline void seed(const char *name, const void *data, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", seed_dir, name);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(1);
	}
}

/* An input in the making. */
struct bytes {
	size_t len;
	u8 data[8192];
};

static inline void add(struct bytes *b, const void *data, size_t size)
{
	if (b->len + size > sizeof(b->data))
		abort();
	memcpy(b->data + b->len, data, size);
	b->len += size;
}

static inline void add_value(struct bytes *b, u64 value, size_t bytes)
{
	add(b, &value, bytes);
}

#define ADD_DWORDS(b, ...) \
	add(b, (const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }))
#define ADDR(va) (u32)(va), (u32)((u64)(va) >> 32)

/* ---- the GPU ---- */

static int ram_fd = -1, rom_fd = -1;

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s failed\n", what);
	exit(1);
}

static inline void punch(int fd, u64 size)
{
	must(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size), "punch");
}

static inline void fuzz_map_windows(void)
{
	must(!memory_map_window(gpu, RAM_BASE, RAM_SIZE, ram_fd, 0, true) &&
	     !memory_map_window(gpu, ROM_BASE, ROM_SIZE, rom_fd, 0, false) &&
	     !memory_map_window(gpu, HOLE_BASE, HOLE_SIZE, -1, 0, true), "map");
}

static inline void fuzz_gpu(void)
{
	ram_fd = memfd_create("ram", MFD_CLOEXEC);
	rom_fd = memfd_create("rom", MFD_CLOEXEC);
	must(!ftruncate(ram_fd, RAM_SIZE) && !ftruncate(rom_fd, ROM_SIZE), "memfd");
	gpu = gpu_new(&(struct gpu_config){
		.asic = "mi300x", .vram_size = VRAM_SIZE, .trace = getenv("FUZZ_TRACE"),
	});
	must(gpu, "gpu_new");
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
	must(ram != MAP_FAILED, "mmap");
}

/* Everything as at power-on. */
static inline void fuzz_reset(void)
{
	gpu_reset(gpu);
	memory_unmap_all(gpu);
	punch(memory_vram_fd(gpu), VRAM_SIZE);
	punch(ram_fd, RAM_SIZE);
	next_table = TABLES;
	fuzz_map_windows();
}

static inline void fuzz_context(unsigned int vmid, bool retry)
{
	const u32 bits = VM_CONTEXT1_CNTL__RETRY_PERMISSION_OR_INVALID_PAGE_FAULT_MASK |
			 VM_CONTEXT1_CNTL__RETRY_OTHER_FAULT_MASK;
	u64 root = new_space(vmid, 0, (u16)(0x8000 + vmid));
	const u64 rw = PTE_V | PTE_R | PTE_W, bus = rw | PTE_S;

	for (u64 i = 0; i < 4; i++) {
		map_page(root, SPACE_RAM + i * PAGE, (RAM_BASE + (64 + i) * PAGE) | bus | PTE_X);
		map_page(root, SPACE_VRAM + i * PAGE, (0x40000 + i * PAGE) | rw | PTE_X);
	}
	map_page(root, SPACE_READ_ONLY, (RAM_BASE + 70 * PAGE) | PTE_V | PTE_S | PTE_R);
	map_page(root, SPACE_NO_RETRY, PTE_V | PTE_S | PTE_PRT);
	map_page(root, SPACE_PRT, PTE_PRT);
	map_page(root, SPACE_ROM, ROM_BASE | bus);
	map_page(root, SPACE_HOLE, HOLE_BASE | bus);
	map_page(root, SPACE_OUTSIDE, 0x7000000000ull | bus);
	if (retry)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		const struct hub_layout *l = i ? &mmhub_layout : &gfxhub_layout;

		reg_write(gpu, reg_base(gpu, l->hw, 0, l->segment) + l->context0_cntl + vmid,
			  CONTEXT_CNTL & ~bits);
	}
}

static inline void fuzz_spaces(void)
{
	fuzz_context(VMID_FATAL, false);
	fuzz_context(VMID_RETRY, true);
}

/* ---- ending what waits ---- */

/*
 * Packets may wait for ever, legally, until the queue is stopped. This thread stops
 * the port in hand after STOP_MS. One that goes on all the same is found by
 * libFuzzer's time limit.
 */
static _Atomic(struct vm_port *) watched;
static atomic_uint watch_number;

static void *watchdog(void *arg)
{
	unsigned int seen = 0, ticks = 0;

	(void)arg;
	for (;;) {
		struct vm_port *port = atomic_load(&watched);
		unsigned int number = atomic_load(&watch_number);

		ticks = port && number == seen ? ticks + 1 : 0;
		seen = number;
		if (ticks >= STOP_MS) {
			atomic_store(&port->stop, true);
			vm_wake(gpu);
		}
		pause_us(1000);
	}
	return NULL;
}

static inline void watch_start(void)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, watchdog, NULL), "watchdog");
}

static inline void watch(struct vm_port *port)
{
	atomic_store(&port->stop, false);
	atomic_fetch_add(&watch_number, 1);
	atomic_store(&watched, port);
}

static inline void watch_end(struct vm_port *port)
{
	atomic_store(&watched, NULL);
	atomic_store(&port->stop, false);
}

/*
 * Executes packets from memory as the queue's thread would, on this one. The
 * queue itself stays off.
 */
static inline void run_stream(struct queue *queue, struct stream *ring)
{
	int ret = 0;

	queue->resume = (struct resume){ 0 };
	watch(&queue->port);
	while (!ret && ring->pos < ring->end) {
		ret = queue->ops->packet(queue, ring);
		queue->resume = (struct resume){ 0 };
	}
	watch_end(&queue->port);
}

/* ---- entry ---- */

static void fuzz_start(void);	/* after the GPU is there */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_gpu();
	if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
		seed_dir = (*argv)[2];
		fuzz_seeds();
		exit(0);
	}
	fuzz_start();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_one(data, size);
	return 0;
}

#endif
