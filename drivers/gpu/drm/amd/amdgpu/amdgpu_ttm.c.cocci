// SPDX-License-Identifier: GPL-2.0-only
// The driver's own SDMA jobs do not wait behind jobs that fault.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_res_cursor.h"
+#include "amdgpu_svm.h"

// expect: split 1 amdgpu_svm_split_rings(adev); in amdgpu_sdma_set_buffer_funcs_scheds
@split@
expression E;
@@
 amdgpu_sdma_set_buffer_funcs_scheds(...)
 {
 <...
 adev->mman.num_buffer_funcs_scheds = (adev->vm_manager.concurrent_flush && E) ? n : 1;
+amdgpu_svm_split_rings(adev);
 ...>
 }
