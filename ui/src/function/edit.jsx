// SPDX-License-Identifier: BSD-2-Clause
//
// Deploys another version of a function.

import { update } from '../lib/deployment.js';
import { go } from '../lib/route.js';
import { DeploymentForm } from '../parts/deployment-form.jsx';
import { Card } from '../parts/page.jsx';
import { say } from '../parts/toast.jsx';


export function Edit({ fn, name, deployment, reload }) {
    async function run(changed) {
        await update(changed);
        say(`${fn.name} is updated, its replicas are replaced`);
        reload();
        go('functions', name);
    }

    return (
        <Card title="Deployment">
            <div class="card-body">
                <DeploymentForm deployment={deployment} action="Update"
                    run={run} />
            </div>
        </Card>
    );
}
