// SPDX-License-Identifier: BSD-2-Clause
//
// All checks of the portal, in turn, for t/970-portal.t.

import { begin, check, end, errors, same } from './lib.mjs';
import access from './access.mjs';
import apiPage from './api.mjs';
import async from './async.mjs';
import deploy from './deploy.mjs';
import functionPage from './function.mjs';
import invoke from './invoke.mjs';
import list from './list.mjs';
import many from './many.mjs';
import secrets from './secrets.mjs';
import trouble from './trouble.mjs';
import unit from './unit.mjs';


await begin();

for (const part of [unit, list, functionPage, invoke, deploy, secrets, async,
    apiPage, access, trouble, many])
{
    await part();
}

await check('no page has an error, or breaks the policy, all the while',
    () => same(errors, []));
await end();
