/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function as a Swarm service, both ways.  The Swarm's own store is the
 * truth: all there is to know of a function can be read from its service, and
 * services that OpenFaaS' Swarm provider made are functions as well.
 *
 *   service                      function
 *   Name                         NAME, or NAMESPACE_NAME
 *   label function, not empty    it is one
 *   com.ngx-faas.namespace       its namespace; absent: the default one
 *   com.ngx-faas.limits.MEMBER   "limits" as they were given, and so on
 *   com.ngx-faas.requests.MEMBER
 *   com.ngx-faas.pending         replicas that it is to have when others have
 *                                started
 *   com.openfaas.annotations.X   the annotation X
 *   other labels                 its labels
 *   Env                          envProcess (as fprocess), envVars
 */

#ifndef FAAS_SCALER_SWARM_SPEC_H
#define FAAS_SCALER_SWARM_SPEC_H

#include <jansson.h>
#include <stdint.h>

#include "lib/faas_err.h"

#include "spec.h"


#define SWARM_NAME_MAX           63         /* bytes of a service's name */
#define SWARM_LABEL_IS           "function"
#define SWARM_LABEL_NAME         "com.openfaas.function"
#define SWARM_LABEL_OWN          "com.ngx-faas."
#define SWARM_LABEL_NS           SWARM_LABEL_OWN "namespace"
#define SWARM_LABEL_PENDING      SWARM_LABEL_OWN "pending"
#define SWARM_LABEL_ANNOTATION   "com.openfaas.annotations."
#define SWARM_LABEL_OPENFAAS     "com.openfaas.uid"     /* of its updates */
#define SWARM_SECRETS_DIR        "/var/openfaas/secrets/"
#define SWARM_HEALTH_ENV         "healthcheck_interval"
#define SWARM_HEALTH_INTERVAL    "3s"
#define SWARM_CONSTRAINT         "node.platform.os == linux"
#define SWARM_PORT               "8080"     /* that functions listen on */


/*
 * Writes the name of a function's service to dst, SWARM_NAME_MAX + 1 bytes.
 * Returns 0, or -1 with code 400 where it is too long.
 */
int swarm_spec_name(const struct spec *spec, char *dst,
    struct faas_err *err);

/*
 * Makes the ServiceSpec of a function with so many replicas.  network is the
 * id or name of the one that it is put on where it asks for none; secrets an
 * array of SecretReference, taken, also when it fails.  old is the ServiceSpec
 * of the service that is updated, of which all stays that the function does
 * not say; or NULL.
 * Returns a new reference, or NULL with err: code 400 where a label and an
 * annotation would be the same label of the service.
 */
json_t *swarm_spec_encode(const struct spec *spec, uint64_t replicas,
    const char *network, json_t *secrets, const json_t *old,
    struct faas_err *err);

/*
 * Reads a function from a Service.  Returns a new spec, with replicas as they
 * are wanted; or NULL with code 0 in err where it is none, and another one
 * where it cannot be: then it says why.  What is odd of one that others have
 * made is passed over, and told in odd (code 0: nothing is).
 */
struct spec *swarm_spec_decode(const json_t *service,
    const struct scale_config *config, struct faas_err *odd,
    struct faas_err *err);

/*
 * Whether a label is one that only we write.
 */
int swarm_label_is_own(const char *name);

/*
 * A member below members of an object: swarm_get(v, "Spec.Name").  Borrowed;
 * NULL where there is none.
 */
json_t *swarm_get(const json_t *value, const char *path);

/*
 * A member as text; "" where it is none.
 */
const char *swarm_text(const json_t *value, const char *member);

/*
 * A number at a path; 0 where there is none, or it is less.
 */
uint64_t swarm_uint(const json_t *value, const char *path);


#endif /* FAAS_SCALER_SWARM_SPEC_H */
