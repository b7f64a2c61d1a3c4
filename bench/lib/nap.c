/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function that takes 50 ms and next to no processor.
 */

#include <unistd.h>


#define NAP  50000      /* usec */


int
main(void)
{
    (void) usleep(NAP);

    return write(STDOUT_FILENO, "ok\n", 3) == 3 ? 0 : 1;
}
