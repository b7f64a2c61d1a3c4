// SPDX-License-Identifier: BSD-2-Clause
//
// The form of a deployment, of a new function or of one that is there.

import { useState } from 'preact/hooks';
import { getJson, inNamespace } from '../lib/api.js';
import { fromForm, toForm } from '../lib/deployment.js';
import { useLoad } from '../lib/load.js';
import { Check, Pairs, TextField } from './field.jsx';
import { Problem } from './notice.jsx';


const NAME = '[a-z0-9]([\\-a-z0-9]{0,61}[a-z0-9])?';


function Secrets({ namespace, value, onChange }) {
    const load = useLoad((signal) => getJson(
        inNamespace('system/secrets', namespace), signal), namespace);
    const names = load.data?.map(({ name }) => name) ?? [];

    // one that is used is shown, whatever the list says
    const all = [...new Set([...value, ...names])].sort();

    return (
        <fieldset class="field is-wide">
            <legend>Secrets</legend>
            {all.length === 0 && <span class="hint">
                There are none in {namespace}.
            </span>}
            <div class="actions">
                {all.map((name) => (
                    <Check key={name} label={name}
                        value={value.includes(name)}
                        onChange={(isUsed) => onChange(isUsed
                            ? [...value, name]
                            : value.filter((other) => other !== name))} />
                ))}
            </div>
        </fieldset>
    );
}


// run(deployment) deploys it; action is what its button says.
export function DeploymentForm({ deployment, action, isNew, run }) {
    const [form, setForm] = useState(() => toForm(deployment));
    const [error, setError] = useState();
    const [isBusy, setBusy] = useState(false);

    const bind = (name) => ({ value: form[name],
        onChange: (value) => setForm((old) => ({ ...old, [name]: value })) });
    const pairs = (name) => ({ pairs: form[name],
        onChange: bind(name).onChange });

    async function submit(event) {
        event.preventDefault();
        setBusy(true);
        setError();

        try {
            await run(fromForm(form));
        } catch (failure) {
            setError(failure);
        }

        setBusy(false);
    }

    return (
        <form class="stack" onSubmit={submit}>
            <div class="fields">
                {isNew && <TextField label="Name" required pattern={NAME}
                    maxlength="63" autofocus {...bind('service')}
                    hint={`In the namespace ${form.namespace}; a-z, 0-9, -`} />}
                <TextField label="Image" required {...bind('image')}
                    hint={'A folder of the scaler\'s --functions-dir; on Swarm '
                        + 'an image of a registry'} />
                <TextField label="Process" {...bind('envProcess')}
                    placeholder="./handler"
                    hint="What each call runs; empty where the image says so" />
            </div>
            <Pairs label="Environment" what="variable" {...pairs('envVars')} />
            <Secrets namespace={form.namespace} {...bind('secrets')} />
            <Pairs label="Labels" what="label" {...pairs('labels')}
                hint={'com.openfaas.scale.min, .max, .zero and others say how '
                    + 'it scales'} />
            <Pairs label="Annotations" what="annotation"
                {...pairs('annotations')} />
            <Pairs label="Limits" what="limit" {...pairs('limits')}
                hint="memory, as 128Mi; cpu, as 500m" />
            <Pairs label="Requests" what="request" {...pairs('requests')} />
            <Check label="Root file system is read-only"
                value={Boolean(form.readOnlyRootFilesystem)}
                onChange={bind('readOnlyRootFilesystem').onChange} />
            <Problem error={error} />
            <div class="actions">
                <button class="button is-main" disabled={isBusy}>{action}
                </button>
            </div>
        </form>
    );
}
