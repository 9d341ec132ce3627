// SPDX-License-Identifier: GPL-2.0-only
// SVM's files beside those of the VM, and no reclaim while resets are locked out.

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

// expect: lock 1 noreclaim = memalloc_noreclaim_save(); in amdgpu_debugfs_test_ib_show
// expect: lock 1 unsigned int noreclaim; in amdgpu_debugfs_test_ib_show
// expect: lock 1 memalloc_noreclaim_restore(noreclaim); up_write( in amdgpu_debugfs_test_ib_show
@lock@
@@
 amdgpu_debugfs_test_ib_show(...)
 {
 ...
 struct drm_device *dev = adev_to_drm(adev);
+unsigned int noreclaim;
 ...
+noreclaim = memalloc_noreclaim_save();
 seq_puts(m, "run ib test:\n");
 ...
+memalloc_noreclaim_restore(noreclaim);
 up_write(&adev->reset_domain->sem);
 ...
 }
