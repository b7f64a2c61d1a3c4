// SPDX-License-Identifier: BSD-2-Clause
//
// The store: functions that somebody has made.  Its list is store.json beside
// the portal, in the form of OpenFaaS' store; an operator may put another one
// there (docs/portal.md).

import { useState } from 'preact/hooks';
import { getJson } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { Empty, Loaded } from '../parts/notice.jsx';


// The image for what runs functions here: by provider, then by processor.
function imageOf({ images }, info) {
    const { orchestration } = info.provider;

    return images?.[orchestration]
        ?? (orchestration === 'process' ? undefined : images?.[info.arch]);
}


function deploymentOf(entry, image) {
    return { service: entry.name, image, envProcess: entry.fprocess,
        envVars: entry.environment, labels: entry.labels,
        annotations: entry.annotations,
        readOnlyRootFilesystem: entry.readOnlyRootFilesystem };
}


function Entry({ entry, info, choose }) {
    const image = imageOf(entry, info);

    return (
        <li class="card">
            <h2>{entry.title}</h2>
            <p class="muted">{entry.description}</p>
            <div class="actions">
                <button class="button" disabled={!image}
                    aria-label={`Choose ${entry.title}`}
                    onClick={() => choose(deploymentOf(entry, image))}>
                    Choose
                </button>
                {!image && <span class="hint">
                    No image for {info.provider.orchestration}, {info.arch}
                </span>}
                {/^https?:/.test(entry.repo_url) && <a href={entry.repo_url}
                    target="_blank" rel="noopener noreferrer">Source</a>}
            </div>
        </li>
    );
}


async function load(signal) {
    const [store, info] = await Promise.all([
        fetch('./store.json', { signal }).then((res) => (res.ok ? res.json()
            : Promise.reject(new Error(`store.json: status ${res.status}`)))),
        getJson('system/info', signal)]);

    if (!Array.isArray(store.functions)) {
        throw new Error('store.json has no list "functions"');
    }

    return { functions: store.functions, info };
}


export function Store({ choose }) {
    const [search, setSearch] = useState('');
    const result = useLoad(load, 'store');
    const word = search.toLowerCase();

    const matches = (entry) => [entry.name, entry.title, entry.description]
        .some((text) => text?.toLowerCase().includes(word));

    return (
        <Loaded load={result} what="store">
            {({ functions, info }) => {
                const found = functions.filter(matches);

                return (
                    <div class="stack">
                        <input type="search" class="input search"
                            placeholder="Search" aria-label="Search the store"
                            value={search} onInput={(event) =>
                                setSearch(event.target.value)} />
                        {found.length === 0 && <Empty title="Nothing found" />}
                        <ul class="store">
                            {found.map((entry) => <Entry key={entry.name}
                                entry={entry} info={info} choose={choose} />)}
                        </ul>
                    </div>
                );
            }}
        </Loaded>
    );
}
