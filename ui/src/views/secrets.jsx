// SPDX-License-Identifier: BSD-2-Clause
//
// The secrets of a namespace.  Their values can be written, and not read.

import { useState } from 'preact/hooks';
import { getJson, inNamespace, send } from '../lib/api.js';
import { plural } from '../lib/format.js';
import { useFunctions } from '../lib/functions.js';
import { useLoad } from '../lib/load.js';
import { namespace } from '../lib/namespace.js';
import { useStore } from '../lib/store.js';
import { FormDialog } from '../parts/dialog.jsx';
import { AreaField, Field, TextField } from '../parts/field.jsx';
import { Icon } from '../parts/icon.jsx';
import { Empty, Loaded } from '../parts/notice.jsx';
import { NamespaceSelect, PageHead } from '../parts/page.jsx';
import { say } from '../parts/toast.jsx';


const NAME = '[a-z0-9]([\\-.a-z0-9]*[a-z0-9])?';


// The bytes of a file, which may be any.
async function base64Of(file) {
    const url = await new Promise((resolve, reject) => {
        const reader = new FileReader();

        reader.onload = () => resolve(reader.result);
        reader.onerror = () => reject(reader.error);
        reader.readAsDataURL(file);
    });

    return url.slice(url.indexOf(',') + 1);
}


function SecretDialog({ name, where, reload, onClose }) {
    const [typed, setTyped] = useState(name ?? '');
    const [value, setValue] = useState('');
    const [file, setFile] = useState();

    async function write() {
        await send(name ? 'PUT' : 'POST', 'system/secrets', { name: typed,
            namespace: where, ...(file ? { rawValue: await base64Of(file) }
                : { value }) });
        say(name ? `${name} has its new value` : `${typed} is made`);
        reload();
    }

    return (
        <FormDialog title={name ? `New value of ${name}` : 'New secret'}
            action={name ? 'Replace' : 'Create'} run={write} onClose={onClose}>
            {!name && <TextField label="Name" required pattern={NAME}
                maxlength="253" autofocus value={typed} onChange={setTyped} />}
            <AreaField label="Value" rows="4" value={value}
                disabled={Boolean(file)} onChange={setValue}
                hint={'Functions read it as a file; a newline at its end is '
                    + 'part of it.'} />
            <Field label="Or a file">
                {(ids) => <input type="file" class="input" {...ids}
                    onChange={(event) => setFile(event.target.files[0])} />}
            </Field>
        </FormDialog>
    );
}


function DeleteDialog({ name, where, reload, onClose }) {
    async function remove() {
        await send('DELETE', 'system/secrets', { name, namespace: where });
        say(`${name} is deleted`);
        reload();
    }

    return (
        <FormDialog title={`Delete ${name}?`} action="Delete" isDanger
            run={remove} onClose={onClose}>
            <p>Its value is gone then. This cannot be undone.</p>
        </FormDialog>
    );
}


function Row({ name, users, open }) {
    return (
        <tr>
            <td><code>{name}</code></td>
            <td class="muted">{users.length > 0 ? users.join(', ')
                : 'No function'}</td>
            <td>
                <div class="actions">
                    <button class="button" aria-label={`Replace ${name}`}
                        onClick={() => open('write', name)}>Replace</button>
                    <button class="button is-plain"
                        aria-label={`Delete ${name}`}
                        onClick={() => open('delete', name)}>
                        <Icon name="remove" />
                    </button>
                </div>
            </td>
        </tr>
    );
}


function Secrets({ list, functions, open }) {
    const users = (name) => functions.filter((fn) =>
        fn.secrets?.includes(name)).map((fn) => fn.name);

    if (list.length === 0) {
        return (
            <Empty title="No secrets yet">
                <p>A secret is a file that only the functions see that name
                    it.</p>
                <button class="button is-main" onClick={() => open('write')}>
                    <Icon name="plus" />New secret
                </button>
            </Empty>
        );
    }

    return (
        <div class="card-table">
            <table>
                <thead>
                    <tr><th>Name</th><th>Used by</th>
                        <th><span class="hidden-label">Actions</span></th></tr>
                </thead>
                <tbody>
                    {list.map(({ name }) => <Row key={name} name={name}
                        users={users(name)} open={open} />)}
                </tbody>
            </table>
        </div>
    );
}


export default function SecretsView() {
    const where = useStore(namespace);
    const load = useLoad((signal) => getJson(
        inNamespace('system/secrets', where), signal), where);
    const functions = useFunctions(where).data ?? [];
    const [dialog, setDialog] = useState();
    const open = (kind, name) => setDialog({ kind, name });
    const rest = { where, name: dialog?.name, reload: load.reload,
        onClose: () => setDialog() };

    return (
        <>
            <PageHead title="Secrets" beside={load.data && <span class="muted">
                {plural(load.data.length, 'secret')}</span>}>
                <NamespaceSelect />
                <button class="button is-main" onClick={() => open('write')}>
                    <Icon name="plus" />New secret
                </button>
            </PageHead>
            <section class="card" aria-label="Secrets">
                <Loaded load={load} what="secrets">
                    {(list) => <Secrets list={list} functions={functions}
                        open={open} />}
                </Loaded>
            </section>
            {dialog?.kind === 'write' && <SecretDialog {...rest} />}
            {dialog?.kind === 'delete' && <DeleteDialog {...rest} />}
        </>
    );
}
