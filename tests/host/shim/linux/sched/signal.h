/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_SCHED_SIGNAL_H
#define SHIM_SCHED_SIGNAL_H

#define fatal_signal_pending(task)	false

#endif
