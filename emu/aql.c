// SPDX-License-Identifier: GPL-2.0-only
/*
 * AQL: the packets of the compute queues of HSA programs.
 *
 * The ring consists of slots of 64 bytes. A slot whose type is INVALID has not been
 * written yet, whatever the doorbell says: the queue waits for the next ring. After
 * a packet its completion signal goes down by one, the waiting host is told if the
 * signal names an event, the slot becomes INVALID, and the read index moves on.
 *
 * Packets run one after the other and see all of memory: barrier bits and fence
 * scopes have nothing left to do. Signals get no time stamps. In a partition of
 * several XCCs the first one runs all of a queue's packets; hardware deals out the
 * workgroups.
 *
 * A packet may be interrupted anywhere by the scheduler. How far it has come is in
 * the queue's resume state, so that nothing is done twice.
 */
#include <errno.h>
#include <string.h>

#include "cp.h"

enum {
	TYPE_VENDOR, TYPE_INVALID, TYPE_DISPATCH, TYPE_BARRIER_AND, TYPE_AGENT_DISPATCH,
	TYPE_BARRIER_OR,
};

enum { VENDOR_PM4_IB = 1, VENDOR_BARRIER_VALUE = 2 };

/* What of a packet has been done. */
enum { PHASE_EXECUTE, PHASE_SIGNAL, PHASE_NOTIFY, PHASE_RETIRE };

#define PM4_INDIRECT_BUFFER 0xc0023f00u
#define PM4_IB_REMAINING 10u	/* dwords of the packet behind the PM4 in it */
#define NUM_DEPENDENCIES 5
#define SIGNAL_BYTES 64
#define SIGNAL_VALUE 8
#define SIGNAL_MAILBOX 16	/* 64-bit address, then 32 bits of event number */
#define COMPLETION_DWORD 14

#define POLL_MIN_US 10
#define POLL_MAX_US 500

static u64 slot_va(const struct stream *s)
{
	return s->base + 4 * (s->pos & (s->size - 1));
}

static int bad(struct aql *a, const char *why)
{
	cp_interrupt(a->hqd, CP_INT_BAD_OPCODE, a->s->vmid, 0);
	return queue_bad_packet(a->s, a->dw[0], why);
}

static u64 addr_at(const struct aql *a, unsigned int dword)
{
	return a->dw[dword] | (u64)a->dw[dword + 1] << 32;
}

static bool valid_signal(u64 signal)
{
	return !(signal & (SIGNAL_BYTES - 1));
}

/* ---- barriers ---- */

typedef int (*condition)(struct aql *a, bool *met);

static int wait_for(struct aql *a, condition condition)
{
	unsigned int us = POLL_MIN_US;

	for (;;) {
		bool met = false;
		int ret = condition(a, &met);

		if (ret || met)
			return ret;
		ret = queue_sleep(a->s->queue, us);
		if (ret)
			return ret;
		us = us < POLL_MAX_US ? us * 2 : us;
	}
}

static int signal_value(struct aql *a, u64 signal, s64 *value)
{
	return vm_read(&a->s->queue->port, a->s->vmid, signal + SIGNAL_VALUE, value, 8);
}

/* Counts the dependencies that there are and those that are at zero. */
static int look_at_dependencies(struct aql *a, unsigned int *num, unsigned int *at_zero)
{
	*num = 0;
	*at_zero = 0;
	for (unsigned int i = 0; i < NUM_DEPENDENCIES; i++) {
		u64 signal = addr_at(a, 2 + 2 * i);
		s64 value;
		int ret;

		if (!signal)
			continue;
		ret = signal_value(a, signal, &value);
		if (ret)
			return ret;
		*num += 1;
		*at_zero += !value;
	}
	return 0;
}

static int all_at_zero(struct aql *a, bool *met)
{
	unsigned int num, at_zero;
	int ret = look_at_dependencies(a, &num, &at_zero);

	*met = at_zero == num;
	return ret;
}

/* A packet without dependencies waits for nothing. */
static int any_at_zero(struct aql *a, bool *met)
{
	unsigned int num, at_zero;
	int ret = look_at_dependencies(a, &num, &at_zero);

	*met = at_zero || !num;
	return ret;
}

static int run_barrier(struct aql *a, condition condition)
{
	for (unsigned int i = 0; i < NUM_DEPENDENCIES; i++)
		if (!valid_signal(addr_at(a, 2 + 2 * i)))
			return bad(a, "dependency is not aligned");
	return wait_for(a, condition);
}

/* ---- vendor packets ---- */

static int value_condition(struct aql *a, bool *met)
{
	enum { EQUAL, NOT_EQUAL, LESS, NOT_LESS };
	s64 wanted = (s64)addr_at(a, 4);
	s64 value;
	int ret = signal_value(a, addr_at(a, 2), &value);

	value &= (s64)addr_at(a, 6);
	switch (a->dw[8]) {
	case EQUAL:
		*met = value == wanted;
		break;
	case NOT_EQUAL:
		*met = value != wanted;
		break;
	case LESS:
		*met = value < wanted;
		break;
	case NOT_LESS:
		*met = value >= wanted;
		break;
	}
	return ret;
}

static int run_barrier_value(struct aql *a)
{
	u64 signal = addr_at(a, 2);

	if (!signal || !valid_signal(signal) || a->dw[8] > 3)
		return bad(a, "unsupported barrier");
	return wait_for(a, value_condition);
}

/* A PM4 packet within the AQL packet: an indirect buffer is the only one allowed. */
static int run_pm4(struct aql *a)
{
	u64 addr = addr_at(a, 2);

	if (a->dw[1] != PM4_INDIRECT_BUFFER || a->dw[5] != PM4_IB_REMAINING || addr & 3)
		return bad(a, "unsupported PM4");
	return queue_run_ib(a->s, addr, a->dw[4] & 0xfffff, a->s->vmid, false);
}

static int run_vendor(struct aql *a)
{
	switch (a->dw[0] >> 16 & 0xff) {
	case VENDOR_PM4_IB:
		return run_pm4(a);
	case VENDOR_BARRIER_VALUE:
		return run_barrier_value(a);
	}
	return bad(a, "unknown vendor packet");
}

/* ---- completion ---- */

/* @mailbox: where the number of @event goes, 0 if nobody is to be told. */
static int read_event(struct aql *a, u64 signal, u64 *mailbox, u32 *event)
{
	u32 dw[3];
	int ret = vm_read(&a->s->queue->port, a->s->vmid, signal + SIGNAL_MAILBOX, dw, sizeof(dw));

	*mailbox = ret ? 0 : dw[0] | (u64)dw[1] << 32;
	*event = ret ? 0 : dw[2];
	return ret;
}

static u64 less_one(u64 old, const void *arg)
{
	(void)arg;
	return old - 1;
}

static int notify(struct aql *a, u64 mailbox, u32 event)
{
	u64 value = event;
	int ret;

	if (!mailbox)
		return 0;
	ret = vm_write(&a->s->queue->port, a->s->vmid, mailbox & ~7ull, &value, sizeof(value));
	if (!ret)
		cp_interrupt(a->hqd, CP_INT_EOP, a->s->vmid, event);
	return ret;
}

/* The event is read first: a signal that has gone down may be gone itself. */
static int complete(struct aql *a)
{
	struct resume *resume = &a->s->queue->resume;
	u64 signal = addr_at(a, COMPLETION_DWORD);
	u64 mailbox, old;
	u32 event;
	int ret;

	if (!signal || resume->phase > PHASE_NOTIFY)
		return 0;
	ret = read_event(a, signal, &mailbox, &event);
	if (!ret && resume->phase == PHASE_SIGNAL) {
		ret = vm_atomic(&a->s->queue->port, a->s->vmid, signal + SIGNAL_VALUE, 8, less_one,
				NULL, &old);
		if (!ret)
			resume->phase = PHASE_NOTIFY;
	}
	if (!ret)
		ret = notify(a, mailbox, event);
	return ret;
}

static int execute(struct aql *a)
{
	switch (a->dw[0] & 0xff) {
	case TYPE_VENDOR:
		return run_vendor(a);
	case TYPE_DISPATCH:
		return dispatch_run(a);
	case TYPE_BARRIER_AND:
		return run_barrier(a, all_at_zero);
	case TYPE_BARRIER_OR:
		return run_barrier(a, any_at_zero);
	}
	return bad(a, "unsupported type");
}

static int run_phases(struct aql *a)
{
	struct resume *resume = &a->s->queue->resume;
	u16 invalid = TYPE_INVALID;
	int ret = 0;

	if (resume->phase == PHASE_EXECUTE) {
		if (!valid_signal(addr_at(a, COMPLETION_DWORD)))
			return bad(a, "completion signal is not aligned");
		ret = execute(a);
		if (ret)
			return ret;
		*resume = (struct resume){ .phase = PHASE_SIGNAL };
	}
	ret = complete(a);
	if (ret)
		return ret;
	resume->phase = PHASE_RETIRE;
	return vm_write(&a->s->queue->port, a->s->vmid, a->va, &invalid, sizeof(invalid));
}

int aql_packet(struct queue *queue, struct stream *stream)
{
	struct aql a = { .s = stream, .hqd = queue_hqd(queue), .va = slot_va(stream) };
	/* The header comes last when a packet is written, so it is first to be read. */
	int ret = vm_read(&queue->port, stream->vmid, a.va, a.dw, 4);

	if (!ret && (a.dw[0] & 0xff) == TYPE_INVALID)
		return -EAGAIN;
	if (!ret)
		ret = vm_read(&queue->port, stream->vmid, a.va, a.dw, sizeof(a.dw));
	if (!ret) {
		trace(queue->gpu, TRACE_CP, "%s: vmid %u aql 0x%08x", queue->name, stream->vmid,
		      a.dw[0]);
		ret = run_phases(&a);
	}
	if (!ret)
		stream->pos += AQL_DWORDS;
	if (ret == -EFAULT)
		count(queue->gpu, "cp.aql_faults", 1);
	return ret;
}
