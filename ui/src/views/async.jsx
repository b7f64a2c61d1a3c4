// SPDX-License-Identifier: BSD-2-Clause
//
// Asynchronous calls: how many wait, and those that were given up.

import { useEffect, useState } from 'preact/hooks';
import { getJson, send } from '../lib/api.js';
import { bytes, count, duration, plural, time } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { FormDialog } from '../parts/dialog.jsx';
import { Icon } from '../parts/icon.jsx';
import { Empty, Loaded } from '../parts/notice.jsx';
import { Card, PageHead } from '../parts/page.jsx';
import { CallDialog } from '../parts/call-dialog.jsx';
import { attempt, say } from '../parts/toast.jsx';


const REFRESH = 2000;               // msec
const PAGE = 100;                   // calls that are listed at first
const LISTED_MAX = 1000;            // of the API's, in one answer


function Depths({ depths }) {
    const tiles = [['In the queue', count(depths.calls)],
        ['Their size', bytes(depths.bytes)],
        ['Delayed', count(depths.delayed)],
        ['Given up', count(depths.dead)]];

    return (
        <section class="card" aria-label="Queue">
            <dl class="tiles">
                {tiles.map(([name, value]) => (
                    <div class="tile" key={name}>
                        <dt>{name}</dt><dd>{value}</dd>
                    </div>
                ))}
            </dl>
        </section>
    );
}


function Waiting({ functions }) {
    if (functions.length === 0) {
        return (
            <Empty title="No call waits">
                <p>Calls that need no answer at once are queued by:</p>
                <pre>curl -d hello .../async-function/NAME</pre>
            </Empty>
        );
    }

    return (
        <div class="card-table">
            <table>
                <thead>
                    <tr><th>Function</th><th class="number">Waiting</th>
                        <th class="number">Oldest</th></tr>
                </thead>
                <tbody>
                    {functions.map((fn) => (
                        <tr key={fn.function}>
                            <td><a href={href('functions', fn.function)}>
                                {fn.function}</a></td>
                            <td class="number">{count(fn.waiting)}</td>
                            <td class="number">
                                {duration(fn.oldest_ms / 1000)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}


function DeadRow({ call, open, reload }) {
    const path = `system/async/calls/${encodeURIComponent(call.id)}`;

    async function change(method, suffix, done) {
        await attempt(() => send(method, path + suffix), done);
        reload();
    }

    return (
        <tr>
            <td>
                <button class="link" aria-label={`${call.function} ${call.id}`}
                    onClick={() => open(call.id)}>{call.function}</button>
                <div class="muted mono small">{call.id}</div>
            </td>
            <td class="muted of-detail">{call.error}</td>
            <td class="number of-detail">{call.attempts}</td>
            <td class="is-whole of-detail">
                {call.died_ms && time(call.died_ms)}</td>
            <td>
                <div class="actions">
                    <button class="button" aria-label={`Retry ${call.id}`}
                        onClick={() => change('POST', '/retry',
                            'It is queued again')}>
                        <Icon name="retry" />Retry
                    </button>
                    <button class="button is-plain"
                        aria-label={`Forget ${call.id}`}
                        onClick={() => change('DELETE', '',
                            'It is forgotten')}>
                        <Icon name="remove" />
                    </button>
                </div>
            </td>
        </tr>
    );
}


function Dead({ page, open, reload, more }) {
    if (page.calls.length === 0) {
        return (
            <Empty title="No call was given up">
                <p>Calls that fail after their last retry are kept here.</p>
            </Empty>
        );
    }

    return (
        <>
            <div class="card-table">
                <table>
                    <thead>
                        <tr><th>Call</th><th class="of-detail">Error</th>
                            <th class="number of-detail">Attempts</th>
                            <th class="of-detail">Given up</th>
                            <th><span class="hidden-label">Actions</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        {page.calls.map((call) => <DeadRow key={call.id}
                            call={call} open={open} reload={reload} />)}
                    </tbody>
                </table>
            </div>
            {page.next && <div class="card-body">
                {page.calls.length < LISTED_MAX
                    ? <button class="button" onClick={more}>More</button>
                    : <span class="muted">These are the first {
                        count(LISTED_MAX)}; there are more.</span>}
            </div>}
        </>
    );
}


// Those that are shown may be fewer than those that there are.
const all = {
    retry: { method: 'POST', path: 'system/async/dead/retry',
        title: 'Retry all?', action: 'Retry all',
        text: 'All calls that were given up are queued again.',
        done: ({ retried }) => `${plural(retried, 'call')} queued again` },
    purge: { method: 'DELETE', path: 'system/async/dead',
        title: 'Forget all?', action: 'Forget all', isDanger: true,
        text: 'All calls that were given up are gone then, with their bodies.',
        done: ({ purged }) => `${plural(purged, 'call')} forgotten` },
};


function AllDialog({ kind, reload, onClose }) {
    const { title, action, isDanger, text, method, path, done } = all[kind];

    async function run() {
        say(done(await send(method, path)));
        reload();
    }

    return (
        <FormDialog title={title} action={action} isDanger={isDanger} run={run}
            onClose={onClose}>
            <p>{text}</p>
        </FormDialog>
    );
}


export default function AsyncView() {
    const [limit, setLimit] = useState(PAGE);
    const [dialog, setDialog] = useState();
    const depths = useLoad((signal) => getJson('system/async', signal),
        'depths', REFRESH);
    const dead = useLoad((signal) => getJson(
        `system/async/dead?limit=${limit}`, signal), 'dead', REFRESH);
    const isEmpty = !dead.data?.calls.length;

    useEffect(() => {
        if (limit > PAGE) {
            dead.reload();
        }
    }, [limit]);

    return (
        <>
            <PageHead title="Queue" />
            <div class="stack">
                <Loaded load={depths} what="queue">
                    {(data) => (
                        <>
                            <Depths depths={data} />
                            <Card title="Waiting calls">
                                <Waiting functions={data.functions} />
                            </Card>
                        </>
                    )}
                </Loaded>
                <Card title="Dead letters" actions={<>
                    <button class="button" disabled={isEmpty}
                        onClick={() => setDialog('retry')}>Retry all</button>
                    <button class="button is-danger" disabled={isEmpty}
                        onClick={() => setDialog('purge')}>Forget all</button>
                </>}>
                    <Loaded load={dead} what="dead letters">
                        {(page) => <Dead page={page} reload={dead.reload}
                            open={(id) => setDialog({ id })}
                            more={() => setLimit(Math.min(limit * 2,
                                LISTED_MAX))} />}
                    </Loaded>
                </Card>
            </div>
            {all[dialog] && <AllDialog kind={dialog} reload={dead.reload}
                onClose={() => setDialog()} />}
            {dialog?.id && <CallDialog id={dialog.id}
                onClose={() => setDialog()} />}
        </>
    );
}
