/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Objects of JSON, made in one call.
 */

#include "object.h"

#include <stdarg.h>


json_t *
object_of(const char *name, ...)
{
    int       failed;
    json_t   *object;
    va_list   args;

    object = json_object();
    failed = 0;

    va_start(args, name);

    for ( /* void */ ; name != NULL; name = va_arg(args, const char *)) {
        failed |= json_object_set_new(object, name, va_arg(args, json_t *));
    }

    va_end(args);

    if (failed) {
        json_decref(object);
        return NULL;
    }

    return object;
}
