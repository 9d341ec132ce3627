/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue: a ring of packets in GPU memory and the thread that executes them.
 * SDMA rings, MEC queues and their user-mode kin are all of this kind; what a
 * packet means is the engine's business.
 *
 * States. A queue is off, running or stopping. queue_start() and queue_stop()
 * never wait; they may be called from a register hook on the transport thread.
 * Stopping takes effect at the next packet boundary or as soon as a memory
 * access that waits for a fault gives up; then ->parked() tells the engine, on
 * the queue's thread. A start that comes while the queue is still stopping
 * takes effect when it has parked.
 *
 * A queue that meets something it cannot execute is halted: it stays running
 * for the outside, as a hung engine does, and does nothing until it is stopped.
 *
 * Units. Positions are dwords. They count up and are not reduced modulo the
 * ring's size; an engine that shows them otherwise converts.
 */
#ifndef EMU_QUEUE_H
#define EMU_QUEUE_H

#include <pthread.h>

#include "gpu.h"

#define QUEUE_NAME_LEN 24
#define STREAM_CACHE 64			/* dwords fetched ahead, never across a page */
#define QUEUE_SCRATCH (64u << 10)	/* bytes: a PM4 packet's body, a piece of a copy */
#define MAX_IB_DEPTH 3

struct queue;

/* Where packets come from: the ring (depth 0) or an indirect buffer. */
struct stream {
	struct queue *queue;
	unsigned int vmid;
	unsigned int depth;
	bool privileged;	/* may touch any register */
	u64 base;
	u64 size;		/* dwords; of a ring a power of two */
	u64 pos;
	u64 end;
	u64 cache_pos;
	u32 cache_len;
	u32 cache[STREAM_CACHE];
};

/*
 * Where an interrupted queue goes on. Hardware keeps as much in its context
 * registers. Deeper indirect buffers are started again.
 */
struct resume {
	u64 ib_addr;
	u32 ib_size;		/* 0: not inside an indirect buffer */
	u32 ib_pos;
	u64 done;		/* of the current packet: bytes, or work-items */
	u32 phase;		/* of the current packet, as its engine counts */
};

struct queue_config {
	u64 base;
	u64 size;		/* dwords, a power of two */
	unsigned int vmid;
	bool privileged;
	bool keep_rptr;		/* go on where the queue parks or parked, ignore rptr */
	u64 rptr;
	bool rptr_wraps;	/* only rptr modulo size is known, wptr says the rest */
	bool set_wptr;
	u64 wptr;
	/* A write pointer never goes back, and may be too far ahead: AQL's is what
	 * somebody has reserved, and several may ring out of order. */
	bool monotonic;
	u64 wptr_addr;		/* read once when the queue starts, 0: not */
	u64 poll_addr;		/* polled for new work, 0: not */
	struct resume resume;
};

/*
 * packet() executes the packet at the stream's position and leaves the position
 * behind it. Returns 0; -EINTR when stopped (the packet will be executed again);
 * -EAGAIN to be called again when the queue is kicked or resumed; anything else,
 * after saying why, halts the queue.
 */
struct queue_ops {
	int (*packet)(struct queue *queue, struct stream *stream);
	/* Show the read position in memory. Called between packets. */
	void (*report)(struct queue *queue, u64 rptr);
	/* Convert what memory or a register gives to dwords. */
	u64 (*wptr)(struct queue *queue, u64 raw);
	/* The same for a doorbell; NULL: it gives the same. */
	u64 (*doorbell)(struct queue *queue, u64 raw);
	/* Called between packets while the queue has set idle_us, as often as that says
	 * and at other times. */
	void (*idle)(struct queue *queue);
	/* The queue is about to be off. Its position and resume state are final. */
	void (*parked)(struct queue *queue);
};

enum queue_state { QUEUE_OFF, QUEUE_RUNNING, QUEUE_STOPPING };

struct queue {
	struct gpu *gpu;
	const struct queue_ops *ops;
	char name[QUEUE_NAME_LEN];
	struct vm_port port;
	enum trace_class trace;

	pthread_mutex_t lock;	/* all of the following but what is atomic */
	pthread_cond_t cond;
	pthread_t thread;
	bool has_thread;
	bool quit;
	enum queue_state state;
	bool start_pending;
	bool halted;
	bool paused;
	bool busy;
	bool kicked;
	struct queue_config next;

	/* The queue thread's own while it is not off. */
	struct queue_config config;
	struct resume resume;
	u64 reported;
	unsigned int idle_us;	/* 0: ->idle() need not be called */
	u8 *scratch;

	atomic_bool monotonic;
	atomic_ullong rptr;
	atomic_ullong wptr;
};

int queue_init(struct queue *queue, struct gpu *gpu, const struct queue_ops *ops,
	       enum trace_class trace, const char *name);
void queue_fini(struct queue *queue);	/* stops and joins; accepts a zeroed queue */

void queue_start(struct queue *queue, const struct queue_config *config);
void queue_stop(struct queue *queue);
/* Not from the transport thread, except during reset. @by, if not NULL, is the
 * queue whose packet waits: its being stopped ends the wait with -EINTR. */
int queue_wait_off(struct queue *queue, struct queue *by);
void queue_pause(struct queue *queue, bool paused);
void queue_kick(struct queue *queue);
/* @raw as a register, or a doorbell, gives it. */
void queue_set_wptr(struct queue *queue, u64 raw);
void queue_ring_doorbell(struct queue *queue, u64 raw);
bool queue_is_off(struct queue *queue);
bool queue_is_idle(struct queue *queue);	/* off, or nothing left to do */
bool queue_is_executing(struct queue *queue);	/* inside a packet, or hung on one */

static inline bool queue_stopping(struct queue *queue)
{
	return atomic_load(&queue->port.stop);
}

/* Before each packet. */
static inline void queue_chaos(const struct stream *stream)
{
	struct queue *queue = stream->queue;

	chaos_packet(&queue->port, queue->trace == TRACE_SDMA &&
		     (stream->depth || !stream->privileged));
}

/* For the engines' packet(): */

/*
 * The next @n dwords. A packet that ends behind the write pointer or the
 * indirect buffer is the verdict "ring-overrun" (-ENODATA); a fault on the
 * way is -EFAULT.
 */
int stream_read(struct stream *stream, u32 *dw, u64 n);
int stream_skip(struct stream *stream, u64 n);
/* Passes over dwords that are @filler, of which there are many where the driver
 * aligns what it submits. */
void stream_skip_filler(struct stream *stream, u32 filler);
/* Executes an indirect buffer of @size dwords to its end. */
int queue_run_ib(struct stream *parent, u64 addr, u64 size, unsigned int vmid, bool privileged);
/* The verdict "bad-packet"; returns -EPROTO. */
int queue_bad_packet(struct stream *stream, u32 header, const char *why);
/* Sleeps @us or until the queue is stopped (-EINTR) or kicked. */
int queue_sleep(struct queue *queue, unsigned int us);

/*
 * Memory as packets see it: a final fault has been reported by the translation
 * and costs the rest of the transfer, not the queue; only -EINTR comes back.
 */
int queue_read(struct stream *stream, u64 va, void *buf, size_t len);
int queue_write(struct stream *stream, u64 va, const void *buf, size_t len);
int queue_copy(struct stream *stream, u64 dst, u64 src, u64 len);
/* @pattern is repeated; @size is 1, 2 or 4. */
int queue_fill(struct stream *stream, u64 dst, u32 pattern, unsigned int size, u64 len);
/* A TC atomic as SDMA ATOMIC and PM4 ATOMIC_MEM encode it; -EPROTO if unknown. */
int queue_atomic(struct stream *stream, unsigned int op, u64 va, u64 src, u64 cmp, u64 *old);
bool atomic_is_64(unsigned int op);
bool atomic_is_known(unsigned int op);

/* (@value & @mask) compared with @ref as WAIT_REG_MEM and POLL_REGMEM number it. */
bool wait_satisfied(unsigned int function, u32 value, u32 mask, u32 ref);

u64 gpu_clock(void);			/* the 100 MHz reference clock */

/* bell.c: which queues a doorbell wakes */
int bells_init(struct gpu *gpu);
void bells_fini(struct gpu *gpu);
void bells_reset(struct gpu *gpu);
int bell_attach(struct gpu *gpu, u32 index, struct queue *queue);
void bell_detach(struct gpu *gpu, u32 index, struct queue *queue);

#endif
