// SPDX-License-Identifier: BSD-2-Clause
//
// The gateway's API, as docs/openapi.yaml describes it.

import { useMemo, useState } from 'preact/hooks';
import { useLoad } from '../lib/load.js';
import { operationsOf } from '../lib/openapi.js';
import { Operation } from '../api/operation.jsx';
import { Prose } from '../api/prose.jsx';
import { Empty, Loaded } from '../parts/notice.jsx';
import { Card, PageHead } from '../parts/page.jsx';


const titles = { functions: 'Functions', secrets: 'Secrets',
    namespaces: 'Namespaces', calls: 'Calls', async: 'Asynchronous calls',
    gateway: 'Gateway' };


async function load(signal) {
    const res = await fetch('./openapi.json', { signal });

    if (!res.ok) {
        throw new Error(`openapi.json: status ${res.status}`);
    }

    return res.json();
}


function Operations({ doc, search }) {
    const groups = useMemo(() => operationsOf(doc), [doc]);
    const word = search.toLowerCase();
    const matches = ({ method, path, summary }) =>
        `${method} ${path} ${summary}`.toLowerCase().includes(word);
    const found = groups.map(([tag, operations]) =>
        [tag, operations.filter(matches)])
        .filter(([, operations]) => operations.length > 0);

    if (found.length === 0) {
        return <Empty title="Nothing found" />;
    }

    return found.map(([tag, operations]) => (
        <Card key={tag} title={titles[tag] ?? tag}>
            {operations.map((operation) => <Operation key={operation.id}
                doc={doc} operation={operation} />)}
        </Card>
    ));
}


export default function ApiView() {
    const [search, setSearch] = useState('');
    const result = useLoad(load, 'openapi');

    return (
        <>
            <PageHead title="API">
                <input type="search" class="input search" value={search}
                    placeholder="Search" aria-label="Search the API"
                    onInput={(event) => setSearch(event.target.value)} />
                <a class="button" href="./openapi.json" download>
                    openapi.json
                </a>
            </PageHead>
            <div class="stack">
                <Loaded load={result} what="description">
                    {(doc) => (
                        <>
                            <Operations doc={doc} search={search} />
                            <Card title="For all routes">
                                <div class="card-body stack">
                                    <Prose text={doc.info.description} />
                                </div>
                            </Card>
                        </>
                    )}
                </Loaded>
            </div>
        </>
    );
}
