// SPDX-License-Identifier: GPL-2.0-only
// The VM knows its SVM.

// expect: member 1 struct amdgpu_svm *svm;
@member@
@@
 struct amdgpu_vm {
 ...
+	/* memory of the process, NULL if the GPU cannot; see amdgpu_svm.h */
+	struct amdgpu_svm *svm;
 };

// expect: explicit_op 1 struct amdgpu_vm_explicit *explicit_op; in amdgpu_vm
@explicit_op@
@@
 struct amdgpu_vm {
 	...
 	struct list_head	freed;
+	/* GEM_VA operation with explicit sync, protected by the root PD's reservation */
+	struct amdgpu_vm_explicit *explicit_op;
 	...
 };

// expect: svm_wq 1 struct workqueue_struct *svm_wq; in amdgpu_vm_manager
@svm_wq@
@@
 struct amdgpu_vm_manager {
 	...
+	/* serves faults of SVM, NULL if the GPU cannot; see amdgpu_svm_device_init() */
+	struct workqueue_struct *svm_wq;
 };
