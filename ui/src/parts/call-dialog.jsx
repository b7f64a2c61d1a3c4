// SPDX-License-Identifier: BSD-2-Clause
//
// What an asynchronous call has asked for.

import { getJson } from '../lib/api.js';
import { bytes, time } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { Dialog } from './dialog.jsx';
import { Loaded } from './notice.jsx';


const SHOWN = 64 << 10;             // bytes of a body


function textOf(base64) {
    const data = atob(base64);
    const raw = Uint8Array.from(data.slice(0, SHOWN), (c) => c.charCodeAt(0));

    return new TextDecoder().decode(raw);
}


function Call({ call }) {
    const facts = [['Function', call.function], ['State', call.state],
        ['Accepted', time(call.accepted_ms)], ['Attempts', call.attempts],
        ['Status', call.status], ['Error', call.error],
        ['Request', `${call.method} ${call.path}`],
        ['Callback', call.callback_url]];

    return (
        <>
            <dl class="facts">
                {facts.filter(([, value]) => value).map(([name, value]) => [
                    <dt key={name}>{name}</dt>, <dd>{value}</dd>])}
                <dt>Headers</dt>
                <dd class="mono">
                    {Object.entries(call.headers).flatMap(([name, values]) =>
                        values.map((value) => <div key={name + value}>
                            {name}: {value}</div>))}
                </dd>
            </dl>
            <h3>Body, {bytes(call.size)}</h3>
            {call.body && <pre class="schema" tabindex="0">
                {textOf(call.body)}</pre>}
        </>
    );
}


export function CallDialog({ id, onClose }) {
    const load = useLoad((signal) => getJson(
        `system/async/calls/${encodeURIComponent(id)}`, signal), id);

    return (
        <Dialog title={`Call ${id}`} isWide onClose={onClose}>
            <Loaded load={load} what="call">
                {(call) => <Call call={call} />}
            </Loaded>
        </Dialog>
    );
}
