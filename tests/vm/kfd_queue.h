/* SPDX-License-Identifier: MIT */
/*
 * KFD as a program uses it: a process's compute VM, buffers, events, and user
 * queues of the SDMA engines and of the compute engines (AQL). Direct ioctls, no
 * library in between, so that tests and measurements see the driver and nothing
 * else.
 *
 * A queue is used by one thread at a time. Functions that can fail return 0 or a
 * negative error number.
 */
#ifndef TESTS_VM_KFD_QUEUE_H
#define TESTS_VM_KFD_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that the GPU reaches without a page fault, at the address that the CPU has. */
struct kfd_buffer {
	void *cpu;
	size_t size;
	uint64_t handle;
};

struct kfd {
	int fd;
	int drm;
	uint32_t gpu_id;
	uint32_t eop_size;
	uint32_t save_size;		/* context save area of one XCC */
	uint32_t stack_size;		/* the control stack within it */
	size_t save_total;		/* as the driver checks it: all XCCs, debugger's part */
	struct kfd_buffer event_page;
	uint32_t exception;		/* event of memory exceptions, 0: nobody watches */
	uint64_t exception_va;		/* the page that the GPU gave up on, 0: none */
};

/* KFD's name for the GPU of a render node, 0 if it has none. */
uint32_t kfd_gpu_id(unsigned int render_minor);
/* Opens the first GPU and turns its render node's VM into the process's compute VM. */
int kfd_open(struct kfd *kfd);
void kfd_close(struct kfd *kfd);
/* 1: a queue's page faults are retried. Only while the process has no queue. */
int kfd_set_xnack(struct kfd *kfd, int enabled);
int kfd_get_xnack(struct kfd *kfd);	/* 0, 1 or an error */

int kfd_buffer_alloc(struct kfd *kfd, struct kfd_buffer *buf, size_t size);
void kfd_buffer_free(struct kfd *kfd, struct kfd_buffer *buf);

/* The process's own memory, whole pages: page faults of the GPU do not move it to VRAM. */
int kfd_keep_in_system(struct kfd *kfd, void *mem, size_t size);

/*
 * From the first attribute on, page faults of the process are served by amdgpu's SVM
 * and no longer by KFD's, as long as they are retried.
 */
int kfd_svm_set(struct kfd *kfd, void *mem, size_t size, uint32_t attr, uint32_t value);
/* Sets what is the default anyway. */
int kfd_svm_opt_in(struct kfd *kfd);
/* Page faults that came to amdgpu's SVM, and those that came to KFD's. */
int64_t kfd_svm_faults(const struct kfd *kfd);
int64_t kfd_own_faults(const struct kfd *kfd);

/*
 * From now on waiting ends with -EFAULT if the GPU gave up on an access, whose page is in
 * @exception_va. KFD takes all queues of the process off the hardware then, for good.
 */
int kfd_watch_exceptions(struct kfd *kfd);
/* kfd_open(), XNACK on, opted in, and with exceptions watched. */
int kfd_open_on_our_svm(struct kfd *kfd);
/* Until there is an exception. */
int kfd_wait_exception(struct kfd *kfd, unsigned int seconds);

/* What the command processor knows of a completion signal. */
struct kfd_signal {
	int64_t kind;			/* 1: of a user */
	_Atomic int64_t value;
	uint64_t mailbox;		/* gets @event, then comes the interrupt; 0: none */
	uint32_t event;
	uint32_t reserved0;
	uint64_t start, end;
	uint64_t queue;
	uint64_t reserved1;
};

struct kfd_queue {
	struct kfd *kfd;
	bool aql;
	uint32_t id;
	uint32_t event;
	struct kfd_buffer ring;
	struct kfd_buffer control;	/* the struct kfd_control */
	struct kfd_buffer eop, save;	/* AQL only */
	void *bells;
	volatile uint64_t *doorbell;
	uint64_t wptr;			/* SDMA: bytes, AQL: packets */
	uint32_t jobs;			/* submitted */
};

/* What queue and program share besides the ring. */
struct kfd_control {
	_Alignas(64) _Atomic uint64_t read;
	_Alignas(64) _Atomic uint64_t write;
	_Alignas(64) _Atomic uint32_t fence;	/* number of the job that has ended */
	_Alignas(64) struct kfd_signal signal;	/* jobs that have not ended yet */
};

int kfd_sdma_open(struct kfd *kfd, struct kfd_queue *queue);
int kfd_aql_open(struct kfd *kfd, struct kfd_queue *queue);
int kfd_queue_close(struct kfd_queue *queue);

/* Packets, which run after kfd_queue_submit(). The ring must have room: more than
 * 1500 copies (500 AQL packets) in flight are a bug of the caller and abort. */
void kfd_sdma_copy(struct kfd_queue *queue, void *dst, const void *src, uint32_t bytes);
void kfd_sdma_fill(struct kfd_queue *queue, void *dst, uint32_t pattern, uint32_t bytes);

/* The kernel whose object (see emu/kernels.h) is at @object, in executable memory;
 * @object and @args stay as they are until the job has ended. */
void kfd_aql_dispatch(struct kfd_queue *queue, const void *object, const void *args,
		      uint32_t work_items);
/* Waits until all of up to five signals (@any: one of them) are at zero, then takes
 * one off @completion, which may be NULL. */
void kfd_aql_barrier(struct kfd_queue *queue, bool any, struct kfd_signal *const *signals,
		     unsigned int count, struct kfd_signal *completion);

/* What has been emitted since the last time is a job: starts it. */
void kfd_queue_submit(struct kfd_queue *queue);
/* For all jobs; sleeps until the GPU's interrupt. -ETIME after @seconds, the queue
 * is as good as hung then. */
int kfd_queue_wait(struct kfd_queue *queue, unsigned int seconds);
/* Submit and wait. */
int kfd_queue_run(struct kfd_queue *queue, unsigned int seconds);

#endif
