// SPDX-License-Identifier: GPL-2.0-only
// Queues of KFD work for the process whose memory their VM reaches.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_vm.h"
+#include "amdgpu_svm.h"

// expect: acquire 1 ret = amdgpu_svm_check_user(avm); in amdgpu_amdkfd_gpuvm_acquire_process_vm
@acquire@
@@
 amdgpu_amdkfd_gpuvm_acquire_process_vm(...)
 {
 ...
+ret = amdgpu_svm_check_user(avm);
+if (ret)
+	return ret;
 ret = amdgpu_vm_make_compute(adev, avm);
 ...
 }
