/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Coccinelle cannot know without the headers and needs to parse the base.
 * A function that it cannot parse it leaves out silently; the counts that
 * scripts/prepare-base checks would then miss.
 */
#define drm_exec_until_all_locked YACFE_ITERATOR
