// SPDX-License-Identifier: BSD-2-Clause
//
// The head of a page, and a card with a head of its own.

import { useEffect } from 'preact/hooks';
import { namespace, namespaces } from '../lib/namespace.js';
import { useStore } from '../lib/store.js';
import { Select } from './field.jsx';


export function PageHead({ title, beside, children }) {
    useEffect(() => { document.title = `${title} \u00b7 ngx_faas`; }, [title]);

    return (
        <div class="page-head">
            <h1>{title}</h1>
            {beside}
            <div class="actions">{children}</div>
        </div>
    );
}


export function Card({ title, actions, children }) {
    return (
        <section class="card">
            <div class="card-head">
                <h2>{title}</h2>
                {actions && <div class="actions">{actions}</div>}
            </div>
            {children}
        </section>
    );
}


export function NamespaceSelect() {
    return (
        <div>
            <Select aria-label="Namespace" options={useStore(namespaces)}
                value={useStore(namespace)} onChange={namespace.set} />
        </div>
    );
}


export function Tabs({ label, tabs, current }) {
    return (
        <nav class="tabs" aria-label={label}>
            {tabs.map(([name, text, link]) => (
                <a key={name} href={link}
                    aria-current={name === current ? 'page' : null}>{text}</a>
            ))}
        </nav>
    );
}
