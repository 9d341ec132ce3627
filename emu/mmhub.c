// SPDX-License-Identifier: GPL-2.0-only
/* Where an AID's multimedia hub has its registers. */
#include "mmhub/mmhub_1_8_0_offset.h"
#include "vm.h"

const struct hub_layout mmhub_layout = HUB_LAYOUT(HW_MMHUB);
