/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How a function is scaled: labels of its own over the scaler's options over
 * the defaults, of one table.  docs/autoscaling.md describes each.
 */

#ifndef FAAS_SCALER_SCALE_H
#define FAAS_SCALER_SCALE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/faas_err.h"

#include "policy.h"


struct scale_settings {
    struct policy_settings  policy;     /* max_inflight is not set here */
    uint64_t                factor;     /* percent of max, a step of an alert */
    uint64_t                hold_ms;    /* that a number is kept which
                                           somebody has set */
    int                     is_type_set;    /* by an option or a label */
    int                     is_target_set;
    int                     is_proportion_set;
    int                     is_headroom_set;
    int                     is_learned;     /* zero_ms is learned */
};

/* what a function's labels are read with */
struct scale_config {
    struct scale_settings   defaults;
    uint64_t                max_replicas;   /* bound of min and max */
};

/* one of the settings, in the order of --help */
struct scale_setting {
    const char  *option;                /* "scale-min" for --scale-min */
    const char  *label;
    const char  *fallback;
    int          kind;
    size_t       offset;                /* in struct scale_settings */
    double       least;
    double       most;
    const char  *help;
};


/*
 * The word for a type, as labels have it.
 */
const char *scale_type_text(enum policy_type type);

/*
 * The number'th setting, or NULL behind the last one.
 */
const struct scale_setting *scale_setting(size_t number);

/*
 * Sets it from a text; name is what the user knows it by.  Returns 0, or -1
 * with what was expected in err.
 */
int scale_set(struct scale_settings *settings,
    const struct scale_setting *setting, const char *name, const char *text,
    struct faas_err *err);

/*
 * The defaults, before any option.
 */
void scale_defaults(struct scale_settings *settings);

/*
 * Checks that settings fit one another.  Returns 0, or -1 with code 400.
 */
int scale_check(const struct scale_settings *settings, struct faas_err *err);

/*
 * Reads a function's labels, an object of strings or NULL.  Returns 0, or -1
 * with code 400 in err; settings are config's then.
 */
int scale_read(struct scale_settings *settings,
    const struct scale_config *config, const json_t *labels,
    struct faas_err *err);

/*
 * What the policy goes by, of a function that takes max_inflight calls at a
 * replica, 0: any number.  Where no type was chosen that is the load that such
 * a bound is about: calls in flight, with headroom in place of a proportion.
 */
void scale_policy(const struct scale_settings *settings,
    uint64_t max_inflight, struct policy_settings *policy);


#endif /* FAAS_SCALER_SCALE_H */
