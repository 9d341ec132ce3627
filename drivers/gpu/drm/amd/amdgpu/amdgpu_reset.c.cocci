// SPDX-License-Identifier: GPL-2.0-only
// A reset has SVM begin and end with it.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_reset.h"
+#include "amdgpu_svm.h"

// expect: lock 1 amdgpu_svm_reset_begin(reset_domain); in amdgpu_device_lock_reset_domain
@lock@
@@
 amdgpu_device_lock_reset_domain(...)
 {
+amdgpu_svm_reset_begin(reset_domain);
 ...
 }

// expect: unlock 1 up_write(&reset_domain->sem); amdgpu_svm_reset_end(reset_domain); in amdgpu_device_unlock_reset_domain
@unlock@
@@
 amdgpu_device_unlock_reset_domain(...)
 {
 ...
 up_write(&reset_domain->sem);
+amdgpu_svm_reset_end(reset_domain);
 }
