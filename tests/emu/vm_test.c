// SPDX-License-Identifier: GPL-2.0-only
/* Contexts, rights, invalidation, faults and stale translations, with real threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "gc/gc_9_4_3_sh_mask.h"
#include "oss/osssys_4_4_2_offset.h"
#include "oss/osssys_4_4_2_sh_mask.h"
#include "soc15_ih_clientid.h"
#include "vm_fixture.h"
#include "test.h"

#define VMID 5
#define VA 0x7f0000200000ull
#define PASID 0x8042
#define RING 0x10000u		/* offset in guest RAM */
#define CAM_BELL 0x346u
#define RW (PTE_V | PTE_R | PTE_W)
#define RAM_PTE(n) ((RAM_BASE + (n) * PAGE) | PTE_S | RW)
#define REQ_ALL (VM_INVALIDATE_ENG0_REQ__INVALIDATE_L2_PTES_MASK | \
		 VM_INVALIDATE_ENG0_REQ__INVALIDATE_L2_PDE0_MASK | \
		 VM_INVALIDATE_ENG0_REQ__INVALIDATE_L2_PDE1_MASK | \
		 VM_INVALIDATE_ENG0_REQ__INVALIDATE_L2_PDE2_MASK | \
		 VM_INVALIDATE_ENG0_REQ__INVALIDATE_L1_PTES_MASK)
#define FAULT_INTERRUPTS (VM_CONTEXT1_CNTL__RANGE_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK | \
			  VM_CONTEXT1_CNTL__PDE0_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK | \
			  VM_CONTEXT1_CNTL__VALID_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK | \
			  VM_CONTEXT1_CNTL__READ_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK | \
			  VM_CONTEXT1_CNTL__WRITE_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK | \
			  VM_CONTEXT1_CNTL__EXECUTE_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK)
#define RETRY VM_CONTEXT1_CNTL__RETRY_PERMISSION_OR_INVALID_PAGE_FAULT_MASK

static struct vm_port port;
static u64 root;		/* of VMID's page tables */

static u32 ih(u32 offset)
{
	return reg_base(gpu, HW_OSSSYS, 0, 0) + offset;
}

static u32 hub_base(unsigned int hub)
{
	return hub < MAX_XCC ? reg_base(gpu, HW_GC, hub, gfxhub_layout.segment) :
			       reg_base(gpu, HW_MMHUB, hub - MAX_XCC, mmhub_layout.segment);
}

static const struct hub_layout *layout(unsigned int hub)
{
	return hub < MAX_XCC ? &gfxhub_layout : &mmhub_layout;
}

static void setup_context(unsigned int hub, unsigned int vmid, u64 base, u32 cntl,
			  u64 first, u64 last)
{
	const struct hub_layout *l = layout(hub);
	u32 b = hub_base(hub);

	reg_write(gpu, b + l->context0_base_lo + 2 * vmid, (u32)base);
	reg_write(gpu, b + l->context0_base_lo + 2 * vmid + 1, base >> 32);
	reg_write(gpu, b + l->context0_start_lo + 2 * vmid, (u32)first);
	reg_write(gpu, b + l->context0_start_lo + 2 * vmid + 1, first >> 32);
	reg_write(gpu, b + l->context0_end_lo + 2 * vmid, (u32)last);
	reg_write(gpu, b + l->context0_end_lo + 2 * vmid + 1, last >> 32);
	reg_write(gpu, b + l->context0_cntl + vmid, cntl);
}

/* What the driver writes: enabled, depth 2, block size 9. */
static u32 user_cntl(void)
{
	return VM_CONTEXT1_CNTL__ENABLE_CONTEXT_MASK |
	       2 << VM_CONTEXT1_CNTL__PAGE_TABLE_DEPTH__SHIFT |
	       9 << VM_CONTEXT1_CNTL__PAGE_TABLE_BLOCK_SIZE__SHIFT | FAULT_INTERRUPTS | RETRY;
}

static void setup_interrupts(void)
{
	reg_write(gpu, ih(regIH_RB_BASE), (RAM_BASE + RING) >> 8);
	reg_write(gpu, ih(regIH_RB_BASE_HI), (RAM_BASE + RING) >> 40);
	reg_write(gpu, ih(regIH_DOORBELL_RETRY_CAM), CAM_BELL | IH_DOORBELL_RPTR__ENABLE_MASK);
	reg_write(gpu, ih(regIH_RETRY_INT_CAM_CNTL), IH_RETRY_INT_CAM_CNTL__ENABLE_MASK | 9);
	reg_write(gpu, ih(regIH_RB_CNTL), IH_RB_CNTL__RB_ENABLE_MASK | 10 << 1 |
		  1u << IH_RB_CNTL__MC_SPACE__SHIFT);
	reg_write(gpu, ih(regIH_VMID_0_LUT) + VMID, PASID);
	reg_write(gpu, ih(regIH_VMID_0_LUT_MM) + VMID, PASID + 1);
}

static bool start(void)
{
	if (!fixture_start(2))
		return false;
	root = new_table(PAGE);
	setup_context(0, VMID, root | PTE_V, user_cntl(), 0, VA_PAGE_MASK);
	setup_context(MMHUB(0), VMID, root | PTE_V, user_cntl(), 0, VA_PAGE_MASK);
	setup_interrupts();
	memset(&port, 0, sizeof(port));
	port.gpu = gpu;
	port.client_id = SOC15_IH_CLIENTID_UTCL2;
	port.node_id = node_of_xcc(0);
	port.cid = 0x55;
	port.retry = true;
	port.name = "test";
	/* Whoever wants this verdict asks for it. */
	vm_set_stale_limit(gpu, ~0ull);
	return true;
}

static void map(u64 va, u64 pte)
{
	map_page(root, va, pte);
}

/* By register, engine @engine; returns whether it was acknowledged. */
static bool flush(unsigned int hub, unsigned int engine, u32 req)
{
	const struct hub_layout *l = layout(hub);
	u32 ack = hub_base(hub) + l->engine0_ack + engine;

	reg_write(gpu, hub_base(hub) + l->engine0_req + engine, req);
	return (reg_read(gpu, ack) & 0xffff) == (req & 0xffff);
}

static bool flush_vmid(void)
{
	return flush(0, 17, REQ_ALL | 1u << VMID);
}

static u8 peek(u64 va)
{
	u8 byte = 0xaa;

	return vm_read(&port, VMID, va, &byte, 1) ? 0 : byte;
}

static u32 wptr(void)
{
	return reg_read(gpu, ih(regIH_RB_WPTR));
}

static const u32 *vector(u32 n)
{
	return (const u32 *)(ram + RING) + 8 * n;
}

static void wait_for_vectors(u32 n)
{
	while (wptr() < n * 32)
		sched_yield();
}

static void release(u32 cam)
{
	doorbell_write(gpu, CAM_BELL * 4ull, &cam, sizeof(cam));
}

static u32 status(unsigned int hub)
{
	return reg_read(gpu, hub_base(hub) + layout(hub)->fault_status);
}

/* An access on a thread of its own. */
struct job {
	pthread_t thread;
	struct vm_port *port;
	u64 va;
	bool write;
	u8 byte;
	int result;
	atomic_bool done;
};

static void *run_job(void *arg)
{
	struct job *job = arg;

	job->result = job->write ? vm_write(job->port, VMID, job->va, &job->byte, 1) :
				   vm_read(job->port, VMID, job->va, &job->byte, 1);
	atomic_store(&job->done, true);
	return NULL;
}

static bool begin(struct job *job, struct vm_port *p, u64 va, bool write, u8 byte)
{
	*job = (struct job){ .port = p, .va = va, .write = write, .byte = byte };
	return !pthread_create(&job->thread, NULL, run_job, job);
}

static int end(struct job *job)
{
	pthread_join(job->thread, NULL);
	return job->result;
}

/* ---- the system context ---- */

static void the_fb_aperture_is_vram(void)
{
	u64 fb, value = 0x1122334455667788ull, got = 0;

	CHECK(start());
	fb = gpu->asic->fb_base;
	CHECK_EQ(vm_write(&port, 0, fb + 0x800ffc, &value, 8), 0);	/* across a page */
	CHECK_EQ(vm_read(&port, 0, fb + 0x800ffc, &got, 8), 0);
	CHECK_EQ(got, value);
	got = 0;
	CHECK(vram_read(gpu, 0x800ffc, &got, 8));
	CHECK_EQ(got, value);
	fixture_stop();
}

static void the_agp_aperture_is_the_bus(void)
{
	const struct hub_layout *l = layout(0);
	u32 value = 0xcafe, got = 0;

	CHECK(start());
	reg_write(gpu, hub_base(0) + l->agp_base, 0);
	reg_write(gpu, hub_base(0) + l->agp_bottom, 0x40000);
	reg_write(gpu, hub_base(0) + l->agp_top, 0x40fff);
	CHECK_EQ(vm_write(&port, 0, 0x40000000000ull + RAM_BASE + 0x5000, &value, 4), 0);
	memcpy(&got, ram + 0x5000, 4);
	CHECK_EQ(got, value);
	fixture_stop();
}

static void the_gart_is_a_flat_table(void)
{
	const u64 gart = 0x7fff00000000ull, pages = 4096;
	u64 table;
	u32 value = 0xbeef, got = 0;

	CHECK(start());
	table = new_table(pages * 8);
	setup_context(0, 0, table | PTE_V, VM_CONTEXT0_CNTL__ENABLE_CONTEXT_MASK | FAULT_INTERRUPTS,
		      gart >> 12, (gart >> 12) + pages - 1);
	set64(table + 3000 * 8, RAM_PTE(9));
	CHECK_EQ(vm_write(&port, 0, gart + 3000 * PAGE + 8, &value, 4), 0);
	memcpy(&got, ram + 9 * PAGE + 8, 4);
	CHECK_EQ(got, value);
	/* Faults of the system context are always final. */
	CHECK_EQ(vm_read(&port, 0, gart + 3001 * PAGE, &got, 4), -EFAULT);
	CHECK_EQ(vm_read(&port, 0, gart + pages * PAGE, &got, 4), -EFAULT);
	CHECK_EQ(counted(gpu, "vm.final_faults"), 2);
	fixture_stop();
}

static void an_address_of_nothing_is_a_final_fault(void)
{
	u32 got = 1;

	CHECK(start());
	CHECK_EQ(vm_read(&port, 0, 0x123456789000ull, &got, 4), -EFAULT);
	CHECK_EQ(got, 0);
	CHECK_EQ(vm_read(&port, NUM_VMID, VA, &got, 4), -EFAULT);
	port.hub = NUM_HUB + 5;
	CHECK_EQ(vm_read(&port, 0, gpu->asic->fb_base, &got, 4), -EFAULT);
	fixture_stop();
}

/* ---- user contexts ---- */

static void user_pages_are_in_ram_or_vram(void)
{
	u8 buf[3 * PAGE], got[3 * PAGE];

	CHECK(start());
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)(i * 7 + i / 256);
	map(VA, RAM_PTE(20));
	map(VA + PAGE, 0x900000 | RW);
	map(VA + 2 * PAGE, RAM_PTE(3));
	map(VA + 3 * PAGE, RAM_PTE(4));
	CHECK_EQ(vm_write(&port, VMID, VA + 100, buf, sizeof(buf)), 0);
	CHECK_EQ(vm_read(&port, VMID, VA + 100, got, sizeof(got)), 0);
	CHECK(!memcmp(buf, got, sizeof(buf)));
	CHECK(!memcmp(ram + 20 * PAGE + 100, buf, PAGE - 100));
	CHECK(vram_read(gpu, 0x900000, got, PAGE));
	CHECK(!memcmp(got, buf + PAGE - 100, PAGE));
	CHECK(!memcmp(ram + 4 * PAGE, buf + 3 * PAGE - 100, 100));
	fixture_stop();
}

static void addresses_may_be_sign_extended_but_not_longer(void)
{
	const u64 high = 0xffff912300045000ull;
	u8 byte = 7;

	CHECK(start());
	map(high & 0xffffffffffffull, RAM_PTE(2));
	CHECK_EQ(vm_write(&port, VMID, high, &byte, 1), 0);
	CHECK_EQ(ram[2 * PAGE], 7);
	CHECK_EQ(vm_write(&port, VMID, high & 0xffffffffffffull, &byte, 1), 0);
	CHECK_EQ(vm_write(&port, VMID, 0x1912300045000ull, &byte, 1), -EFAULT);
	CHECK_EQ(vm_write(&port, VMID, 0xfffe912300045000ull, &byte, 1), -EFAULT);
	fixture_stop();
}

static void every_right_is_checked_on_every_access(void)
{
	u64 old;
	u32 word = 0;

	CHECK(start());
	port.retry = false;
	for (unsigned int rights = 0; rights < 8; rights++) {
		bool r = rights & RIGHT_R, w = rights & RIGHT_W, x = rights & RIGHT_X;

		map(VA, RAM_BASE | PTE_S | PTE_V | (r ? PTE_R : 0) | (w ? PTE_W : 0) | (x ? PTE_X : 0));
		/* Once by walking, once from the TLB. */
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(vm_read(&port, VMID, VA, &word, 4), r ? 0 : -EFAULT);
			CHECK_EQ(vm_write(&port, VMID, VA, &word, 4), w ? 0 : -EFAULT);
			CHECK_EQ(vm_fetch(&port, VMID, VA, &word, 4), r && x ? 0 : -EFAULT);
		}
		flush_vmid();
	}
	map(VA, RAM_BASE | PTE_S | PTE_V | PTE_R);
	CHECK_EQ(vm_atomic(&port, VMID, VA, 4, NULL, NULL, &old), -EFAULT);
	fixture_stop();
}

static void what_precedes_the_fault_is_transferred(void)
{
	u8 buf[2 * PAGE], got[2 * PAGE];

	CHECK(start());
	port.retry = false;
	memset(buf, 0x5a, sizeof(buf));
	memset(got, 0xff, sizeof(got));
	map(VA, RAM_PTE(1));
	CHECK_EQ(vm_write(&port, VMID, VA, buf, sizeof(buf)), -EFAULT);
	CHECK(!memcmp(ram + PAGE, buf, PAGE));
	CHECK_EQ(vm_read(&port, VMID, VA, got, sizeof(got)), -EFAULT);
	CHECK(!memcmp(got, buf, PAGE));
	for (size_t i = PAGE; i < sizeof(got); i++)
		CHECK_EQ(got[i], 0);
	fixture_stop();
}

static void prt_pages_read_zero_and_drop_writes(void)
{
	u64 word = 5, old = 9;

	CHECK(start());
	map(VA, PTE_PRT);
	CHECK_EQ(vm_write(&port, VMID, VA, &word, 8), 0);
	CHECK_EQ(vm_read(&port, VMID, VA, &word, 8), 0);
	CHECK_EQ(word, 0);
	CHECK_EQ(vm_atomic(&port, VMID, VA, 8, NULL, NULL, &old), 0);
	CHECK_EQ(old, 0);
	CHECK_EQ(wptr(), 0);
	/* They are not remembered. */
	map(VA, RAM_PTE(6));
	word = 0x77;
	CHECK_EQ(vm_write(&port, VMID, VA, &word, 8), 0);
	CHECK_EQ(ram[6 * PAGE], 0x77);
	fixture_stop();
}

static u64 add(u64 old, const void *arg)
{
	return old + *(const u64 *)arg;
}

static void atomics_reach_ram_and_vram(void)
{
	u64 one = 1, old = 0, value = 41;

	CHECK(start());
	map(VA, RAM_PTE(7));
	map(VA + PAGE, 0x900000 | RW);
	memcpy(ram + 7 * PAGE, &value, 8);
	set64(0x900000, 0xffffffffull);
	CHECK_EQ(vm_atomic(&port, VMID, VA, 8, add, &one, &old), 0);
	CHECK_EQ(old, 41);
	CHECK_EQ(ram[7 * PAGE], 42);
	CHECK_EQ(vm_atomic(&port, VMID, VA + PAGE, 4, add, &one, &old), 0);
	CHECK_EQ(old, 0xffffffffull);
	CHECK_EQ(get64(0x900000), 0);
	CHECK_EQ(vm_atomic(&port, VMID, VA + 2, 4, add, &one, &old), -EFAULT);
	CHECK_EQ(verdicts(gpu, "misaligned-atomic"), 1);
	fixture_stop();
}

static void contexts_and_hubs_are_separate(void)
{
	u64 other;
	u8 byte = 1;

	CHECK(start());
	other = new_table(PAGE);
	setup_context(1, VMID, other | PTE_V, user_cntl() & ~RETRY, 0, VA_PAGE_MASK);
	setup_context(0, VMID + 1, other | PTE_V, user_cntl() & ~RETRY, 0, VA_PAGE_MASK);
	map(VA, RAM_PTE(1));
	map_page(other, VA, RAM_PTE(2));
	CHECK_EQ(vm_write(&port, VMID, VA, &byte, 1), 0);
	byte = 2;
	CHECK_EQ(vm_write(&port, VMID + 1, VA, &byte, 1), 0);
	CHECK_EQ(ram[PAGE], 1);
	CHECK_EQ(ram[2 * PAGE], 2);
	CHECK_EQ(vm_write(&port, VMID + 2, VA, &byte, 1), -EFAULT);	/* not enabled */
	port.hub = 1;
	byte = 3;
	CHECK_EQ(vm_write(&port, VMID, VA, &byte, 1), 0);
	CHECK_EQ(ram[2 * PAGE], 3);
	fixture_stop();
}

static void memory_that_is_not_there_is_no_page_fault(void)
{
	u8 byte = 1;

	CHECK(start());
	map(VA, (RAM_BASE + RAM_SIZE) | PTE_S | RW);
	map(VA + PAGE, VRAM_SIZE | RW);
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	CHECK_EQ(verdicts(gpu, "dma-outside-ram"), 1);
	CHECK_EQ(vm_write(&port, VMID, VA + PAGE, &byte, 1), -EFAULT);
	CHECK_EQ(verdicts(gpu, "vram-out-of-range"), 1);
	CHECK_EQ(wptr(), 0);
	fixture_stop();
}

/* ---- faults ---- */

static void a_final_fault_says_what_it_was(void)
{
	const u64 page = VA >> 12;
	u8 byte = 0;
	u32 s;

	CHECK(start());
	port.retry = false;
	port.ring_id = 3;
	CHECK_EQ(vm_write(&port, VMID, VA + 5, &byte, 1), -EFAULT);
	CHECK_EQ(wptr(), 32);
	CHECK_EQ(vector(0)[0] & 0xff, SOC15_IH_CLIENTID_UTCL2);
	CHECK_EQ(vector(0)[0] >> 8 & 0xff, 0);
	CHECK_EQ(vector(0)[0] >> 16 & 0xff, 3 | 8 | 32);	/* no page, no right to write */
	CHECK_EQ(vector(0)[0] >> 24 & 0xf, VMID);
	CHECK_EQ(vector(0)[0] >> 31, 0);
	CHECK_EQ(vector(0)[3], PASID | node_of_xcc(0) << 16);
	CHECK_EQ(vector(0)[4], (u32)page);
	CHECK_EQ(vector(0)[5], page >> 32 | FAULT_WRITE);
	s = status(0);
	CHECK_EQ(s >> VM_L2_PROTECTION_FAULT_STATUS__VMID__SHIFT & 15, VMID);
	CHECK_EQ(s >> VM_L2_PROTECTION_FAULT_STATUS__CID__SHIFT & 0x1ff, 0x55);
	CHECK(s & VM_L2_PROTECTION_FAULT_STATUS__RW_MASK);
	CHECK(!(s & VM_L2_PROTECTION_FAULT_STATUS__MORE_FAULTS_MASK));
	CHECK_EQ(s & VM_L2_PROTECTION_FAULT_STATUS__WALKER_ERROR_MASK,
		 3 << VM_L2_PROTECTION_FAULT_STATUS__WALKER_ERROR__SHIFT);
	CHECK_EQ(reg_read(gpu, hub_base(0) + layout(0)->fault_addr_lo), (u32)page);
	CHECK_EQ(reg_read(gpu, hub_base(0) + layout(0)->fault_addr_lo + 1), page >> 32);
	fixture_stop();
}

static void a_fault_of_the_multimedia_hub_is_its_own(void)
{
	u8 byte;

	CHECK(start());
	port.retry = false;
	port.hub = MMHUB(0);
	port.client_id = SOC15_IH_CLIENTID_VMC;
	port.node_id = node_of_aid(0);
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	CHECK_EQ(vector(0)[0] & 0xff, SOC15_IH_CLIENTID_VMC);
	CHECK_EQ(vector(0)[0] >> 31, 1);
	CHECK_EQ(vector(0)[3], PASID + 1);
	CHECK(status(MMHUB(0)));
	CHECK_EQ(status(0), 0);
	fixture_stop();
}

static void the_first_fault_stays_until_cleared(void)
{
	const u32 clear = VM_L2_PROTECTION_FAULT_CNTL__CLEAR_PROTECTION_FAULT_STATUS_ADDR_MASK;
	u32 cntl, first;
	u8 byte = 0;

	CHECK(start());
	port.retry = false;
	cntl = hub_base(0) + layout(0)->fault_cntl;
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	first = status(0);
	CHECK_EQ(vm_write(&port, VMID, VA + PAGE, &byte, 1), -EFAULT);
	CHECK_EQ(status(0), first | VM_L2_PROTECTION_FAULT_STATUS__MORE_FAULTS_MASK);
	CHECK_EQ(reg_read(gpu, hub_base(0) + layout(0)->fault_addr_lo), (u32)(VA >> 12));
	/* It cannot be written away. */
	reg_write(gpu, hub_base(0) + layout(0)->fault_status, 0);
	CHECK(status(0));
	reg_write(gpu, cntl, reg_read(gpu, cntl) | clear);
	CHECK_EQ(status(0), 0);
	CHECK(!(reg_read(gpu, cntl) & clear));
	CHECK_EQ(vm_write(&port, VMID, VA + PAGE, &byte, 1), -EFAULT);
	CHECK_EQ(reg_read(gpu, hub_base(0) + layout(0)->fault_addr_lo), (u32)(VA >> 12) + 1);
	flush(0, 3, REQ_ALL | VM_INVALIDATE_ENG0_REQ__CLEAR_PROTECTION_FAULT_STATUS_ADDR_MASK);
	CHECK_EQ(status(0), 0);
	fixture_stop();
}

static void masked_faults_do_not_interrupt(void)
{
	u8 byte;

	CHECK(start());
	setup_context(0, VMID, root | PTE_V, user_cntl() & ~(FAULT_INTERRUPTS | RETRY), 0, VA_PAGE_MASK);
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	CHECK_EQ(wptr(), 0);
	CHECK_EQ(counted(gpu, "vm.masked_faults"), 1);
	fixture_stop();
}

static void a_retry_fault_waits_for_the_driver(void)
{
	const u64 page = VA >> 12;
	struct job job;

	CHECK(start());
	CHECK(begin(&job, &port, VA + 9, true, 0x42));
	wait_for_vectors(1);
	CHECK_EQ(vector(0)[4], (u32)page);
	CHECK_EQ(vector(0)[5], page >> 32 | FAULT_RETRY | FAULT_WRITE);
	CHECK(!atomic_load(&job.done));
	map(VA, RAM_PTE(8));
	release(vector(0)[6]);
	CHECK_EQ(end(&job), 0);
	CHECK_EQ(ram[8 * PAGE + 9], 0x42);
	CHECK_EQ(counted(gpu, "vm.retry_faults"), 1);
	CHECK_EQ(wptr(), 32);
	fixture_stop();
}

static void a_release_without_a_page_faults_again(void)
{
	struct job job;

	CHECK(start());
	CHECK(begin(&job, &port, VA, false, 0));
	for (u32 n = 1; n <= 20; n++) {
		wait_for_vectors(n);
		CHECK(!atomic_load(&job.done));
		if (n == 20)
			map(VA, RAM_PTE(8));
		release(vector(n - 1)[6]);
	}
	CHECK_EQ(end(&job), 0);
	CHECK_EQ(wptr(), 20 * 32);
	fixture_stop();
}

static void answering_without_a_page_for_ever_is_a_verdict(void)
{
	struct job job;

	CHECK(start());
	CHECK(begin(&job, &port, VA, false, 0));
	for (;;) {
		u64 before = verdicts(gpu, NULL);

		if (counted(gpu, "vm.retry_faults") >= VM_MAX_REFAULTS)
			break;
		CHECK_EQ(before, 0);
		/* There is only one, so its index is known. */
		release(0);
		sched_yield();
	}
	map(VA, RAM_PTE(8));
	while (!atomic_load(&job.done))
		release(0);
	CHECK_EQ(end(&job), 0);
	CHECK_EQ(verdicts(gpu, "retry-livelock"), 1);
	fixture_stop();
}

static void the_no_retry_entry_ends_a_retry_fault(void)
{
	struct job job;

	CHECK(start());
	CHECK(begin(&job, &port, VA, true, 0));
	wait_for_vectors(1);
	map(VA, PTE_V | PTE_S | PTE_PRT);
	release(vector(0)[6]);
	CHECK_EQ(end(&job), -EFAULT);
	CHECK_EQ(wptr(), 64);
	CHECK_EQ(vector(1)[5] & (FAULT_RETRY | FAULT_WRITE), FAULT_WRITE);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

static void a_missing_right_can_be_retried(void)
{
	struct job job;

	CHECK(start());
	map(VA, RAM_BASE | PTE_S | PTE_V | PTE_R);
	ram[0] = 0x11;
	CHECK_EQ(peek(VA), 0x11);
	CHECK(begin(&job, &port, VA, true, 0x22));
	wait_for_vectors(1);
	/* Bit 3, no page, is not set: there is one. */
	CHECK_EQ(vector(0)[0] >> 16 & 0xff, 32);
	map(VA, RAM_PTE(0));
	CHECK(flush_vmid());
	CHECK_EQ(end(&job), 0);
	CHECK_EQ(ram[0], 0x22);
	fixture_stop();
}

static void added_rights_need_an_invalidation(void)
{
	struct job job;

	CHECK(start());
	map(VA, RAM_BASE | PTE_S | PTE_V | PTE_R);
	CHECK_EQ(peek(VA), 0);
	CHECK(begin(&job, &port, VA, true, 0x22));
	wait_for_vectors(1);
	map(VA, RAM_PTE(0));
	release(vector(0)[6]);
	wait_for_vectors(2);		/* the TLB still says no */
	CHECK(counted(gpu, "vm.stale_faults") >= 1);
	vm_set_stale_limit(gpu, 1);
	release(vector(1)[6]);
	wait_for_vectors(3);
	CHECK_EQ(verdicts(gpu, "stale-tlb"), 1);
	CHECK(flush_vmid());
	CHECK_EQ(end(&job), 0);
	fixture_stop();
}

static void a_stopped_port_gives_up(void)
{
	struct job job;

	CHECK(start());
	CHECK(begin(&job, &port, VA, false, 0));
	wait_for_vectors(1);
	atomic_store(&port.stop, true);
	vm_wake(gpu);
	CHECK_EQ(end(&job), -EINTR);
	fixture_stop();
}

static void an_invalidation_wakes_whoever_waits(void)
{
	struct job job;

	CHECK(start());
	CHECK(begin(&job, &port, VA, false, 0));
	wait_for_vectors(1);
	CHECK(flush_vmid());		/* nothing there yet: no new fault either */
	ram[8 * PAGE] = 0x33;
	map(VA, RAM_PTE(8));
	CHECK(flush_vmid());
	CHECK_EQ(end(&job), 0);
	CHECK_EQ(job.byte, 0x33);
	CHECK_EQ(wptr(), 32);
	fixture_stop();
}

static void one_page_interrupts_once_for_all(void)
{
	struct vm_port ports[4];
	struct job jobs[4];

	CHECK(start());
	for (int i = 0; i < 4; i++) {
		ports[i] = port;
		CHECK(begin(&jobs[i], &ports[i], VA + i, true, 0x10 + i));
	}
	while (counted(gpu, "vm.retry_joined") < 3)
		sched_yield();
	map(VA, RAM_PTE(8));
	release(vector(0)[6]);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(end(&jobs[i]), 0);
		CHECK_EQ(ram[8 * PAGE + i], 0x10 + i);
	}
	CHECK_EQ(wptr(), 32);
	fixture_stop();
}

static void a_full_cam_only_delays(void)
{
	struct vm_port ports[4];
	struct job jobs[4];

	CHECK(start());
	reg_write(gpu, ih(regIH_RETRY_INT_CAM_CNTL), IH_RETRY_INT_CAM_CNTL__ENABLE_MASK | 0);
	for (int i = 0; i < 4; i++) {
		ports[i] = port;
		CHECK(begin(&jobs[i], &ports[i], VA + i * PAGE, true, 0x10 + i));
	}
	for (u32 n = 1; n <= 4; n++) {
		u32 page;

		wait_for_vectors(n);
		page = vector(n - 1)[4] - (u32)(VA >> 12);
		CHECK(page < 4);
		map(VA + page * PAGE, RAM_PTE(8 + page));
		release(vector(n - 1)[6]);
	}
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(end(&jobs[i]), 0);
		CHECK_EQ(ram[(8 + i) * PAGE], 0x10 + i);
	}
	CHECK_EQ(wptr(), 4 * 32);
	fixture_stop();
}

static void without_a_cam_each_retry_interrupts(void)
{
	struct job job;

	CHECK(start());
	reg_write(gpu, ih(regIH_RETRY_INT_CAM_CNTL), 9);
	CHECK(begin(&job, &port, VA, true, 0x42));
	wait_for_vectors(3);
	map(VA, RAM_PTE(8));
	CHECK_EQ(end(&job), 0);
	CHECK_EQ(ram[8 * PAGE], 0x42);
	fixture_stop();
}

static void without_retry_a_fault_is_final(void)
{
	u8 byte;

	CHECK(start());
	port.retry = false;
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	port.retry = true;
	setup_context(0, VMID, root | PTE_V, user_cntl() & ~RETRY, 0, VA_PAGE_MASK);
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	/* Beyond the bounds no page can appear. */
	setup_context(0, VMID, root | PTE_V, user_cntl(), 0, (VA >> 12) - 1);
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	CHECK_EQ(counted(gpu, "vm.retry_faults"), 0);
	fixture_stop();
}

/* ---- the TLB ---- */

static void a_translation_lives_until_it_is_invalidated(void)
{
	CHECK(start());
	ram[PAGE] = 1;
	ram[2 * PAGE] = 2;
	for (unsigned int engine = 0; engine < NUM_INVALIDATION_ENGINES; engine++) {
		map(VA, RAM_PTE(1));
		CHECK(flush_vmid());
		CHECK_EQ(peek(VA), 1);
		map(VA, RAM_PTE(2));
		CHECK_EQ(peek(VA), 1);
		/* Neither another VMID's nor another hub's nor half an invalidation. */
		CHECK(flush(0, engine, REQ_ALL | 1u << (VMID + 1)));
		CHECK(flush(1, engine, REQ_ALL | 1u << VMID));
		CHECK(flush(0, engine, (REQ_ALL | 1u << VMID) &
			    ~VM_INVALIDATE_ENG0_REQ__INVALIDATE_L1_PTES_MASK));
		CHECK_EQ(peek(VA), 1);
		CHECK(flush(0, engine, REQ_ALL | 1u << VMID));
		CHECK_EQ(peek(VA), 2);
	}
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

static void packets_and_l2_control_invalidate_too(void)
{
	const u32 all = VM_L2_CNTL2__INVALIDATE_ALL_L1_TLBS_MASK | VM_L2_CNTL2__INVALIDATE_L2_CACHE_MASK;

	CHECK(start());
	for (u8 i = 1; i < 8; i++)
		ram[i * PAGE] = i;
	map(VA, RAM_PTE(1));
	CHECK_EQ(peek(VA), 1);
	map(VA, RAM_PTE(2));
	vm_invalidate(gpu, 0, VMID);
	CHECK_EQ(peek(VA), 2);
	map(VA, RAM_PTE(3));
	vm_invalidate_pasid(gpu, PASID + 1);
	CHECK_EQ(peek(VA), 2);
	vm_invalidate_pasid(gpu, PASID);
	CHECK_EQ(peek(VA), 3);
	map(VA, RAM_PTE(4));
	reg_write(gpu, hub_base(0) + layout(0)->l2_cntl2, all);
	CHECK_EQ(peek(VA), 4);
	CHECK_EQ(reg_read(gpu, hub_base(0) + layout(0)->l2_cntl2) & all, 0);
	map(VA, RAM_PTE(5));
	vm_reset(gpu);
	CHECK_EQ(peek(VA), 5);
	fixture_stop();
}

static void invalid_entries_are_not_remembered(void)
{
	u8 byte;

	CHECK(start());
	port.retry = false;
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), -EFAULT);
	map(VA, RAM_PTE(1));
	CHECK_EQ(vm_read(&port, VMID, VA, &byte, 1), 0);
	fixture_stop();
}

static void the_semaphore_is_always_free(void)
{
	CHECK(start());
	for (unsigned int i = 0; i < NUM_INVALIDATION_ENGINES; i++)
		CHECK_EQ(reg_read(gpu, hub_base(MMHUB(0)) + mmhub_layout.engine0_sem + i) & 1, 1);
	fixture_stop();
}

static void a_use_of_a_page_that_is_gone_is_counted_at_once(void)
{
	CHECK(start());
	map(VA, RAM_PTE(1));
	ram[PAGE] = 9;
	CHECK_EQ(peek(VA), 9);
	CHECK_EQ(counted(gpu, "vm.stale_hits"), 0);
	map(VA, 0);
	CHECK_EQ(peek(VA), 9);		/* as hardware would */
	CHECK_EQ(counted(gpu, "vm.stale_hits"), 1);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

static void going_on_to_use_a_page_that_is_gone_is_a_verdict(void)
{
	CHECK(start());
	vm_set_stale_limit(gpu, 1000);
	map(VA, RAM_PTE(1));
	CHECK_EQ(peek(VA), 0);
	map(VA, 0);
	while (!verdicts(gpu, "stale-tlb"))
		peek(VA);
	/* Said once. */
	for (int i = 0; i < 1000; i++)
		peek(VA);
	CHECK_EQ(verdicts(gpu, "stale-tlb"), 1);
	fixture_stop();
}

static void a_single_late_use_is_a_verdict_since_the_auditor_saw_it(void)
{
	CHECK(start());
	vm_set_stale_limit(gpu, 1);
	map(VA, RAM_PTE(1));
	CHECK_EQ(peek(VA), 0);
	map(VA, RAM_PTE(2));
	vm_audit(gpu);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	peek(VA);
	CHECK_EQ(verdicts(gpu, "stale-tlb"), 1);
	fixture_stop();
}

static void an_invalidation_ends_all_suspicion(void)
{
	CHECK(start());
	vm_set_stale_limit(gpu, 1);
	map(VA, RAM_PTE(1));
	CHECK_EQ(peek(VA), 0);
	map(VA, RAM_PTE(2));
	vm_audit(gpu);
	CHECK(flush_vmid());
	for (int i = 0; i < 100; i++)
		peek(VA);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	CHECK_EQ(counted(gpu, "vm.stale_hits"), 0);
	fixture_stop();
}

static void a_page_that_came_back_is_no_longer_suspect(void)
{
	CHECK(start());
	vm_set_stale_limit(gpu, 1);
	map(VA, RAM_PTE(1));
	CHECK_EQ(peek(VA), 0);
	map(VA, 0);
	vm_audit(gpu);
	map(VA, RAM_PTE(1));
	vm_audit(gpu);
	peek(VA);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

static void only_a_use_of_what_was_lost_counts(void)
{
	u8 byte = 3;

	CHECK(start());
	vm_set_stale_limit(gpu, 1);
	map(VA, RAM_PTE(1));
	CHECK_EQ(vm_write(&port, VMID, VA, &byte, 1), 0);
	map(VA, (RAM_BASE + PAGE) | PTE_S | PTE_V | PTE_R);
	vm_audit(gpu);
	CHECK_EQ(peek(VA), 3);
	CHECK_EQ(counted(gpu, "vm.stale_hits"), 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	CHECK_EQ(vm_write(&port, VMID, VA, &byte, 1), 0);
	CHECK_EQ(verdicts(gpu, "stale-tlb"), 1);
	fixture_stop();
}

static void a_fragment_that_lies_is_found(void)
{
	const u64 frag = 4ull << PTE_FRAGMENT_SHIFT;

	CHECK(start());
	vm_set_stale_limit(gpu, 1);
	for (u64 i = 0; i < 16; i++)
		map(VA + i * PAGE, RAM_PTE(0x100 + i) | frag);
	map(VA + 7 * PAGE, RAM_PTE(0x200) | frag);	/* not contiguous */
	ram[0x107 * PAGE] = 1;
	ram[0x200 * PAGE] = 2;
	peek(VA);
	vm_audit(gpu);
	for (u64 i = 0; i < 16; i++)
		if (i != 7)
			peek(VA + i * PAGE);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	CHECK_EQ(peek(VA + 7 * PAGE), 1);	/* as hardware would */
	CHECK_EQ(verdicts(gpu, "stale-tlb"), 1);
	fixture_stop();
}

static void the_auditor_sees_every_page_of_large_entries(void)
{
	CHECK(start());
	vm_set_stale_limit(gpu, 1);
	/* Several entries of 512 pages, of which one page each goes. */
	for (u64 block = 0; block < 5; block++) {
		for (u64 i = 0; i < 512; i++)
			map(VA + (block * 512 + i) * PAGE,
			    RAM_PTE(0x200 * block + i) | 9ull << PTE_FRAGMENT_SHIFT);
		peek(VA + block * 512 * PAGE);
	}
	for (u64 block = 0; block < 5; block++)
		map(VA + (block * 512 + 100 * block + 3) * PAGE, 0);
	vm_audit(gpu);
	for (u64 block = 0; block < 5; block++)
		peek(VA + (block * 512 + 100 * block + 3) * PAGE);
	CHECK_EQ(verdicts(gpu, "stale-tlb"), 5);
	fixture_stop();
}

/* The tables that an entry came from may have become anything since. */
static void auditing_garbage_reports_nothing(void)
{
	CHECK(start());
	map(VA, RAM_PTE(1));
	peek(VA);
	for (u64 i = 0; i < PAGE; i += 8)
		set64(root + i, ~0ull & ~(u64)PDE_PTE);
	vm_audit(gpu);
	set64(root + (VA >> 39) * 8, 0xfffffffffffull << 12 | PTE_V);
	vm_audit(gpu);
	setup_context(0, VMID, 0, 0, 0, 0);
	vm_audit(gpu);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

/* Readers and writers against a driver that maps, unmaps and invalidates properly. */
struct storm {
	struct vm_port port;
	pthread_t thread;
	atomic_bool *quit;
	u64 seed;
	atomic_uint done;
};

static void *storm_engine(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(s->quit)) {
		u64 va, value;
		int r;

		s->seed = s->seed * 6364136223846793005ull + 1442695040888963407ull;
		va = VA + (s->seed >> 40) % 32 * PAGE + ((s->seed >> 33) & 0x1f8);
		r = s->seed >> 63 ? vm_read(&s->port, VMID, va, &value, 8) :
				    vm_write(&s->port, VMID, va, &s->seed, 8);
		if (r)
			break;
		atomic_fetch_add(&s->done, 1);
	}
	return NULL;
}

static bool storms_done(struct storm *storms, u32 want)
{
	for (int i = 0; i < 3; i++)
		if (atomic_load(&storms[i].done) < want)
			return false;
	return true;
}

static void a_correct_driver_under_load_is_never_blamed(void)
{
	struct storm storms[3];
	atomic_bool quit = false;
	u32 served = 0, total = 0;

	CHECK(start());
	vm_set_stale_limit(gpu, VM_STALE_LIMIT_NS);
	for (int i = 0; i < 3; i++) {
		storms[i].port = port;
		storms[i].quit = &quit;
		storms[i].seed = i * 977 + 1;
		atomic_init(&storms[i].done, 0);
		CHECK(!pthread_create(&storms[i].thread, NULL, storm_engine, &storms[i]));
	}
	while (!storms_done(storms, 2000)) {
		/* Serve what has come, at most a ring's worth. */
		u32 now = wptr() / 32;

		for (; served != now; served = (served + 1) & 127, total++) {
			const u32 *v = vector(served);
			u64 va = ((u64)v[4] | (u64)(v[5] & 15) << 32) << 12;

			CHECK(va >= VA && va < VA + 32 * PAGE);
			map(va, RAM_PTE(0x100 + (total * 7 & 63)));
			release(v[6]);
			reg_write(gpu, ih(regIH_RB_RPTR), ((served + 1) & 127) * 32);
		}
		/* Take some away again, properly, and let the engines run a little. */
		map(VA + (total++ & 31) * PAGE, 0);
		CHECK(flush_vmid());
		sched_yield();
	}
	atomic_store(&quit, true);
	for (int i = 0; i < 3; i++)
		atomic_store(&storms[i].port.stop, true);
	vm_wake(gpu);
	for (int i = 0; i < 3; i++)
		pthread_join(storms[i].thread, NULL);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	fixture_stop();
}

int main(void)
{
	CASE(the_fb_aperture_is_vram);
	CASE(the_agp_aperture_is_the_bus);
	CASE(the_gart_is_a_flat_table);
	CASE(an_address_of_nothing_is_a_final_fault);
	CASE(user_pages_are_in_ram_or_vram);
	CASE(addresses_may_be_sign_extended_but_not_longer);
	CASE(every_right_is_checked_on_every_access);
	CASE(what_precedes_the_fault_is_transferred);
	CASE(prt_pages_read_zero_and_drop_writes);
	CASE(atomics_reach_ram_and_vram);
	CASE(contexts_and_hubs_are_separate);
	CASE(memory_that_is_not_there_is_no_page_fault);
	CASE(a_final_fault_says_what_it_was);
	CASE(a_fault_of_the_multimedia_hub_is_its_own);
	CASE(the_first_fault_stays_until_cleared);
	CASE(masked_faults_do_not_interrupt);
	CASE(a_retry_fault_waits_for_the_driver);
	CASE(a_release_without_a_page_faults_again);
	CASE(answering_without_a_page_for_ever_is_a_verdict);
	CASE(the_no_retry_entry_ends_a_retry_fault);
	CASE(a_missing_right_can_be_retried);
	CASE(added_rights_need_an_invalidation);
	CASE(a_stopped_port_gives_up);
	CASE(an_invalidation_wakes_whoever_waits);
	CASE(one_page_interrupts_once_for_all);
	CASE(a_full_cam_only_delays);
	CASE(without_a_cam_each_retry_interrupts);
	CASE(without_retry_a_fault_is_final);
	CASE(a_translation_lives_until_it_is_invalidated);
	CASE(packets_and_l2_control_invalidate_too);
	CASE(invalid_entries_are_not_remembered);
	CASE(the_semaphore_is_always_free);
	CASE(a_use_of_a_page_that_is_gone_is_counted_at_once);
	CASE(going_on_to_use_a_page_that_is_gone_is_a_verdict);
	CASE(a_single_late_use_is_a_verdict_since_the_auditor_saw_it);
	CASE(an_invalidation_ends_all_suspicion);
	CASE(a_page_that_came_back_is_no_longer_suspect);
	CASE(only_a_use_of_what_was_lost_counts);
	CASE(a_fragment_that_lies_is_found);
	CASE(the_auditor_sees_every_page_of_large_entries);
	CASE(auditing_garbage_reports_nothing);
	CASE(a_correct_driver_under_load_is_never_blamed);
	return DONE();
}
