/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Thousands of functions that are rarely called, for a week.
 *
 * How often each is called is of a heavy tail, as that of Azure's functions
 * ("Serverless in the Wild": 81 % of applications are called once a minute or
 * less, 45 % once an hour or less).  Between these bounds, and down to once a
 * day, means are even by their logarithm: that is ours.  So is who calls: two
 * in ten are called by a clock (there timers start 16 % of functions), five by
 * chance, and three by people who call several times and then go.
 *
 * A function has one replica or none.  What is wasted is the time at which a
 * replica is there and idle.  The time of calls and of starts is left out: it
 * is the same for all, or short beside minutes.
 */

#include "keep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quantile.h"
#include "random.h"
#include "sim.h"

#include "../../../scaler/learned.h"


#define FUNCTIONS      2000
#define WEEK           (7 * 24 * 60.0)      /* minutes */
#define HOUR           60.0
#define DAY            (24 * HOUR)
#define RARE           0.56     /* less than once an hour, of those that are
                                   called less than once a minute */
#define CLOCKS         0.2      /* by a clock */
#define SESSIONS       0.3      /* by people */
#define JITTER         0.01     /* of a clock's period */
#define SESSION_CALLS  8.0      /* mean */
#define SESSION_GAP    2.0      /* minutes, mean, within a session */
#define COLD_MEDIAN    0.75     /* the quantile over functions */


enum caller {
    BY_CLOCK,
    BY_CHANCE,
    BY_PEOPLE
};

struct called {
    enum caller  caller;
    double       mean;          /* minutes between calls */
};

struct policy {
    const char  *name;
    double       fixed;         /* minutes */
    int          is_learned;    /* fixed is what it falls back to */
};

struct tally {
    double  cold;               /* quantile over functions */
    double  all_cold;           /* part of all calls */
    double  waste;              /* minutes */
    double  starts;             /* with those before calls */
};


static void run_seed(uint64_t seed, const struct policy *policies, int n,
    struct tally *tallies);
static void draw(struct random *random, struct called *called);
static double gap(struct random *random, const struct called *called);
static int idle(const struct policy *policy, const struct learned *learned,
    double minutes, struct tally *tally);


static const struct policy  policies[] = {
    { "fixed 10 min", 10, 0 },
    { "fixed 15 min", 15, 0 },
    { "learned, 10 min", 10, 1 },
    { "learned, 15 min", 15, 1 }
};

#define POLICIES  (int) (sizeof(policies) / sizeof(policies[0]))


void
keep_run(uint64_t seeds)
{
    int            i;
    double         cold, waste, least[2], most[2];
    uint64_t       seed;
    struct tally   sum[POLICIES], one[POLICIES];

    memset(sum, 0, sizeof(sum));
    least[0] = least[1] = INFINITY;
    most[0] = most[1] = 0;

    for (seed = 1; seed <= seeds; seed++) {
        memset(one, 0, sizeof(one));
        run_seed(seed, policies, POLICIES, one);

        for (i = 0; i < POLICIES; i++) {
            sum[i].cold += one[i].cold / (double) seeds;
            sum[i].all_cold += one[i].all_cold / (double) seeds;
            sum[i].waste += one[i].waste / (double) seeds;
            sum[i].starts += one[i].starts / (double) seeds;
        }

        cold = one[2].cold / one[0].cold;
        waste = one[2].waste / one[0].waste;
        least[0] = fmin(least[0], cold);
        least[1] = fmin(least[1], waste);
        most[0] = fmax(most[0], cold);
        most[1] = fmax(most[1], waste);
    }

    printf("\nkeep-alive, %d functions for a week\n  %-16s %10s %10s %12s"
           " %10s\n", FUNCTIONS, "", "cold p75 %", "cold all %", "idle h/fn",
           "starts/fn");

    for (i = 0; i < POLICIES; i++) {
        printf("  %-16s %10.1f %10.2f %12.2f %10.1f\n", policies[i].name,
               100 * sum[i].cold, 100 * sum[i].all_cold,
               sum[i].waste / HOUR / FUNCTIONS, sum[i].starts / FUNCTIONS);
    }

    printf("  over %d seeds: cold from %.3f to %.3f, waste from %.3f to"
           " %.3f\n", (int) seeds, least[0], most[0], least[1], most[1]);
    printf("figure learned_cold_ratio %.3f\n", sum[2].cold / sum[0].cold);
    printf("figure learned_waste_ratio %.3f\n", sum[2].waste / sum[0].waste);
}


static void
run_seed(uint64_t seed, const struct policy *all, int n,
    struct tally *tallies)
{
    int              i, calls, cold[POLICIES];
    float           *part[POLICIES];
    size_t           f;
    double           at, minutes, total;
    struct called    called;
    struct random    random;
    struct learned   learned;

    for (i = 0; i < n; i++) {
        part[i] = sim_alloc(FUNCTIONS * sizeof(*part[i]));
    }

    random_init(&random, seed);
    total = 0;

    for (f = 0; f < FUNCTIONS; f++) {
        draw(&random, &called);
        learned_init(&learned);
        memset(cold, 0, sizeof(cold));
        calls = 0;

        for (at = 0; at < WEEK || calls == 0; at += minutes) {
            minutes = gap(&random, &called);
            calls++;

            for (i = 0; i < n; i++) {
                cold[i] += idle(&all[i], &learned, minutes, &tallies[i]);
            }

            learned_note_idle(&learned, (uint64_t) (minutes * 60000));
        }

        total += calls;

        for (i = 0; i < n; i++) {
            part[i][f] = (float) cold[i] / (float) calls;
            tallies[i].all_cold += cold[i];
        }
    }

    for (i = 0; i < n; i++) {
        tallies[i].cold = quantile(part[i], FUNCTIONS, COLD_MEDIAN);
        tallies[i].all_cold /= total;
        free(part[i]);
    }
}


static void
draw(struct random *random, struct called *called)
{
    double  who, from, to;

    who = random_unit(random);
    called->caller = who < CLOCKS ? BY_CLOCK
                     : who < CLOCKS + SESSIONS ? BY_PEOPLE : BY_CHANCE;

    from = 1;
    to = HOUR;

    if (random_unit(random) < RARE) {
        from = HOUR;
        to = DAY;
    }

    called->mean = from * pow(to / from, random_unit(random));

    /* clocks are set to whole minutes */

    if (called->caller == BY_CLOCK) {
        called->mean = round(called->mean);
    }
}


/*
 * People's calls are as many as others' on the average: what is saved within a
 * session is added between two.
 */
static double
gap(struct random *random, const struct called *called)
{
    double  between;

    switch (called->caller) {

    case BY_CLOCK:
        return called->mean * (1 + JITTER * (2 * random_unit(random) - 1));

    case BY_CHANCE:
        return random_exponential(random, called->mean);

    case BY_PEOPLE:
        break;
    }

    if (called->mean <= SESSION_GAP) {
        return random_exponential(random, called->mean);
    }

    if (random_unit(random) > 1 / SESSION_CALLS) {
        return random_exponential(random, SESSION_GAP);
    }

    between = called->mean * SESSION_CALLS - SESSION_GAP * (SESSION_CALLS - 1);

    return random_exponential(random, between);
}


/*
 * Returns whether the call after so many minutes is a cold one.
 */
static int
idle(const struct policy *policy, const struct learned *learned,
    double minutes, struct tally *tally)
{
    int       is_cold;
    double    prewarm, keep;
    uint64_t  prewarm_ms, keep_ms;

    prewarm = 0;
    keep = policy->fixed;

    if (policy->is_learned
        && learned_windows(learned, &prewarm_ms, &keep_ms))
    {
        prewarm = (double) prewarm_ms / 60000;
        keep = (double) keep_ms / 60000;
    }

    is_cold = minutes < prewarm || minutes > prewarm + keep;

    if (minutes > prewarm) {
        tally->waste += fmin(minutes - prewarm, keep);
        tally->starts += prewarm > 0;
    }

    tally->starts += is_cold;

    return is_cold;
}
