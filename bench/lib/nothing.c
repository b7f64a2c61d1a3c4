/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The least that a function can be: what a process costs, and no more.
 */


int
main(void)
{
    return 0;
}
