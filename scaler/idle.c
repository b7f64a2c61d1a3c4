/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a function has not been called.
 */

#include "idle.h"

#include <stdlib.h>
#include <string.h>


void
idle_init(struct idle *idle, uint64_t now_ms)
{
    memset(idle, 0, sizeof(*idle));
    idle->called_ms = now_ms;
}


void
idle_done(struct idle *idle)
{
    free(idle->learned);
    idle->learned = NULL;
}


void
idle_call(struct idle *idle, uint64_t now_ms)
{
    if (idle->learned != NULL && now_ms - idle->called_ms >= IDLE_GAP) {
        learned_note_idle(idle->learned, now_ms - idle->called_ms);
    }

    idle->called_ms = now_ms;
}


/*
 * Without memory the fixed time counts.
 */
void
idle_learn(struct idle *idle, int is_learned)
{
    if (!is_learned) {
        idle_done(idle);

    } else if (idle->learned == NULL) {
        idle->learned = malloc(sizeof(*idle->learned));

        if (idle->learned != NULL) {
            learned_init(idle->learned);
        }
    }
}


int
idle_apply(const struct idle *idle, uint64_t now_ms,
    struct policy_settings *settings)
{
    uint64_t  prewarm_ms, keep_ms, idle_ms;

    if (!settings->is_zero || idle->learned == NULL
        || !learned_windows(idle->learned, &prewarm_ms, &keep_ms))
    {
        return 0;
    }

    idle_ms = now_ms - idle->called_ms;

    /* it goes at once where it is to come back, and at the end in any case */

    settings->zero_ms = idle_ms < prewarm_ms ? IDLE_GAP
                        : prewarm_ms + keep_ms;

    return prewarm_ms != 0 && idle_ms >= prewarm_ms
           && idle_ms < prewarm_ms + keep_ms;
}
