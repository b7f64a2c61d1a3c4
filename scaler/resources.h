/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory and CPU of a function: "limits" and "requests" of its deployment.
 *
 *   memory   bytes: a number, with a fraction or without, and a unit: k, M, G,
 *            T, P (thousands), Ki, Mi, Gi, Ti, Pi, and Docker's m, g, kb, mb,
 *            gb (1024 each)
 *   cpu      cores: 2, 0.5; or 100m, thousandths of one.  A whole number from
 *            1000000 on is billionths, as OpenFaaS' Swarm provider has them
 */

#ifndef FAAS_SCALER_RESOURCES_H
#define FAAS_SCALER_RESOURCES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/faas_err.h"


#define RESOURCES_MEMORY_MIN  1048576ULL                /* bytes */
#define RESOURCES_MEMORY_MAX  (1ULL << 50)
#define RESOURCES_CPU_MIN     1                         /* milli-cores */
#define RESOURCES_CPU_MAX     1024000


struct resources {
    uint64_t  memory;           /* bytes; 0: none */
    uint64_t  cpu;              /* milli-cores; 0: none */
};


/*
 * Reads both from a deployment, whose members are maps of strings, or absent.
 * Returns 0, or -1 with code 400 in err.
 */
int resources_read(struct resources *limits, struct resources *requests,
    const json_t *deployment, struct faas_err *err);

/*
 * Each reads one quantity.  Returns 0, or -1 where it is none, or out of
 * bounds.
 */
int resources_memory(const char *s, uint64_t *bytes);
int resources_cpu(const char *s, uint64_t *milli);


#endif /* FAAS_SCALER_RESOURCES_H */
