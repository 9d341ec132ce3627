/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The emulated GPU as its blocks see each other.
 *
 * One file is one hardware block; this header is everything that a block may
 * know about the others. A block keeps its state in a struct of its own, which
 * only its file defines, hanging off struct gpu.
 *
 * Threads. The transport thread serves the peer (QEMU): it decodes MMIO and
 * calls register hooks, and it must never wait for an engine. Every queue (an
 * SDMA ring, a mapped compute queue) runs on a thread of its own, reads its
 * ring through a vm_port and may sleep there on a retry fault. Interrupts are
 * raised from any thread.
 *
 * Locks, outermost first; each is private to its file, and no hook or callback
 * of another block is called with one held unless it is said here:
 *   queue lock -> vm (hub, TLB, CAM) lock -> ih lock -> memory map lock -> report lock
 *
 * Trust. Every address, size, register value and packet comes from a guest that
 * may be hostile: nothing it does may crash the emulator, make it read or
 * write outside its own objects, or make it allocate without bound.
 */
#ifndef EMU_GPU_H
#define EMU_GPU_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define GPU_PAGE_SHIFT 12
#define GPU_PAGE_SIZE (1ull << GPU_PAGE_SHIFT)

/* Limits of this model; an ASIC description stays within them. */
#define MAX_XCC 8
#define MAX_AID 4
#define MAX_SDMA 16
#define NUM_VMID 16

struct asic;		/* asic.h: what an ASIC is made of, as data */
struct memory;		/* memory.c */
struct regs;		/* regs.c */
struct vm;		/* vm.c: hubs, page-table walker, TLB */
struct ih;		/* ih.c: interrupt handler rings, retry CAM */
struct doorbells;	/* doorbell.c */
struct bells;		/* bell.c: which queues hear which doorbell */
struct sdma;		/* sdma.c */
struct cp;		/* cp.c */
struct report;		/* report.c */
struct transport;	/* vfio_user.c */
struct chaos;		/* chaos.c */

struct gpu {
	const struct asic *asic;
	unsigned int num_xcc;
	unsigned int num_aid;
	unsigned int num_sdma;
	u64 vram_size;		/* bytes, a multiple of 2 MiB */

	struct report *report;
	struct memory *memory;
	struct regs *regs;
	struct doorbells *doorbells;
	struct bells *bells;	/* made by sdma_init, the first engine */
	struct vm *vm;
	struct ih *ih;
	struct sdma *sdma;
	struct cp *cp;
	struct transport *transport;
	struct chaos *chaos;	/* NULL: none selected */
};

/*
 * Life cycle: main.c makes the blocks in this order and destroys them in the
 * reverse one. X_init() returns 0 or -errno after saying why on stderr; on
 * failure it leaves gpu->X NULL. X_fini() accepts NULL. X_reset() is the PCI
 * function reset (also vfio-user DEVICE_RESET): power-on state, queues stopped
 * and their threads joined, VRAM contents kept.
 */
int report_init(struct gpu *gpu, const char *path);
void report_fini(struct gpu *gpu);
int memory_init(struct gpu *gpu);
void memory_fini(struct gpu *gpu);
int regs_init(struct gpu *gpu);
void regs_fini(struct gpu *gpu);
void regs_reset(struct gpu *gpu);
int doorbells_init(struct gpu *gpu);
void doorbells_fini(struct gpu *gpu);
void doorbells_reset(struct gpu *gpu);
int vm_init(struct gpu *gpu);
void vm_fini(struct gpu *gpu);
void vm_reset(struct gpu *gpu);
int ih_init(struct gpu *gpu);
void ih_fini(struct gpu *gpu);
void ih_reset(struct gpu *gpu);
int nbio_init(struct gpu *gpu);		/* hooks only, no state of its own */
int rlc_init(struct gpu *gpu);		/* hooks only: RLC, GRBM, SMUIO and other presets */
int sdma_init(struct gpu *gpu);
void sdma_fini(struct gpu *gpu);
void sdma_reset(struct gpu *gpu);
int cp_init(struct gpu *gpu);
void cp_fini(struct gpu *gpu);
void cp_reset(struct gpu *gpu);
/* gpu.c: all of the above for one device; also what the tests call. */
struct gpu_config {
	const char *asic;	/* "mi300x" */
	u64 vram_size;		/* 0: the ASIC's default for emulation */
	unsigned int num_xcc;	/* 0: 1 */
	const char *report;	/* path, or NULL for none */
	const char *trace;	/* comma list of trace classes, or NULL */
	const char *chaos;	/* comma list of chaos options, or NULL */
};
struct gpu *gpu_new(const struct gpu_config *config);
void gpu_free(struct gpu *gpu);
void gpu_reset(struct gpu *gpu);

/* ---- report.c: what a run found ---------------------------------------- */

enum trace_class { TRACE_VFIO, TRACE_REG, TRACE_VM, TRACE_IH, TRACE_SDMA, TRACE_CP, TRACE_MEM, NUM_TRACE };

/*
 * A verdict is something that hardware would not have forgiven, or would have
 * forgiven and corrupted memory: a run with one has failed. @kind is a stable
 * short name ("stale-tlb", "dma-outside-ram"); equal kinds are counted, the
 * first 100 texts are kept. Thread-safe, callable with any lock held.
 */
void verdict(struct gpu *gpu, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Listed once per distinct register / packet with a count; not a verdict. */
void unknown_register(struct gpu *gpu, u32 reg, bool write, u32 value);
void unknown_packet(struct gpu *gpu, const char *engine, u32 header);
/* Named 64-bit counters ("vm.retry_faults"), shown in the report. @name must
 * be a string literal or live as long as the report. */
void count(struct gpu *gpu, const char *name, u64 n);
u64 counted(struct gpu *gpu, const char *name);
u64 verdicts(struct gpu *gpu, const char *kind);	/* NULL: all kinds */
int trace_select(struct gpu *gpu, const char *list);	/* -EINVAL on an unknown class */
bool tracing(const struct gpu *gpu, enum trace_class class);
void trace_print(struct gpu *gpu, enum trace_class class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define trace(gpu, class, ...) \
	do { if (tracing(gpu, class)) trace_print(gpu, class, __VA_ARGS__); } while (0)
/* Rewrites the report file (atomically: temporary file and rename). Called at
 * exit, at reset and on SIGUSR1. Plain text, one "key: value" a line, sections
 * "verdicts:", "unknown registers:", "unknown packets:", "counters:".
 * -errno after saying why on stderr. */
int report_write(struct gpu *gpu);

/* ---- memory.c: VRAM and the guest's RAM -------------------------------- */

/* The memfd behind BAR0; transport passes it to the peer. */
int memory_vram_fd(const struct gpu *gpu);
/* DMA windows of the guest. Windows without a file (fd < 0) are remembered as
 * holes that DMA must not touch. -EEXIST on overlap, -EINVAL on bad bounds. */
int memory_map_window(struct gpu *gpu, u64 iova, u64 size, int fd, u64 offset, bool writable);
int memory_unmap_window(struct gpu *gpu, u64 iova, u64 size);
void memory_unmap_all(struct gpu *gpu);
/*
 * Bus (DMA) and VRAM access. An access that is not wholly inside one or more
 * adjacent windows (or inside VRAM) transfers nothing, reports the verdict
 * "dma-outside-ram" ("vram-out-of-range"), zeroes @buf on reads, and returns
 * false. Naturally aligned 4 and 8 byte accesses are single copies; stores are
 * releases and loads acquires, so that a fence write is seen after what it
 * fences.
 */
bool bus_read(struct gpu *gpu, u64 addr, void *buf, size_t len);
bool bus_write(struct gpu *gpu, u64 addr, const void *buf, size_t len);
bool vram_read(struct gpu *gpu, u64 offset, void *buf, size_t len);
bool vram_write(struct gpu *gpu, u64 offset, const void *buf, size_t len);
/* Atomic read-modify-write of @size (4 or 8) bytes, naturally aligned: @op maps
 * the old value to the new one and is called until it sticks. Returns the old
 * value in @old. */
typedef u64 (*atomic_op)(u64 old, const void *arg);
bool bus_atomic(struct gpu *gpu, u64 addr, size_t size, atomic_op op, const void *arg, u64 *old);
bool vram_atomic(struct gpu *gpu, u64 offset, size_t size, atomic_op op, const void *arg, u64 *old);

/* ---- vfio_user.c, pci.c: the peer -------------------------------------- */

/* Listens on @path, serves one peer after another until told to stop (SIGTERM,
 * SIGINT) or, with @once, until the first peer is gone. */
int transport_run(struct gpu *gpu, const char *path, bool once);
/* Signals the one MSI vector, if the guest has it enabled. Any thread. */
void msi_raise(struct gpu *gpu);

/* ---- regs.c: the register file ------------------------------------------ */

/*
 * Registers are named by their absolute dword index, as discovery's base
 * addresses plus the offsets of the kernel's asic_reg headers make it:
 *     REG(gpu, HW_GC, xcc, regCP_MQD_CONTROL)
 * Beware: the GC and MMHUB headers give the same names other offsets; a file that
 * includes both must take the constants of the first before the second.
 * A register that some block's header names reads back what was written unless
 * it has a hook. Any other is an unknown register: reported, reads 0.
 */
enum hw { HW_NBIO, HW_HDP, HW_MMHUB, HW_ATHUB, HW_OSSSYS, HW_SMUIO, HW_MP0, HW_MP1, HW_THM, HW_DF, HW_UMC, HW_VCN, HW_GC, HW_SDMA, NUM_HW };
u32 reg_base(const struct gpu *gpu, enum hw hw, unsigned int inst, unsigned int segment);
#define REG(gpu, hw, inst, name) \
	(reg_base(gpu, hw, inst, name##_BASE_IDX) + (u32)(name))

typedef u32 (*reg_read_fn)(struct gpu *gpu, void *ctx, u32 reg, u32 stored);
/* A write hook stores by itself, with reg_store(), if it wants to. */
typedef void (*reg_write_fn)(struct gpu *gpu, void *ctx, u32 reg, u32 value);
/* Either function may be NULL. @count consecutive registers share the hook. Only
 * during init. Hooks run without any lock, on the accessing thread. */
void reg_hook(struct gpu *gpu, u32 reg, u32 count, reg_read_fn read, reg_write_fn write, void *ctx);
void reg_preset(struct gpu *gpu, u32 reg, u32 value);	/* value after reset */
u32 reg_load(struct gpu *gpu, u32 reg);			/* storage only, no hook */
void reg_store(struct gpu *gpu, u32 reg, u32 value);
u32 reg_read(struct gpu *gpu, u32 reg);			/* as the bus or an engine sees it */
void reg_write(struct gpu *gpu, u32 reg, u32 value);
const char *reg_name(const struct gpu *gpu, u32 reg);	/* "GC0.CP_MQD_CONTROL" or "?" ; static or per-thread buffer */

/* BAR5 and BAR2 accesses of the peer: @offset, @len in bytes (1..8). nbio.c
 * turns BAR5 into register indices and its own index/data pairs. */
void mmio_read(struct gpu *gpu, u64 offset, void *buf, size_t len);
void mmio_write(struct gpu *gpu, u64 offset, const void *buf, size_t len);

/* ---- doorbell.c ----------------------------------------------------------- */

/* @index in dwords from the start of BAR2, @value of @size 4 or 8 bytes. Runs
 * on the transport thread: note the value, wake the queue, return. */
typedef void (*doorbell_fn)(struct gpu *gpu, void *ctx, u32 index, u64 value, unsigned int size);
int doorbell_claim(struct gpu *gpu, u32 index, u32 count, doorbell_fn fn, void *ctx); /* -EBUSY if taken */
/* Waits for a call of the claim that is under way: the caller holds no lock that
 * the callback takes, and is not the callback itself. */
void doorbell_release(struct gpu *gpu, u32 index, u32 count);
/* An unclaimed doorbell is the verdict "doorbell-unmapped". */
void doorbell_write(struct gpu *gpu, u64 offset, const void *buf, size_t len);
void doorbell_read(struct gpu *gpu, u64 offset, void *buf, size_t len);	/* last value written */

/* ---- vm.c, walker.c, tlb.c: address translation ------------------------------ */

/* Hubs are numbered: gfxhub of XCC i is i, mmhub of AID i is MMHUB(i). */
#define MMHUB(aid) (MAX_XCC + (aid))
#define NUM_HUB (MAX_XCC + MAX_AID)

/*
 * One client of a hub: an engine's or a queue's view of memory. @stop is polled
 * while a fault waits and set by whoever tears the queue down, who then calls
 * vm_wake().
 */
struct vm_port {
	struct gpu *gpu;
	unsigned int hub;
	u16 client_id;		/* IH client of its faults, SOC15_IH_CLIENTID_* */
	u8 node_id;		/* IH node */
	u8 ring_id;
	u32 cid;		/* CID in VM_L2_PROTECTION_FAULT_STATUS */
	bool retry;		/* the engine can retry a fault (XNACK) */
	const char *name;	/* for reports: "sdma0", "mec0.1.0" */
	atomic_bool stop;
};

/*
 * Access @len bytes at virtual address @va of @vmid, page by page, with
 * permission checks. VMID 0 is the system context (FB, AGP, GART apertures).
 * A missing translation or right raises the fault interrupt: a retry fault
 * (retry enabled in the VMID's context, in the port, and not refused by the
 * no-retry PTE) sleeps until the driver has answered and then walks again; any
 * other fault is final.
 * Returns 0; -EFAULT after a final fault (what came before the faulting page
 * was transferred, reads are zeroed from there); -EINTR when stopped.
 * PRT pages read zero and drop writes.
 */
int vm_read(struct vm_port *port, unsigned int vmid, u64 va, void *buf, size_t len);
int vm_write(struct vm_port *port, unsigned int vmid, u64 va, const void *buf, size_t len);
int vm_atomic(struct vm_port *port, unsigned int vmid, u64 va, size_t size, atomic_op op, const void *arg, u64 *old);
/* Instruction fetch: checks X as well. */
int vm_fetch(struct vm_port *port, unsigned int vmid, u64 va, void *buf, size_t len);
void vm_wake(struct gpu *gpu);		/* all ports look at ->stop again */
void vm_pause(struct vm_port *port, unsigned int us);	/* or until the port is stopped */
void vm_retry_release(struct gpu *gpu, u32 cam_index);	/* called by ih.c on the CAM doorbell */
/* Invalidation by packet (INVALIDATE_TLBS): all translations of @vmid, or of
 * @pasid where @vmid is 0, in one hub. */
void vm_invalidate(struct gpu *gpu, unsigned int hub, unsigned int vmid);
void vm_invalidate_pasid(struct gpu *gpu, u16 pasid);

/* ---- ih.c ------------------------------------------------------------------- */

struct ih_vector {
	u16 client_id;
	u8 source_id;
	u8 ring_id;
	u8 vmid;
	u8 vmid_type;		/* 0 gfxhub, 1 mmhub */
	u16 pasid;
	u8 node_id;
	u32 src_data[4];
	u64 stamp;		/* 0: the time of ih_raise() */
};
/* Puts a vector into ring 0 (or 1 for retry faults when the driver routes them
 * so), stamps it, raises MSI as the ring's registers say. */
void ih_raise(struct gpu *gpu, const struct ih_vector *vector);
/* PASID of a VMID as IH_VMID_n_LUT(_MM) has it. */
u16 ih_pasid(struct gpu *gpu, unsigned int hub, unsigned int vmid);
/* As the user queue scheduler's firmware does, past the driver's index register. */
void ih_set_pasid(struct gpu *gpu, unsigned int hub, unsigned int vmid, u16 pasid);
/*
 * Retry CAM: -1 when full, else the index to put into src_data[2]; *@fresh
 * says whether this (hub, vmid, page) is new, i.e. an interrupt is due. The
 * entry lives until the driver rings the CAM doorbell with the index, on
 * which ih.c calls vm_retry_release().
 */
int ih_cam_insert(struct gpu *gpu, unsigned int hub, unsigned int vmid, u64 va, bool *fresh);
/* One more entry for a page that may have one; -1 when the CAM is full or off. */
int ih_cam_insert_again(struct gpu *gpu, unsigned int hub, unsigned int vmid, u64 va);
u64 ih_clock(void);	/* what vectors are stamped with */

/* Node ids: AID k is 4k, XCD x is 1 + (x / 2) * 4 + (x & 1). */
static inline u8 node_of_aid(unsigned int aid)
{
	return (u8)(aid * 4);
}

static inline u8 node_of_xcc(unsigned int xcc)
{
	return (u8)(1 + (xcc / 2) * 4 + (xcc & 1));
}

/* ---- chaos.c: what hardware may do and rarely does ------------------------------- */

enum chaos_option {
	CHAOS_DELAY, CHAOS_SLOW_ENGINE, CHAOS_DUP_FAULT, CHAOS_LATE_FAULT, CHAOS_IH_PRESSURE,
	CHAOS_TLB_PREFETCH, NUM_CHAOS
};

/* Before chaos_init(): a comma list of options and seed=N; -EINVAL, after saying
 * why, on anything else. */
int chaos_select(struct gpu *gpu, const char *list);
int chaos_init(struct gpu *gpu);
void chaos_fini(struct gpu *gpu);
void chaos_reset(struct gpu *gpu);
/* The list in full, as chaos_select() takes it. */
void chaos_describe(const struct gpu *gpu, char *text, size_t size);

/* The hooks below need gpu->chaos. A site is named as long as the program runs or
 * as the caller does: a queue, a ring, a hub. */
bool chaos_selected(const struct gpu *gpu, enum chaos_option option);
bool chaos_decides(struct gpu *gpu, enum chaos_option option, const char *site, u64 one_in);
u64 chaos_pick(struct gpu *gpu, enum chaos_option option, const char *site, u64 range);
void chaos_pause_packet(struct vm_port *port, bool slow);
void chaos_pause_page(struct vm_port *port);
/* A retry fault at @va of which @vector has been raised; maybe raises it again. */
void chaos_duplicate_fault(struct vm_port *port, u64 va, const struct ih_vector *vector);
/* Maybe keeps it in @kept (true) for being late: chaos_late_fault() once it is resolved. */
bool chaos_keep_fault(struct vm_port *port, const struct ih_vector *vector,
		      struct ih_vector *kept);
void chaos_late_fault(struct vm_port *port, u64 va, const struct ih_vector *vector);

/* @slow: a packet that slow-engine may hold up. */
static inline void chaos_packet(struct vm_port *port, bool slow)
{
	if (port->gpu->chaos)
		chaos_pause_packet(port, slow);
}

static inline void chaos_page(struct vm_port *port)
{
	if (port->gpu->chaos)
		chaos_pause_page(port);
}

static inline bool chaos(struct gpu *gpu, enum chaos_option option, const char *site, u64 one_in)
{
	return gpu->chaos && chaos_decides(gpu, option, site, one_in);
}

/* ---- asic.c, discovery.c, firmware.c -------------------------------------------- */

const struct asic *asic_find(const char *name);
/* The IP discovery binary, written by memory/regs init into the top 64 KiB of
 * VRAM; returns its size. */
size_t discovery_build(const struct gpu *gpu, void *buf, size_t size);
/* Stub firmware files that the driver asks for: DIR/amdgpu/NAME.bin. */
int firmware_write(const char *asic, const char *dir);

#endif
