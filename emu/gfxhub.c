// SPDX-License-Identifier: GPL-2.0-only
/* Where an XCC's hub has its registers. */
#include "gc/gc_9_4_3_offset.h"
#include "vm.h"

const struct hub_layout gfxhub_layout = HUB_LAYOUT(HW_GC);
