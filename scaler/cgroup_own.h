/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where this process is in the tree of a controller.
 */

#ifndef FAAS_SCALER_CGROUP_OWN_H
#define FAAS_SCALER_CGROUP_OWN_H

#include <stddef.h>


/*
 * Writes the folder of this process's group in the hierarchy that has the
 * controller.  Returns the version of its interface, 1 or 2; 0 where there is
 * none.
 */
int cgroup_own(const char *controller, char *folder, size_t size);


#endif /* FAAS_SCALER_CGROUP_OWN_H */
