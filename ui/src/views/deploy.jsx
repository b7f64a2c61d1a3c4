// SPDX-License-Identifier: BSD-2-Clause
//
// A new function: from the store's list, by hand, or from a stack file.

import { useState } from 'preact/hooks';
import { create } from '../lib/deployment.js';
import { namespace } from '../lib/namespace.js';
import { go, href } from '../lib/route.js';
import { useStore } from '../lib/store.js';
import { Stack } from '../deploy/stack.jsx';
import { Store } from '../deploy/store.jsx';
import { DeploymentForm } from '../parts/deployment-form.jsx';
import { Card, NamespaceSelect, PageHead, Tabs } from '../parts/page.jsx';
import { say } from '../parts/toast.jsx';


function ByHand({ deployment, where }) {
    async function run(made) {
        const full = { ...made, namespace: where };

        await create(full);
        say(`${full.service} is deployed`);
        go('functions', `${full.service}.${where}`);
    }

    return (
        <Card title={deployment ? `From the store: ${deployment.service}`
            : 'Deployment'}>
            <div class="card-body">
                <DeploymentForm isNew action="Deploy" run={run}
                    deployment={{ ...deployment, namespace: where }} />
            </div>
        </Card>
    );
}


const tabs = [
    ['store', 'Store', href('deploy', 'store')],
    ['form', 'By hand', href('deploy', 'form')],
    ['stack', 'stack.yml', href('deploy', 'stack')],
];


export default function DeployView({ path: [tab = 'store'] }) {
    const where = useStore(namespace);
    const [chosen, setChosen] = useState();

    function choose(deployment) {
        setChosen(deployment);
        go('deploy', 'form');
    }

    return (
        <>
            <PageHead title="Deploy a function"><NamespaceSelect /></PageHead>
            <Tabs label="Ways to deploy" tabs={tabs} current={tab} />
            {tab === 'store' && <Store choose={choose} />}
            {tab === 'form' && <ByHand key={`${where} ${chosen?.service}`}
                deployment={chosen} where={where} />}
            {tab === 'stack' && <Stack where={where} />}
        </>
    );
}
