// SPDX-License-Identifier: GPL-2.0-only
// SVM's files beside those of the VM, and no SVM during an IB test.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_umr.h"
+#include "amdgpu_svm.h"

// expect: files 1 amdgpu_svm_debugfs_init(file);
@files@
identifier file;
expression fops;
@@
 debugfs_create_file("vm_pagetable_info", 0444, file->debugfs_client, file, fops);
+amdgpu_svm_debugfs_init(file);

// The IB test keeps resets out in its own way.
// expect: begin 1 amdgpu_svm_reset_begin(adev->reset_domain); r = down_write_killable(&adev->reset_domain->sem); if (r) { amdgpu_svm_reset_end(adev->reset_domain); in amdgpu_debugfs_test_ib_show
@begin@
@@
 amdgpu_debugfs_test_ib_show(...)
 {
 ...
+amdgpu_svm_reset_begin(adev->reset_domain);
 r = down_write_killable(&adev->reset_domain->sem);
 if (r) {
+	amdgpu_svm_reset_end(adev->reset_domain);
 	...
 }
 ...
 }

// expect: end 1 up_write(&adev->reset_domain->sem); amdgpu_svm_reset_end(adev->reset_domain); in amdgpu_debugfs_test_ib_show
@end@
@@
 amdgpu_debugfs_test_ib_show(...)
 {
 ...
 up_write(&adev->reset_domain->sem);
+amdgpu_svm_reset_end(adev->reset_domain);
 ...
 }
