// SPDX-License-Identifier: GPL-2.0-only
/* Chaos: its decisions, and that it does what hardware may do and nothing else. */
#include "gc/gc_9_4_3_sh_mask.h"
#include "sdma/sdma_4_4_2_offset.h"
#include "sdma/sdma_4_4_2_sh_mask.h"
#include "../../emu/sdma.h"
#include "engine_fixture.h"

#define VMID 8u
#define PASID 0x8008u
#define VA 0x7f0000200000ull
#define RING 0x10000u		/* in VRAM */
#define OUT 0x80000u
#define BELL 0x200u
#define IB 0x20000u
#define RAM_PAGE 0x400000u	/* in guest RAM: what pages are mapped to */
#define RING_LOG2 12u
#define VECTORS ((4u << IH_RING_LOG2) / 32)

static bool running;
static u64 root;
static struct vm_port port;

static void end(void)
{
	if (!running)
		return;
	cp_fini(gpu);
	sdma_fini(gpu);
	chaos_fini(gpu);
	fixture_stop();
	running = false;
}

static bool begin(const char *list)
{
	end();
	if (!gpu_start(1) || chaos_select(gpu, list) || chaos_init(gpu))
		return false;
	running = true;
	root = new_space(VMID, 0, PASID);
	port = (struct vm_port){ .gpu = gpu, .client_id = 0x1b, .node_id = 1, .retry = true,
				 .name = "test" };
	return true;
}

/* ---- the list ---- */

static void a_list_of_options_and_a_seed_is_taken(void)
{
	char text[128];

	CHECK(begin("late-fault,seed=7,delay"));
	chaos_describe(gpu, text, sizeof(text));
	CHECK(!strcmp(text, "seed=7,delay,late-fault"));
	CHECK(begin("all"));
	chaos_describe(gpu, text, sizeof(text));
	CHECK(!strcmp(text, "seed=1,delay,slow-engine,dup-fault,late-fault,ih-pressure,"
			    "tlb-prefetch"));
	end();
}

static void anything_else_is_refused(void)
{
	static const char *const bad[] = {
		"nonsense", "delay,nonsense", "dela", "delays", "seed", "seed=", "seed=x",
		"seed=1x", "seed=-1", "seed=99999999999999999999999", ",", "delay,,all",
	};
	struct gpu fresh = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_EQ(chaos_select(&fresh, bad[i]), -EINVAL);
		CHECK(!fresh.chaos);
	}
}

static void the_report_tells_the_seed(void)
{
	const struct gpu_config config = {
		.asic = "mi300x", .vram_size = VRAM_SIZE, .report = "chaos_test.report",
		.chaos = "seed=42,delay",
	};
	struct gpu *other = gpu_new(&config);
	char line[128] = "";
	FILE *file;

	CHECK(other);
	CHECK_EQ(report_write(other), 0);
	gpu_free(other);
	file = fopen(config.report, "r");
	CHECK(file);
	CHECK(fgets(line, sizeof(line), file));
	fclose(file);
	unlink(config.report);
	CHECK(!strcmp(line, "chaos: seed=42,delay\n"));
}

/* ---- decisions ---- */

#define PICKS 200

static bool pick_all(const char *list, const char *site, u64 *picks)
{
	if (!begin(list))
		return false;
	for (unsigned int i = 0; i < PICKS; i++)
		picks[i] = chaos_pick(gpu, CHAOS_DELAY, site, 1000);
	end();
	return true;
}

static void decisions_depend_on_seed_and_site_only(void)
{
	u64 first[PICKS], again[PICKS], other_seed[PICKS], other_site[PICKS];

	CHECK(pick_all("seed=3,delay", "sdma0", first));
	CHECK(pick_all("seed=3,delay", "sdma0", again));
	CHECK(pick_all("seed=4,delay", "sdma0", other_seed));
	CHECK(pick_all("seed=3,delay", "sdma1", other_site));
	CHECK(!memcmp(first, again, sizeof(first)));
	CHECK(memcmp(first, other_seed, sizeof(first)));
	CHECK(memcmp(first, other_site, sizeof(first)));
}

static void a_site_decides_the_same_whatever_others_decide(void)
{
	u64 alone[PICKS];

	CHECK(pick_all("seed=3,delay", "sdma0", alone));
	CHECK(begin("seed=3,delay"));
	for (unsigned int i = 0; i < PICKS; i++) {
		chaos_pick(gpu, CHAOS_DELAY, "sdma1", 5);
		chaos_pick(gpu, CHAOS_SLOW_ENGINE, "sdma0", 5);
		CHECK_EQ(chaos_pick(gpu, CHAOS_DELAY, "sdma0", 1000), alone[i]);
	}
	end();
}

static void decisions_are_as_frequent_as_asked_for(void)
{
	unsigned int hits = 0;

	CHECK(begin("delay"));
	for (unsigned int i = 0; i < 16000; i++)
		hits += chaos(gpu, CHAOS_DELAY, "sdma0", 16);
	CHECK(hits > 800 && hits < 1200);
	CHECK(!chaos(gpu, CHAOS_DUP_FAULT, "sdma0", 1));
	end();
}

/* ---- pauses ---- */

static u32 sdma_reg(u32 offset)
{
	return reg_base(gpu, HW_SDMA, 0, 0) + offset;
}

static void start_ring(void)
{
	reg_write(gpu, sdma_reg(regSDMA_F32_CNTL), 0);
	reg_write(gpu, sdma_reg(regSDMA_GFX_RB_BASE), (u32)(mc(RING) >> 8));
	reg_write(gpu, sdma_reg(regSDMA_GFX_RB_BASE_HI), (u32)(mc(RING) >> 40));
	reg_write(gpu, sdma_reg(regSDMA_GFX_DOORBELL), SDMA_GFX_DOORBELL__ENABLE_MASK);
	reg_write(gpu, sdma_reg(regSDMA_GFX_DOORBELL_OFFSET),
		  BELL << SDMA_GFX_DOORBELL_OFFSET__OFFSET__SHIFT);
	reg_write(gpu, sdma_reg(regSDMA_GFX_IB_CNTL), SDMA_GFX_IB_CNTL__IB_ENABLE_MASK);
	reg_write(gpu, sdma_reg(regSDMA_GFX_RB_CNTL),
		  RING_LOG2 << SDMA_GFX_RB_CNTL__RB_SIZE__SHIFT | SDMA_GFX_RB_CNTL__RB_ENABLE_MASK);
}

/* @n fences of four dwords at @vram, the last with value @n. */
static void put_fences(u64 vram, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		set32(vram + 16 * i, 5);
		set32(vram + 16 * i + 4, (u32)mc(OUT));
		set32(vram + 16 * i + 8, (u32)(mc(OUT) >> 32));
		set32(vram + 16 * i + 12, i + 1);
	}
}

#define FENCES 300u

static u64 delays_of_a_run(const char *list)
{
	u64 delays;

	if (!begin(list))
		return 0;
	put_fences(RING, FENCES);
	start_ring();
	ring_doorbell(BELL, FENCES * 16);
	for (int i = 0; i < 100000 && get32(OUT) != FENCES; i++)
		pause_us(200);
	delays = get32(OUT) == FENCES ? counted(gpu, "chaos.delayed_packets") : 0;
	end();
	return delays;
}

static void engines_pause_between_packets_the_same_way_each_time(void)
{
	u64 delays = delays_of_a_run("seed=5,delay");

	CHECK(delays > 0);
	CHECK_EQ(delays_of_a_run("seed=5,delay"), delays);
}

static void sdma_is_slow_in_jobs_and_not_in_the_kernels_ring(void)
{
	CHECK(begin("slow-engine"));
	put_fences(RING, FENCES);
	start_ring();
	ring_doorbell(BELL, FENCES * 16);
	WAIT_FOR(get32(OUT) == FENCES);
	CHECK_EQ(counted(gpu, "chaos.slow_packets"), 0);

	put_fences(IB, 40);
	/* An indirect buffer ends at 8 dwords. */
	set32(RING + FENCES * 16, 0);
	set32(RING + FENCES * 16 + 4, 0);
	set32(RING + FENCES * 16 + 8, 4);
	set32(RING + FENCES * 16 + 12, (u32)mc(IB));
	set32(RING + FENCES * 16 + 16, (u32)(mc(IB) >> 32));
	set32(RING + FENCES * 16 + 20, 40 * 4);
	set32(RING + FENCES * 16 + 24, 0);
	set32(RING + FENCES * 16 + 28, 0);
	ring_doorbell(BELL, FENCES * 16 + 32);
	WAIT_FOR(get32(OUT) == 40);
	CHECK(counted(gpu, "chaos.slow_packets") > 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void *long_pause(void *arg)
{
	vm_pause(arg, 60 * 1000 * 1000);
	return NULL;
}

static void a_pause_ends_when_the_queue_is_stopped(void)
{
	pthread_t thread;

	CHECK(begin("delay"));
	CHECK(!pthread_create(&thread, NULL, long_pause, &port));
	atomic_store(&port.stop, true);
	vm_wake(gpu);
	CHECK(!pthread_join(thread, NULL));
	end();
}

/* ---- faults ---- */

#define PAGES 48

struct reader {
	pthread_t thread;
	atomic_bool done;
	unsigned int good;
};

static void *read_pages(void *arg)
{
	struct reader *reader = arg;

	for (u64 i = 0; i < PAGES; i++) {
		u32 value = 0;

		if (!vm_read(&port, VMID, VA + i * PAGE, &value, 4) && value == 0x1000 + i)
			reader->good++;
	}
	atomic_store(&reader->done, true);
	return NULL;
}

static u32 taken;		/* vectors since the ring was set up */

/* The driver: what it does with a vector. Returns false when there is none. */
static bool serve_vector(u64 *last_stamp)
{
	u32 wptr = (reg_read(gpu, ih_reg(regIH_RB_WPTR)) & 0x3ffff) / 32;
	const u32 *vector = (u32 *)(ram + IH_RING) + 8 * (taken % VECTORS);
	u64 va;

	if (wptr == taken % VECTORS)
		return false;
	va = fault_address(vector);
	if (last_stamp)
		*last_stamp = vector[1] | (u64)vector[2] << 32;
	if ((vector[0] & 0xff) == 0x1b && vector[5] & FAULT_RETRY) {
		map_page(root, va, (RAM_BASE + RAM_PAGE + (va - VA)) | PTE_V | PTE_S | PTE_R);
		answer_fault(vector);
	}
	taken++;
	reg_write(gpu, ih_reg(regIH_RB_RPTR), taken % VECTORS * 32);
	return true;
}

/* All pages fault once, the driver serves what comes; true if all was right. */
static bool fault_all_pages(void)
{
	struct reader reader = { 0 };

	taken = 0;
	for (u32 i = 0; i < PAGES; i++)
		memcpy(ram + RAM_PAGE + i * PAGE, &(u32){ 0x1000 + i }, 4);
	if (pthread_create(&reader.thread, NULL, read_pages, &reader))
		return false;
	while (!atomic_load(&reader.done))
		if (!serve_vector(NULL))
			pause_us(50);
	pthread_join(reader.thread, NULL);
	while (serve_vector(NULL))
		;
	return reader.good == PAGES;
}

static void faults_come_twice_with_the_same_or_another_entry(void)
{
	CHECK(begin("dup-fault"));
	CHECK(fault_all_pages());
	CHECK(counted(gpu, "chaos.duplicate_entries") > 0);
	CHECK(counted(gpu, "chaos.duplicate_vectors") > 0);
	/* The second answer may go to another page's fault, which then faults again. */
	CHECK(counted(gpu, "vm.retry_faults") >= PAGES);
	CHECK_EQ(taken, counted(gpu, "vm.retry_faults") +
			counted(gpu, "chaos.duplicate_entries") +
			counted(gpu, "chaos.duplicate_vectors"));
	/* The driver has released each entry that there was. */
	CHECK_EQ(counted(gpu, "ih.cam_inserted"), counted(gpu, "ih.cam_released"));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void an_answered_fault_comes_again_later_with_its_old_stamp(void)
{
	u64 after, stamp = 0, late = 0;

	CHECK(begin("late-fault"));
	CHECK(fault_all_pages());
	after = ih_clock();
	CHECK(counted(gpu, "chaos.late_faults") > 0);
	WAIT_FOR(counted(gpu, "chaos.late_faults_delivered") == counted(gpu, "chaos.late_faults"));
	while (serve_vector(&stamp)) {
		CHECK(stamp < after);
		late++;
	}
	CHECK_EQ(taken, counted(gpu, "vm.retry_faults") + counted(gpu, "chaos.late_faults"));
	CHECK(late <= counted(gpu, "chaos.late_faults"));
	CHECK_EQ(counted(gpu, "ih.cam_inserted"), counted(gpu, "ih.cam_released"));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_reset_forgets_late_faults(void)
{
	struct ih_vector vector = { .client_id = 0x1b, .vmid = VMID, .stamp = 1 };

	CHECK(begin("late-fault"));
	for (int i = 0; i < 20; i++)
		chaos_late_fault(&port, VA, &vector);
	chaos_reset(gpu);
	for (int i = 0; i < 5; i++)
		pause_us(50000);	/* they would have come within 200 ms */
	CHECK(counted(gpu, "chaos.late_faults_delivered") < 20);
	end();
}

/* ---- interrupt rings ---- */

static void rings_are_crowded_with_vectors_of_nobody(void)
{
	const struct ih_vector real = { .client_id = 8, .source_id = 224 };
	u32 sent = 0, got = 0;

	CHECK(begin("ih-pressure"));
	taken = 0;
	while (sent < 500) {
		ih_raise(gpu, &real);
		sent++;
		for (;;) {
			const u32 *v = (u32 *)(ram + IH_RING) + 8 * (taken % VECTORS);
			u32 before = taken;

			if (!serve_vector(NULL))
				break;
			CHECK(taken == before + 1);
			if ((v[0] & 0xff) == 8)
				got++;
			else
				CHECK_EQ(v[0] & 0xff, 7);
		}
	}
	CHECK(counted(gpu, "chaos.crowding_vectors") > VECTORS);
	/* Only a ring without any place left at all has lost the vector that followed. */
	CHECK(got + counted(gpu, "ih.overflows") >= sent);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void faults_get_through_a_crowded_ring(void)
{
	CHECK(begin("ih-pressure,dup-fault,late-fault"));
	CHECK(fault_all_pages());
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

/* ---- the TLB ---- */

static u8 read_byte(u64 va)
{
	u8 byte = 0xff;

	port.retry = false;
	return vm_read(&port, VMID, va, &byte, 1) ? 0xee : byte;
}

static void the_tlb_takes_neighbours_that_nobody_has_touched(void)
{
	const u64 rw = PTE_V | PTE_S | PTE_R | PTE_W;

	CHECK(begin("tlb-prefetch"));
	ram[RAM_PAGE] = 1;
	ram[RAM_PAGE + PAGE] = 2;
	for (u64 i = 0; i < 8; i++)
		map_page(root, VA + i * PAGE, (RAM_BASE + RAM_PAGE) | rw);
	CHECK_EQ(read_byte(VA), 1);
	CHECK(counted(gpu, "chaos.prefetched_pages") >= 7);
	map_page(root, VA + 3 * PAGE, (RAM_BASE + RAM_PAGE + PAGE) | rw);
	CHECK_EQ(read_byte(VA + 3 * PAGE), 1);
	vm_audit(gpu);
	vm_set_stale_limit(gpu, 0);
	read_byte(VA + 3 * PAGE);
	CHECK_EQ(verdicts(gpu, "stale-tlb"), 1);
	vm_invalidate(gpu, 0, VMID);
	CHECK_EQ(read_byte(VA + 3 * PAGE), 2);
	end();
}

static void what_is_not_there_is_not_prefetched_and_raises_nothing(void)
{
	const u64 rw = PTE_V | PTE_S | PTE_R | PTE_W;

	CHECK(begin("tlb-prefetch"));
	ram[RAM_PAGE] = 1;
	map_page(root, VA, (RAM_BASE + RAM_PAGE) | rw);
	CHECK_EQ(read_byte(VA), 1);
	CHECK_EQ(counted(gpu, "chaos.prefetched_pages"), 0);
	map_page(root, VA + PAGE, (RAM_BASE + RAM_PAGE) | rw);
	CHECK_EQ(read_byte(VA + PAGE), 1);	/* a page that appears needs no flush */
	CHECK_EQ(counted(gpu, "vm.final_faults"), 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

int main(void)
{
	CASE(a_list_of_options_and_a_seed_is_taken);
	CASE(anything_else_is_refused);
	CASE(the_report_tells_the_seed);
	CASE(decisions_depend_on_seed_and_site_only);
	CASE(a_site_decides_the_same_whatever_others_decide);
	CASE(decisions_are_as_frequent_as_asked_for);
	CASE(engines_pause_between_packets_the_same_way_each_time);
	CASE(sdma_is_slow_in_jobs_and_not_in_the_kernels_ring);
	CASE(a_pause_ends_when_the_queue_is_stopped);
	CASE(faults_come_twice_with_the_same_or_another_entry);
	CASE(an_answered_fault_comes_again_later_with_its_old_stamp);
	CASE(a_reset_forgets_late_faults);
	CASE(rings_are_crowded_with_vectors_of_nobody);
	CASE(faults_get_through_a_crowded_ring);
	CASE(the_tlb_takes_neighbours_that_nobody_has_touched);
	CASE(what_is_not_there_is_not_prefetched_and_raises_nothing);
	end();
	return DONE();
}
