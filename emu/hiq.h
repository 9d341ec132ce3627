/* SPDX-License-Identifier: GPL-2.0-only */
/* The user queue scheduler's own: hiq.c takes its packets, runlist.c has what they say done. */
#ifndef EMU_HIQ_H
#define EMU_HIQ_H

#include "cp.h"

/* More than the driver ever lists; a longer list is refused. */
#define MAX_LISTED 8192

enum listed_kind { LISTED_PROCESS, LISTED_COMPUTE, LISTED_SDMA };

/* A process or a queue of the run list, in its order. */
struct listed {
	enum listed_kind kind;
	unsigned int process;		/* where in the list it is; of itself if it is one */
	/* A process: */
	u16 pasid;
	u64 page_table;
	bool retry_disabled;		/* XNACK off */
	/* A queue: */
	u64 mqd_addr;
	u64 wptr_addr;
	u32 doorbell;
	unsigned int engine;		/* SDMA: counted over the whole GPU */
	unsigned int xcc;		/* compute: counted over the whole GPU */
	bool gone;			/* the driver has taken it off */
	/* Where a queue is while it is on the hardware, one of the two: */
	struct hqd *hqd;
	struct sdma_context *sdma;
};

/* Whose a VMID is. It keeps its process when that has no queue on the hardware. */
struct vmid_owner {
	u16 pasid;			/* 0: none yet */
	u64 page_table;
	bool listed;			/* in the current run list */
	bool in_use;			/* has been given out in this slice */
	unsigned int process;		/* to whom */
};

struct hiq {
	pthread_mutex_t lock;	/* one packet or slice at a time, and what it waits for */
	struct queue *runner;	/* who reads a run list */
	u32 vmid_mask;
	u64 queue_mask;
	bool separate_xnack;	/* processes with and without XNACK not at the same time */
	struct vmid_owner owner[NUM_VMID];
	struct listed *list;
	unsigned int num_listed;
	unsigned int room;
	unsigned int process;	/* of the queues that follow in the list */
	bool chained;		/* the list wants to be run again and again */
	struct queue *rotor;	/* who runs its slices, NULL: nobody has to */
	u64 slice_end;		/* on gpu_clock() */
	unsigned int next;	/* where in the list the next slice begins */
};

/* The XCCs of the partition whose first one is @xcc. */
unsigned int partition_size(const struct cp_xcc *xcc);

/* runlist.c; all with the scheduler's lock held, @by executes the request. */
/* Puts on the hardware what fits, from hiq->next on. @all: that was everything. */
int runlist_slice(struct cp_xcc *xcc, struct stream *by, bool *all);
/* Takes queues off the hardware: all, or those of a PASID (not 0). */
int runlist_unmap(struct hiq *hiq, struct stream *by, u16 pasid, bool save);

#endif
