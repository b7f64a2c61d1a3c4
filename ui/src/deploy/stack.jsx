// SPDX-License-Identifier: BSD-2-Clause
//
// Deploys what a stack.yml describes, all of it or some.

import { useState } from 'preact/hooks';
import { createOrUpdate } from '../lib/deployment.js';
import { plural } from '../lib/format.js';
import { href } from '../lib/route.js';
import { parseStack } from '../lib/stack.js';
import { AreaField, Field } from '../parts/field.jsx';
import { Problem } from '../parts/notice.jsx';
import { Card } from '../parts/page.jsx';


const EXAMPLE = `functions:
  hello:
    image: hello-node
    fprocess: node handler.js
    environment:
      mode: http
`;


function Result({ deployment: { service, namespace, image }, result }) {
    const { error, done } = result ?? {};

    return (
        <li>
            <span>
                {done ? <a href={href('functions', `${service}.${namespace}`)}>
                    {service}</a> : service}
                {' '}<span class="muted">{namespace}, {image}</span>
            </span>
            {error ? <span class="bad">{error.message}</span>
                : <span class="muted">{done}</span>}
        </li>
    );
}


// One after the other; what fails keeps nothing else from being deployed.
async function deployAll(deployments, tell) {
    for (const deployment of deployments) {
        try {
            tell(deployment, { done: await createOrUpdate(deployment) });
        } catch (error) {
            tell(deployment, { error });
        }
    }
}


export function Stack({ where }) {
    const [text, setText] = useState('');
    const [plan, setPlan] = useState();
    const [results, setResults] = useState(new Map());
    const [isBusy, setBusy] = useState(false);

    function change(next) {
        setText(next);
        setPlan();
        setResults(new Map());
    }

    async function read(event) {
        event.preventDefault();

        try {
            setPlan({ deployments: await parseStack(text, where) });
        } catch (error) {
            setPlan({ error });
        }
    }

    async function deploy() {
        setBusy(true);
        await deployAll(plan.deployments, (deployment, result) =>
            setResults((old) => new Map(old).set(deployment, result)));
        setBusy(false);
    }

    return (
        <div class="stack">
            <form class="card card-body stack" onSubmit={read}>
                <AreaField label="stack.yml" rows="14" value={text}
                    placeholder={EXAMPLE} onChange={change}
                    hint={'Images have to be there: nothing is built here. '
                        + '${NAME:-default} is its default.'} />
                <Field label="Or a file">
                    {(ids) => <input type="file" class="input" {...ids}
                        accept=".yml,.yaml" onChange={async (event) =>
                            change(await event.target.files[0]?.text() ?? '')}
                    />}
                </Field>
                <Problem error={plan?.error} />
                <div class="actions">
                    <button class="button" disabled={!text.trim()}>
                        Read it
                    </button>
                </div>
            </form>
            {plan?.deployments && <Card
                title={plural(plan.deployments.length, 'function')}
                actions={<button class="button is-main" disabled={isBusy}
                    onClick={deploy}>Deploy all</button>}>
                <ul class="results card-body" aria-live="polite">
                    {plan.deployments.map((deployment) => <Result
                        key={deployment.service} deployment={deployment}
                        result={results.get(deployment)} />)}
                </ul>
            </Card>}
        </div>
    );
}
