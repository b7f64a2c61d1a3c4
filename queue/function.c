/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The functions whose calls this worker has seen, and whose turn it is.
 */

#include "function.h"

#include <stdlib.h>
#include <string.h>


static void forget_one(struct functions *functions);
static void find_idle(void *arg, struct key_node *node);
static void drop(void *arg, struct key_node *node);


void
functions_init(struct functions *functions, size_t max, size_t max_series)
{
    TAILQ_INIT(&functions->turns);
    functions->max = max;
    functions->max_series = max_series;
}


void
functions_done(struct functions *functions)
{
    key_map_walk(&functions->map, drop, functions);
    key_map_done(&functions->map);
}


struct function *
functions_get(struct functions *functions, const char *key)
{
    size_t            len;
    struct faas_name  name;
    struct function  *fn;

    fn = (struct function *) key_map_find(&functions->map, key);

    if (fn != NULL) {
        return fn;
    }

    len = strlen(key);

    if (len > FAAS_KEY_MAX || memchr(key, '.', len) == NULL
        || faas_name_parse(key, len, &name) != 0)
    {
        return NULL;
    }

    if (functions->map.n >= functions->max) {
        forget_one(functions);
    }

    fn = functions->map.n < functions->max ? calloc(1, sizeof(*fn)) : NULL;

    if (fn == NULL || key_map_add(&functions->map, &fn->node, key) != 0) {
        free(fn);
        return NULL;
    }

    TAILQ_INIT(&fn->calls);
    fn->has_series = functions->n_series < functions->max_series;
    functions->n_series += fn->has_series != 0;

    return fn;
}


void
function_waits(struct functions *functions, struct function *fn)
{
    fn->is_waiting = 1;
    function_turn(functions, fn);
}


void
function_rests(struct functions *functions, struct function *fn)
{
    fn->is_waiting = 0;
    function_turn(functions, fn);
}


void
function_turn(struct functions *functions, struct function *fn)
{
    int  is_in_turn;

    is_in_turn = fn->is_waiting && !fn->is_taking
                 && (fn->max_calls == 0 || fn->n_calls < fn->max_calls);

    if (is_in_turn && !fn->is_in_turn) {
        TAILQ_INSERT_TAIL(&functions->turns, fn, turn);
        functions->n_turns++;

    } else if (!is_in_turn && fn->is_in_turn) {
        TAILQ_REMOVE(&functions->turns, fn, turn);
        functions->n_turns--;
    }

    fn->is_in_turn = is_in_turn;
}


void
function_stats_add(struct function_stats *sum,
    const struct function_stats *stats)
{
    sum->delivered += stats->delivered;
    sum->retried += stats->retried;
    sum->dead += stats->dead;
    sum->duplicates += stats->duplicates;
    sum->callbacks += stats->callbacks;
    sum->callbacks_failed += stats->callbacks_failed;
    sum->scheduled += stats->scheduled;
}


/*
 * Their figures go on in the sum.
 */
static void
forget_one(struct functions *functions)
{
    struct function  *idle;

    idle = NULL;
    key_map_walk(&functions->map, find_idle, &idle);

    if (idle != NULL) {
        function_stats_add(&functions->gone, &idle->stats);
        functions->n_series -= idle->has_series != 0;
        key_map_remove(&functions->map, &idle->node);
        free(idle);
    }
}


static void
find_idle(void *arg, struct key_node *node)
{
    struct function   *fn;
    struct function  **idle;

    fn = (struct function *) node;
    idle = arg;

    if (fn->n_calls == 0 && !fn->is_taking && !fn->is_waiting) {
        *idle = fn;
    }
}


static void
drop(void *arg, struct key_node *node)
{
    struct functions  *functions;

    functions = arg;
    key_map_remove(&functions->map, node);
    free(node);
}
