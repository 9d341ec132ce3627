// SPDX-License-Identifier: GPL-2.0-only
/* VRAM and the windows into guest RAM. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"
#include "test.h"

#define KIB(n) ((n) * 1024ull)
#define PAGE GPU_PAGE_SIZE

static struct gpu gpu;

static void start(void)
{
	memset(&gpu, 0, sizeof(gpu));
	gpu.vram_size = 6ull << 20;	/* less than the 8 MiB that BAR 0 has then */
	CHECK_EQ(report_init(&gpu, NULL), 0);
	CHECK_EQ(memory_init(&gpu), 0);
}

static void stop(void)
{
	memory_fini(&gpu);
	report_fini(&gpu);
}

static int file_of(u64 size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Maps a new file; the mapping keeps it. */
static int map_new(u64 iova, u64 size, bool writable)
{
	int fd = file_of(size);
	int err = memory_map_window(&gpu, iova, size, fd, 0, writable);

	close(fd);
	return err;
}

static void vram_keeps_what_was_written(void)
{
	const u64 at[] = { 0, 1, 4093, 4096, (6ull << 20) - 16 };
	u8 out[16], in[16] = "0123456789abcde";

	start();
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		CHECK(vram_write(&gpu, at[i], in, sizeof(in)));
		CHECK(vram_read(&gpu, at[i], out, sizeof(out)));
		CHECK(!memcmp(in, out, sizeof(in)));
	}
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	stop();
}

static void vram_access_past_the_end_is_a_verdict(void)
{
	const u64 bad[] = { (6ull << 20) - 4, 6ull << 20, 7ull << 20, ~0ull, ~0ull - 7 };
	u64 value = 1, old;

	start();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		value = 1;
		CHECK(!vram_read(&gpu, bad[i], &value, sizeof(value)));
		CHECK_EQ(value, 0);
		CHECK(!vram_write(&gpu, bad[i], &value, sizeof(value)));
	}
	CHECK_EQ(verdicts(&gpu, "vram-out-of-range"), 2 * ARRAY_SIZE(bad));
	CHECK(!vram_atomic(&gpu, 6ull << 20, 8, NULL, NULL, &old));
	CHECK_EQ(verdicts(&gpu, "vram-out-of-range"), 2 * ARRAY_SIZE(bad) + 1);
	stop();
}

static void vram_is_shared_by_its_memfd_and_cannot_be_resized(void)
{
	u32 value = 0x12345678, *peer;

	start();
	peer = mmap(NULL, 8ull << 20, PROT_READ | PROT_WRITE, MAP_SHARED, memory_vram_fd(&gpu), 0);
	CHECK(peer != MAP_FAILED);
	CHECK(vram_write(&gpu, 4096, &value, sizeof(value)));
	CHECK_EQ(peer[1024], value);
	CHECK(ftruncate(memory_vram_fd(&gpu), 0) && errno == EPERM);
	CHECK(ftruncate(memory_vram_fd(&gpu), 1ll << 40) && errno == EPERM);
	munmap(peer, 8ull << 20);
	stop();
}

static void a_window_shows_the_file_at_its_offset(void)
{
	int fd = file_of(KIB(64));
	u64 value = 0x1122334455667788;
	u8 bytes[3];

	start();
	CHECK_EQ(pwrite(fd, &value, sizeof(value), KIB(8) + 16), sizeof(value));
	CHECK_EQ(memory_map_window(&gpu, 0x100000, KIB(16), fd, KIB(8), true), 0);
	value = 0;
	CHECK(bus_read(&gpu, 0x100010, &value, sizeof(value)));
	CHECK_EQ(value, 0x1122334455667788);
	CHECK(bus_write(&gpu, 0x100001, "xyz", 3));
	CHECK_EQ(pread(fd, bytes, sizeof(bytes), KIB(8) + 1), sizeof(bytes));
	CHECK(!memcmp(bytes, "xyz", 3));
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	close(fd);
	stop();
}

static void an_access_spans_adjacent_windows(void)
{
	static u8 in[KIB(12)], out[KIB(12)];

	start();
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (u8)(i * 7 + i / 251);
	CHECK_EQ(map_new(0x10000, PAGE, true), 0);
	CHECK_EQ(map_new(0x12000, PAGE, true), 0);
	CHECK_EQ(map_new(0x11000, PAGE, true), 0);
	CHECK_EQ(map_new(0x13000, PAGE, true), 0);
	CHECK(bus_write(&gpu, 0x10800, in, sizeof(in)));
	CHECK(bus_read(&gpu, 0x10800, out, sizeof(out)));
	CHECK(!memcmp(in, out, sizeof(in)));
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	stop();
}

static void an_access_over_a_gap_transfers_nothing(void)
{
	u8 out[16], ones[16];

	start();
	memset(ones, 0xff, sizeof(ones));
	CHECK_EQ(map_new(0x10000, PAGE, true), 0);
	CHECK_EQ(map_new(0x12000, PAGE, true), 0);
	CHECK(!bus_write(&gpu, 0x10ff8, ones, sizeof(ones)));
	CHECK(bus_read(&gpu, 0x10ff0, out, sizeof(out)));
	for (size_t i = 0; i < sizeof(out); i++)
		CHECK_EQ(out[i], 0);

	CHECK(bus_write(&gpu, 0x10ff0, ones, sizeof(ones)));
	memset(out, 0x55, sizeof(out));
	CHECK(!bus_read(&gpu, 0x10ff8, out, sizeof(out)));
	for (size_t i = 0; i < sizeof(out); i++)
		CHECK_EQ(out[i], 0);
	CHECK_EQ(verdicts(&gpu, "dma-outside-ram"), 2);
	stop();
}

static void an_access_outside_of_every_window_is_a_verdict(void)
{
	const u64 bad[] = { 0, 0xfffc, 0x11000, 0x10ffc, ~0ull - 3, ~0ull };
	u64 value;

	start();
	CHECK_EQ(map_new(0x10000, PAGE, true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		value = 1;
		CHECK(!bus_read(&gpu, bad[i], &value, sizeof(value)));
		CHECK_EQ(value, 0);
	}
	CHECK_EQ(verdicts(&gpu, "dma-outside-ram"), ARRAY_SIZE(bad));
	stop();
}

static void the_last_page_of_the_address_space_can_be_a_window(void)
{
	u64 value = 42, out = 0;

	start();
	CHECK_EQ(map_new(~0ull - PAGE + 1, PAGE, true), 0);
	CHECK(bus_write(&gpu, ~0ull - 7, &value, sizeof(value)));
	CHECK(bus_read(&gpu, ~0ull - 7, &out, sizeof(out)));
	CHECK_EQ(out, 42);
	CHECK(!bus_read(&gpu, ~0ull - 3, &out, sizeof(out)));
	CHECK_EQ(memory_unmap_window(&gpu, ~0ull - PAGE + 1, PAGE), 0);
	stop();
}

static void a_hole_is_a_window_that_dma_must_not_touch(void)
{
	u32 value = 1;

	start();
	CHECK_EQ(memory_map_window(&gpu, 0x10000, PAGE, -1, 0, true), 0);
	CHECK_EQ(map_new(0x10000, PAGE, true), -EEXIST);
	CHECK(!bus_write(&gpu, 0x10000, &value, sizeof(value)));
	CHECK(!bus_read(&gpu, 0x10000, &value, sizeof(value)));
	CHECK_EQ(verdicts(&gpu, "dma-outside-ram"), 2);
	stop();
}

static u64 plus(u64 old, const void *arg)
{
	return old + *(const u64 *)arg;
}

static void a_read_only_window_refuses_writes(void)
{
	u64 value = 1, one = 1;

	start();
	CHECK_EQ(map_new(0x10000, PAGE, false), 0);
	CHECK(bus_read(&gpu, 0x10000, &value, sizeof(value)));
	CHECK_EQ(verdicts(&gpu, NULL), 0);
	CHECK(!bus_write(&gpu, 0x10000, &value, sizeof(value)));
	CHECK(!bus_atomic(&gpu, 0x10000, 8, plus, &one, &value));
	CHECK_EQ(verdicts(&gpu, "dma-outside-ram"), 2);
	stop();
}

static void a_bad_window_is_refused(void)
{
	static const struct { u64 iova, size, offset; int err; } bad[] = {
		{ 0x10000, 0, 0, -EINVAL },
		{ 0x10800, PAGE, 0, -EINVAL },
		{ 0x10000, PAGE + 1, 0, -EINVAL },
		{ ~0ull - PAGE + 1, 2 * PAGE, 0, -EINVAL },
		{ 0x1000, ~0ull - PAGE + 1, 0, -EINVAL },
		{ 0x10000, PAGE, 1, -EINVAL },
		{ 0x10000, PAGE, KIB(16), -EINVAL },
		{ 0x10000, 2 * PAGE, KIB(12), -EINVAL },
		{ 0x10000, PAGE, ~0ull - PAGE + 1, -EINVAL },
		{ 0x10000, 1ull << 60, 0, -EINVAL },
		{ 0x22000, PAGE, 0, -EEXIST },
		{ 0x1f000, 2 * PAGE, 0, -EEXIST },
		{ 0x23000, 2 * PAGE, 0, -EEXIST },
	};
	int fd = file_of(KIB(16)), pipes[2], read_only;
	char path[64];

	start();
	CHECK_EQ(map_new(0x20000, KIB(16), true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(memory_map_window(&gpu, bad[i].iova, bad[i].size, fd, bad[i].offset, true),
			 bad[i].err);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(memory_map_window(&gpu, 0x10000, PAGE, pipes[0], 0, true), -EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_only = open(path, O_RDONLY);
	CHECK(read_only >= 0);
	CHECK_EQ(memory_map_window(&gpu, 0x10000, PAGE, read_only, 0, true), -EACCES);
	CHECK_EQ(memory_map_window(&gpu, 0x10000, PAGE, read_only, 0, false), 0);
	close(read_only);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	stop();
}

static void unmapping_takes_whole_windows_only(void)
{
	u32 value;

	start();
	CHECK_EQ(map_new(0x10000, KIB(16), true), 0);
	CHECK_EQ(map_new(0x14000, KIB(16), true), 0);
	CHECK_EQ(map_new(0x20000, KIB(16), true), 0);
	CHECK_EQ(memory_unmap_window(&gpu, 0x11000, PAGE), -EINVAL);
	CHECK_EQ(memory_unmap_window(&gpu, 0x10000, KIB(20)), -EINVAL);
	CHECK_EQ(memory_unmap_window(&gpu, 0x13000, KIB(20)), -EINVAL);
	CHECK_EQ(memory_unmap_window(&gpu, 0x30000, PAGE), -ENOENT);
	CHECK_EQ(memory_unmap_window(&gpu, 0x10000, 0), -EINVAL);
	CHECK(bus_read(&gpu, 0x13ffc, &value, sizeof(value)));
	CHECK_EQ(memory_unmap_window(&gpu, 0x10000, KIB(32)), 0);
	CHECK(!bus_read(&gpu, 0x10000, &value, sizeof(value)));
	CHECK(!bus_read(&gpu, 0x14000, &value, sizeof(value)));
	CHECK(bus_read(&gpu, 0x20000, &value, sizeof(value)));
	memory_unmap_all(&gpu);
	CHECK(!bus_read(&gpu, 0x20000, &value, sizeof(value)));
	stop();
}

static void a_file_truncated_after_mapping_costs_its_window_only(void)
{
	int fd = file_of(KIB(64));
	u64 value = 1, one = 1;

	start();
	CHECK_EQ(memory_map_window(&gpu, 0x10000, KIB(32), fd, 0, true), 0);
	CHECK_EQ(memory_map_window(&gpu, 0x40000, KIB(32), fd, KIB(32), true), 0);
	CHECK_EQ(map_new(0x80000, PAGE, true), 0);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK(!bus_read(&gpu, 0x14000, &value, sizeof(value)));
	CHECK_EQ(value, 0);
	CHECK(!bus_write(&gpu, 0x10000, &value, sizeof(value)));
	CHECK(!bus_atomic(&gpu, 0x40000, 8, plus, &one, &value));
	CHECK_EQ(verdicts(&gpu, "dma-window-lost"), 3);
	CHECK(bus_write(&gpu, 0x80000, &one, sizeof(one)));
	CHECK_EQ(memory_unmap_window(&gpu, 0x10000, KIB(32)), 0);
	CHECK_EQ(verdicts(&gpu, NULL), 3);
	close(fd);
	stop();
}

static void *add_many(void *arg)
{
	u64 one = 1, old;

	(void)arg;
	for (int i = 0; i < 20000; i++) {
		bus_atomic(&gpu, 0x10008, 8, plus, &one, &old);
		bus_atomic(&gpu, 0x10010, 4, plus, &one, &old);
		vram_atomic(&gpu, 64, 8, plus, &one, &old);
	}
	return NULL;
}

static void atomics_lose_nothing_between_threads(void)
{
	pthread_t threads[4];
	u64 value8 = 0, in_vram = 0;
	u32 value4 = 0;

	start();
	CHECK_EQ(map_new(0x10000, PAGE, true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK(bus_read(&gpu, 0x10008, &value8, 8));
	CHECK(bus_read(&gpu, 0x10010, &value4, 4));
	CHECK(vram_read(&gpu, 64, &in_vram, 8));
	CHECK_EQ(value8, 80000);
	CHECK_EQ(value4, 80000);
	CHECK_EQ(in_vram, 80000);
	stop();
}

static void an_atomic_wraps_at_its_size_and_returns_the_old_value(void)
{
	u64 value = 0xffffffff, one = 1, old = 0;

	start();
	CHECK(vram_write(&gpu, 0, &value, 8));
	CHECK(vram_atomic(&gpu, 0, 4, plus, &one, &old));
	CHECK_EQ(old, 0xffffffff);
	CHECK(vram_read(&gpu, 0, &value, 8));
	CHECK_EQ(value, 0);
	stop();
}

static void an_atomic_that_is_not_an_aligned_word_is_refused(void)
{
	static const struct { u64 addr; size_t size; } bad[] = {
		{ 0x10004, 8 }, { 0x10002, 4 }, { 0x10000, 2 }, { 0x10000, 0 }, { 0x10000, 16 },
	};
	u64 one = 1, old;

	start();
	CHECK_EQ(map_new(0x10000, PAGE, true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(!bus_atomic(&gpu, bad[i].addr, bad[i].size, plus, &one, &old));
		CHECK(!vram_atomic(&gpu, bad[i].addr, bad[i].size, plus, &one, &old));
	}
	stop();
}

static atomic_bool done;

/* Counts the reads that succeeded and showed anything but the pattern. */
static void *read_all_the_time(void *wrong)
{
	u64 values[4];

	while (!atomic_load(&done))
		if (bus_read(&gpu, 0x10ff0, values, sizeof(values)))
			for (size_t i = 0; i < ARRAY_SIZE(values); i++)
				*(u64 *)wrong += values[i] != 0x5a5a5a5a5a5a5a5a;
	return NULL;
}

static void unmapping_waits_for_accesses_under_way(void)
{
	static u8 pattern[2 * PAGE];
	int fd = file_of(sizeof(pattern));
	pthread_t threads[2];
	u64 wrong[2] = { 0 };
	int err = 0;

	start();
	memset(pattern, 0x5a, sizeof(pattern));
	CHECK_EQ(pwrite(fd, pattern, sizeof(pattern), 0), sizeof(pattern));
	atomic_store(&done, false);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, read_all_the_time, &wrong[i]), 0);
	for (int i = 0; i < 2000 && !err; i++) {
		err |= memory_map_window(&gpu, 0x10000, PAGE, fd, 0, true);
		err |= memory_map_window(&gpu, 0x11000, PAGE, fd, PAGE, true);
		err |= memory_unmap_window(&gpu, 0x10000, 2 * PAGE);
	}
	atomic_store(&done, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(err, 0);
	CHECK_EQ(wrong[0] + wrong[1], 0);
	close(fd);
	stop();
}

int main(void)
{
	CASE(vram_keeps_what_was_written);
	CASE(vram_access_past_the_end_is_a_verdict);
	CASE(vram_is_shared_by_its_memfd_and_cannot_be_resized);
	CASE(a_window_shows_the_file_at_its_offset);
	CASE(an_access_spans_adjacent_windows);
	CASE(an_access_over_a_gap_transfers_nothing);
	CASE(an_access_outside_of_every_window_is_a_verdict);
	CASE(the_last_page_of_the_address_space_can_be_a_window);
	CASE(a_hole_is_a_window_that_dma_must_not_touch);
	CASE(a_read_only_window_refuses_writes);
	CASE(a_bad_window_is_refused);
	CASE(unmapping_takes_whole_windows_only);
	CASE(a_file_truncated_after_mapping_costs_its_window_only);
	CASE(atomics_lose_nothing_between_threads);
	CASE(an_atomic_wraps_at_its_size_and_returns_the_old_value);
	CASE(an_atomic_that_is_not_an_aligned_word_is_refused);
	CASE(unmapping_waits_for_accesses_under_way);
	return DONE();
}
