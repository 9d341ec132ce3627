// SPDX-License-Identifier: GPL-2.0-only
// SVM's files beside those of the VM.

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
