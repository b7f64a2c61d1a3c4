/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory and CPU of a function.
 */

#include "resources.h"

#include <inttypes.h>
#include <string.h>


#define BAD_REQUEST   400
#define WHOLE_DIGITS  15        /* before the point */
#define PART_DIGITS   3         /* behind it, that count */
#define NANO_MIN      1000000   /* a CPU of so many is in billionths */
#define KI            1024ULL


struct unit {
    const char  *name;
    uint64_t     factor;
};


static int read_one(struct resources *resources, const json_t *deployment,
    const char *member, struct faas_err *err);
static const char *text_of(const json_t *deployment, const char *member,
    const char *name);
static const char *read_number(const char *s, uint64_t *thousandths);


static const struct unit  units[] = {
    { "", 1 },
    { "k", 1000 },
    { "K", 1000 },
    { "M", 1000000 },
    { "G", 1000000000 },
    { "T", 1000000000000 },
    { "P", 1000000000000000 },
    { "Ki", KI },
    { "Mi", KI * KI },
    { "Gi", KI * KI * KI },
    { "Ti", KI * KI * KI * KI },
    { "Pi", KI * KI * KI * KI * KI },
    { "b", 1 },
    { "kb", KI },
    { "m", KI * KI },
    { "mb", KI * KI },
    { "g", KI * KI * KI },
    { "gb", KI * KI * KI },
};


int
resources_read(struct resources *limits, struct resources *requests,
    const json_t *deployment, struct faas_err *err)
{
    if (read_one(limits, deployment, "limits", err) != 0
        || read_one(requests, deployment, "requests", err) != 0)
    {
        return -1;
    }

    if (limits->memory != 0 && requests->memory > limits->memory) {
        return faas_err_set(err, BAD_REQUEST, "\"requests\": memory is more "
                            "than that of \"limits\"");
    }

    if (limits->cpu != 0 && requests->cpu > limits->cpu) {
        return faas_err_set(err, BAD_REQUEST, "\"requests\": cpu is more than "
                            "that of \"limits\"");
    }

    return 0;
}


int
resources_memory(const char *s, uint64_t *bytes)
{
    size_t     i;
    uint64_t   thousandths;

    s = read_number(s, &thousandths);

    for (i = 0; s != NULL && i < sizeof(units) / sizeof(units[0]); i++) {

        if (strcmp(s, units[i].name) != 0) {
            continue;
        }

        /* 64 bits are enough for what is within bounds */

        if (thousandths / 1000 > RESOURCES_MEMORY_MAX / units[i].factor) {
            return -1;
        }

        *bytes = thousandths / 1000 * units[i].factor
                 + thousandths % 1000 * units[i].factor / 1000;

        return *bytes >= RESOURCES_MEMORY_MIN
               && *bytes <= RESOURCES_MEMORY_MAX ? 0 : -1;
    }

    return -1;
}


int
resources_cpu(const char *s, uint64_t *milli)
{
    uint64_t     thousandths;
    const char  *unit;

    unit = read_number(s, &thousandths);

    if (unit == NULL) {
        return -1;
    }

    if (strcmp(unit, "m") == 0) {
        *milli = thousandths / 1000;

    } else if (unit[0] != '\0') {
        return -1;

    } else if (thousandths / 1000 >= NANO_MIN) {
        *milli = thousandths / 1000 / NANO_MIN;

    } else {
        *milli = thousandths;
    }

    return *milli >= RESOURCES_CPU_MIN && *milli <= RESOURCES_CPU_MAX ? 0 : -1;
}


static int
read_one(struct resources *resources, const json_t *deployment,
    const char *member, struct faas_err *err)
{
    const char  *memory, *cpu;

    resources->memory = 0;
    resources->cpu = 0;
    memory = text_of(deployment, member, "memory");
    cpu = text_of(deployment, member, "cpu");

    if (memory != NULL && resources_memory(memory, &resources->memory) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\": memory is \"%.80s\", "
                            "expected bytes from 1Mi to 1Pi, such as 128Mi or "
                            "1G", member, memory);
    }

    if (cpu != NULL && resources_cpu(cpu, &resources->cpu) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\": cpu is \"%.80s\", "
                            "expected cores from 1m to 1024, such as 100m or "
                            "0.5", member, cpu);
    }

    return 0;
}


/*
 * NULL where there is none; an empty one is what clients send for that.
 */
static const char *
text_of(const json_t *deployment, const char *member, const char *name)
{
    const char  *s;

    s = json_string_value(json_object_get(json_object_get(deployment, member),
                                          name));

    return s != NULL && s[0] != '\0' ? s : NULL;
}


/*
 * Returns what follows a number, or NULL where there is none or it is too
 * long.
 */
static const char *
read_number(const char *s, uint64_t *thousandths)
{
    size_t    whole, part;
    uint64_t  n;

    n = 0;

    for (whole = 0; *s >= '0' && *s <= '9'; s++) {
        n = n * 10 + (uint64_t) (*s - '0');
        whole++;

        if (whole > WHOLE_DIGITS) {
            return NULL;
        }
    }

    part = 0;

    if (*s == '.') {
        for (s++; *s >= '0' && *s <= '9'; s++) {
            if (part < PART_DIGITS) {
                n = n * 10 + (uint64_t) (*s - '0');
                part++;
            }
        }

        if (part == 0) {
            return NULL;
        }
    }

    for ( /* void */ ; part < PART_DIGITS; part++) {
        n *= 10;
    }

    *thousandths = n;

    return whole != 0 ? s : NULL;
}
