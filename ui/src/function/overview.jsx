// SPDX-License-Identifier: BSD-2-Clause
//
// How a function does: figures, live charts, and what was deployed.

import { root } from '../lib/api.js';
import { figures, tick } from '../lib/feed.js';
import { bytes, count, duration, NONE, percent, rate, time }
    from '../lib/format.js';
import { available } from '../lib/functions.js';
import { useStore } from '../lib/store.js';
import { Chart } from '../parts/chart.jsx';
import { CopyButton } from '../parts/copy.jsx';
import { Card } from '../parts/page.jsx';


function Tile({ name, children }) {
    return <div class="tile"><dt>{name}</dt><dd>{children}</dd></div>;
}


function Figures({ fn, live }) {
    const key = `${fn.name}.${fn.namespace}`;

    return (
        <section class="card" aria-label="Figures">
            <dl class="tiles">
                <Tile name="Replicas">{available(fn)} / {fn.replicas}</Tile>
                <Tile name="Calls/s">{rate(figures.rate(key))}</Tile>
                <Tile name="p50">{duration(figures.quantile(key, 0.5))}</Tile>
                <Tile name="p99">{duration(figures.quantile(key, 0.99))}</Tile>
                <Tile name="Errors">{percent(figures.errorShare(key))}</Tile>
                <Tile name="In flight">{live ? count(live.i) : NONE}</Tile>
                <Tile name="Parked">{live ? count(live.p) : NONE}</Tile>
            </dl>
        </section>
    );
}


function Charts({ name }) {
    const { t, calls, errors, p50, p99, inflight, parked, replicas }
        = figures.history(name);

    return (
        <div class="columns">
            <Chart title="Calls a second" t={t} format={rate} series={[
                { name: 'calls', values: calls },
                { name: 'errors', values: errors }]} />
            <Chart title="Latency" t={t} format={duration} series={[
                { name: 'p50', values: p50 },
                { name: 'p99', values: p99 }]} />
            <Chart title="Replicas" t={t} format={count} isWhole series={[
                { name: 'replicas', values: replicas, steps: true }]} />
            <Chart title="Calls now" t={t} format={count} isWhole series={[
                { name: 'in flight', values: inflight },
                { name: 'parked', values: parked }]} />
        </div>
    );
}


function Fact({ name, children }) {
    return children ? <><dt>{name}</dt><dd>{children}</dd></> : null;
}


function texts(map) {
    const entries = Object.entries(map ?? {});

    return entries.length > 0 && entries.map(([name, value]) =>
        <div key={name} class="mono">{name}={value}</div>);
}


function Deployment({ fn, name }) {
    const url = `${location.origin}${root}function/${name}`;

    return (
        <Card title="Deployment">
            <dl class="facts card-body">
                <Fact name="URL">
                    <span class="actions">
                        <code>{url}</code>
                        <CopyButton isPlain label="Copy URL"
                            text={() => url} />
                    </span>
                </Fact>
                <Fact name="Image"><code>{fn.image}</code></Fact>
                <Fact name="Process">
                    {fn.envProcess && <code>{fn.envProcess}</code>}
                </Fact>
                <Fact name="Deployed">{time(fn.createdAt)}</Fact>
                <Fact name="Calls in all">{count(fn.invocationCount)}</Fact>
                <Fact name="Usage">{fn.usage && `${
                    (fn.usage.cpu / 1000).toFixed(2)} CPUs, ${
                    bytes(fn.usage.totalMemoryBytes)}`}</Fact>
                <Fact name="Environment">{texts(fn.envVars)}</Fact>
                <Fact name="Labels">{texts(fn.labels)}</Fact>
                <Fact name="Limits">{texts(fn.limits)}</Fact>
                <Fact name="Requests">{texts(fn.requests)}</Fact>
                <Fact name="Secrets">{fn.secrets?.map((secret) =>
                    <code key={secret}>{secret} </code>)}</Fact>
            </dl>
        </Card>
    );
}


export function Overview({ fn, name }) {
    useStore(tick);

    const key = `${fn.name}.${fn.namespace}`;

    return (
        <div class="stack">
            <Figures fn={fn} live={figures.get(key)} />
            <Charts name={key} />
            <Deployment fn={fn} name={name} />
        </div>
    );
}
