/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The lease: who is silent for too long loses the calls that run.
 */

#ifndef FAAS_QUEUE_KEEP_H
#define FAAS_QUEUE_KEEP_H


struct queue;

/*
 * Tells Redis of all calls that run here.
 */
void keep_calls(struct queue *queue);


#endif /* FAAS_QUEUE_KEEP_H */
