// SPDX-License-Identifier: BSD-2-Clause
//
// A function: its head with what can be done to it, and a tab for each way of
// looking at it.

import { useState } from 'preact/hooks';
import { root, send } from '../lib/api.js';
import { curlOf } from '../lib/curl.js';
import { deploymentOf, LAST_ERROR, useFunction } from '../lib/functions.js';
import { tick } from '../lib/feed.js';
import { go, href } from '../lib/route.js';
import { useStore } from '../lib/store.js';
import { Edit } from '../function/edit.jsx';
import { Invoke } from '../function/invoke.jsx';
import { Logs } from '../function/logs.jsx';
import { Overview } from '../function/overview.jsx';
import { CopyButton } from '../parts/copy.jsx';
import { FormDialog } from '../parts/dialog.jsx';
import { TextField } from '../parts/field.jsx';
import { Icon } from '../parts/icon.jsx';
import { Empty, Loaded } from '../parts/notice.jsx';
import { PageHead, Tabs } from '../parts/page.jsx';
import { State } from '../parts/state.jsx';
import { say } from '../parts/toast.jsx';


const tabs = {
    overview: ['Overview', Overview],
    invoke: ['Invoke', Invoke],
    logs: ['Logs', Logs],
    edit: ['Edit', Edit],
};


function ScaleDialog({ fn, name, reload, onClose }) {
    const [replicas, setReplicas] = useState(String(fn.replicas));

    async function scale() {
        await send('POST', `system/scale-function/${name}`, {
            replicas: Number(replicas) });
        say(`${fn.name} is scaled to ${replicas}`);
        reload();
    }

    return (
        <FormDialog title={`Scale ${fn.name}`} action="Scale" run={scale}
            isReady={/^\d+$/.test(replicas)} onClose={onClose}>
            <TextField label="Replicas" type="number" min="0" max="256"
                autofocus value={replicas} onChange={setReplicas}
                hint={'0 stops all of them; the next call starts one. The '
                    + 'autoscaler goes on from there.'} />
        </FormDialog>
    );
}


function DeleteDialog({ fn, onClose }) {
    const [typed, setTyped] = useState('');

    async function remove() {
        await send('DELETE', 'system/functions', { functionName: fn.name,
            namespace: fn.namespace });
        say(`${fn.name} is deleted`);
        go('functions');
    }

    return (
        <FormDialog title={`Delete ${fn.name}?`} action="Delete" isDanger
            isReady={typed === fn.name} run={remove} onClose={onClose}>
            <p>
                New calls are refused at once; those that run may end. This
                cannot be undone.
            </p>
            <TextField label={`Type ${fn.name} to confirm`} value={typed}
                autofocus onChange={setTyped} />
        </FormDialog>
    );
}


function Head({ fn, name, reload }) {
    const [dialog, setDialog] = useState();
    const close = () => setDialog();

    useStore(tick);

    return (
        <>
            <PageHead title={fn.name} beside={<>
                <State fn={fn} />
                <span class="tag">{fn.namespace}</span>
            </>}>
                <CopyButton label="Copy as curl" text={() => curlOf({
                    method: 'POST',
                    url: `${location.origin}${root}function/${name}` })} />
                <button class="button" onClick={() => setDialog('scale')}>
                    <Icon name="scale" />Scale
                </button>
                <button class="button is-danger"
                    onClick={() => setDialog('delete')}>
                    <Icon name="remove" />Delete
                </button>
            </PageHead>
            {fn.annotations?.[LAST_ERROR] && (
                <p class="alert of-page" role="alert">
                    Last error: {fn.annotations[LAST_ERROR]}
                </p>
            )}
            {dialog === 'scale' && <ScaleDialog fn={fn} name={name}
                reload={reload} onClose={close} />}
            {dialog === 'delete' && <DeleteDialog fn={fn} onClose={close} />}
        </>
    );
}


function NotThere({ name }) {
    return (
        <>
            <PageHead title={name} />
            <Empty title="There is no such function">
                <p>It is not deployed, or was deleted.</p>
                <a class="button" href={href('functions')}>All functions</a>
            </Empty>
        </>
    );
}


export default function FunctionView({ path: [name, wanted] }) {
    const load = useFunction(name);
    const tab = Object.hasOwn(tabs, wanted ?? '') ? wanted : 'overview';
    const [, Tab] = tabs[tab];

    if (load.error?.status === 404) {
        return <NotThere name={name} />;
    }

    return (
        <>
            {!load.data && <PageHead title={name} />}
            <Loaded load={load} what="function">
                {(fn) => <>
                    <Head fn={fn} name={name} reload={load.reload} />
                    <Tabs label="Function" current={tab}
                        tabs={Object.entries(tabs).map(([key, [text]]) =>
                            [key, text, href('functions', name, key)])} />
                    <Tab key={name} fn={fn} name={name}
                        deployment={deploymentOf(fn)} reload={load.reload} />
                </>}
            </Loaded>
        </>
    );
}
