/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Function names.  A function's key, in Redis, in shared memory and in
 * metrics, is NAME.NAMESPACE; the name may hold dots, the namespace not.
 */

#ifndef FAAS_NAME_H
#define FAAS_NAME_H

#include <stddef.h>


#define FAAS_NAME_MAX           63      /* bytes of a name or a namespace */
#define FAAS_KEY_MAX            127     /* bytes of NAME.NAMESPACE */
#define FAAS_DEFAULT_NAMESPACE  "openfaas-fn"


/* points into the text that was parsed, or to the default namespace */
struct faas_name {
    const char  *name;
    size_t       name_len;
    const char  *ns;
    size_t       ns_len;
};


/*
 * True where c may stand in a function's name in a path: [-a-zA-Z_0-9.]
 */
int faas_name_is_char(unsigned char c);

/*
 * Parses "NAME" or "NAME.NAMESPACE", split at the last dot; without a dot the
 * namespace is FAAS_DEFAULT_NAMESPACE.  Returns 0, or -1 where either part is
 * empty, too long or has another character.
 */
int faas_name_parse(const char *s, size_t len, struct faas_name *out);

/*
 * Writes "NAME.NAMESPACE" and a zero to key, which has FAAS_KEY_MAX + 1
 * bytes.  Returns the length without the zero.
 */
size_t faas_name_key(const struct faas_name *name, char *key);

/*
 * True where s is a name that may be deployed: a DNS label,
 * [a-z0-9]([-a-z0-9]*[a-z0-9])?, of at most FAAS_NAME_MAX bytes.
 */
int faas_name_is_dns_label(const char *s, size_t len);


#endif /* FAAS_NAME_H */
