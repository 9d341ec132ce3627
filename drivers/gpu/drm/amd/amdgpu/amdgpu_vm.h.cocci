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
