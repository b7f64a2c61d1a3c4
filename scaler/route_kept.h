/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The route of a function that was published last: what is the same is not
 * published again.
 */

#ifndef FAAS_SCALER_ROUTE_KEPT_H
#define FAAS_SCALER_ROUTE_KEPT_H

#include "lib/faas_proto.h"

#include "spec.h"


/*
 * A route without endpoints, all of it zeroed where nothing is: as the spec
 * says.
 */
void route_of_spec(struct faas_route *route, const struct spec *spec);

/*
 * Keeps the part of a route that is in use; *kept is owned, NULL where there
 * was none, and ends with its last endpoint.  Returns 1 where the route is
 * another one, else 0.  Without memory the next one is another one as well.
 */
int route_keep(struct faas_route **kept, const struct faas_route *route);


#endif /* FAAS_SCALER_ROUTE_KEPT_H */
