// SPDX-License-Identifier: GPL-2.0-only
// A partition's lists of rings are made anew with each change of partitions.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_xcp.h"
+#include "amdgpu_svm.h"

// expect: split 1 amdgpu_svm_split_rings(adev); in amdgpu_xcp_sched_list_update
@split@
statement S;
@@
 amdgpu_xcp_sched_list_update(...)
 {
 ...
 for (...; i < AMDGPU_MAX_RINGS; ...) S
+amdgpu_svm_split_rings(adev);
 ...
 }
