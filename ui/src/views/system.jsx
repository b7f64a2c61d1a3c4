// SPDX-License-Identifier: BSD-2-Clause
//
// The parts that serve functions, and how they are.

import { getJson } from '../lib/api.js';
import { feed } from '../lib/feed.js';
import { age } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { useStore } from '../lib/store.js';
import { Empty, Loaded } from '../parts/notice.jsx';
import { Card, PageHead } from '../parts/page.jsx';


const REFRESH = 2000;               // msec
const SILENT = 5000;                // msec; gateways report each 2 s


function Health({ isGood, good, bad }) {
    return (
        <span class={`state ${isGood ? 'is-good' : 'is-bad'}`}>
            <span class="dot" />{isGood ? good : bad}
        </span>
    );
}


function Gateways({ gateways, own }) {
    if (gateways.length === 0) {
        return <Empty title="No gateway reports to the scaler" />;
    }

    return (
        <div class="card-table">
            <table>
                <thead>
                    <tr><th>Gateway</th><th>State</th>
                        <th class="number">Last report</th></tr>
                </thead>
                <tbody>
                    {gateways.map(({ id, silent_ms: silent }) => (
                        <tr key={id}>
                            <td><code>{id}</code>{' '}
                                {id === own && <span class="tag">this one
                                </span>}</td>
                            <td><Health isGood={silent < SILENT}
                                good="Reports" bad="Silent" /></td>
                            <td class="number">{silent < 1000 ? 'now'
                                : `${age(silent / 1000)} ago`}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}


function Scaler({ scaler }) {
    return (
        <dl class="facts card-body">
            <dt>State</dt>
            <dd>{scaler.leader ? <Health isGood good="Leads" />
                : scaler.leader_id ? <Health isGood good="Follows" />
                    : <Health bad="Nobody leads" />}</dd>
            <dt>This scaler</dt>
            <dd><code>{scaler.id ?? 'starting'}</code></dd>
            <dt>Leader</dt>
            <dd><code>{scaler.leader_id ?? 'unknown'}</code></dd>
            {scaler.leader && <>
                <dt>Term</dt><dd>{scaler.term}</dd>
            </>}
        </dl>
    );
}


function Provider({ info }) {
    const { provider, version, arch, scaler } = info;

    return (
        <dl class="facts card-body">
            <dt>Provider</dt><dd>{provider.provider}</dd>
            <dt>Orchestration</dt><dd>{provider.orchestration}</dd>
            <dt>Processor</dt><dd>{arch}</dd>
            {scaler.functions_dir && <>
                <dt>Images</dt><dd><code>{scaler.functions_dir}</code></dd>
            </>}
            <dt>Scaler</dt><dd>{version.release}</dd>
        </dl>
    );
}


function Redis({ info }) {
    const { isOpen, redis } = useStore(feed);

    return (
        <dl class="facts card-body">
            <dt>Scaler</dt>
            <dd><Health isGood={info.redis.connected} good="Connected"
                bad="Not connected" /></dd>
            <dt>This gateway</dt>
            <dd>{isOpen ? <Health isGood={redis} good="Connected"
                bad="Not connected" /> : 'Unknown'}</dd>
        </dl>
    );
}


export default function SystemView() {
    const load = useLoad((signal) => getJson('system/info', signal), 'info',
        REFRESH);
    const { gateway } = useStore(feed);

    return (
        <>
            <PageHead title="System" />
            <Loaded load={load} what="system's state">
                {(info) => (
                    <div class="stack">
                        <Card title="Gateways">
                            <Gateways gateways={info.gateways} own={gateway} />
                        </Card>
                        <div class="columns">
                            <div class="stack">
                                <Card title="Scaler">
                                    <Scaler scaler={info.scaler} />
                                </Card>
                                <Card title="Redis"><Redis info={info} /></Card>
                            </div>
                            <Card title="Provider and versions">
                                <Provider info={info} />
                            </Card>
                        </div>
                        <p class="muted small">
                            The portal is built
                            of <a href="./licences.txt">Preact, uPlot and
                            js-yaml</a>.
                        </p>
                    </div>
                )}
            </Loaded>
        </>
    );
}
