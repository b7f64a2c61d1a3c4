// SPDX-License-Identifier: BSD-2-Clause
//
// What the replicas of a function print, as they do.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { clock, plural } from '../lib/format.js';
import { useLogs } from '../lib/logs.js';
import { Select } from '../parts/field.jsx';
import { Icon } from '../parts/icon.jsx';
import { Empty, Problem } from '../parts/notice.jsx';
import { save } from './answer.jsx';


const ALL = '';
const KEYS_UP = ['ArrowUp', 'PageUp', 'Home'];


// What one replica has in its name and the others have not.
const shortId = (instance) => instance.slice(-8).replace(/^.*-/, '');


function Line({ line: { timestamp, instance, text } }) {
    return (
        <div class="log-line">
            <span class="muted" title={timestamp}>{clock(timestamp)}</span>
            <span class="muted" title={instance}>{shortId(instance)}</span>
            <span>{text}</span>
        </div>
    );
}


// Who scrolls up wants to read.
function Lines({ lines, isPaused, setPaused }) {
    const box = useRef();
    const pauseIf = (isMeant) => isMeant && setPaused(true);

    useEffect(() => {
        if (!isPaused) {
            box.current.scrollTop = box.current.scrollHeight;
        }
    }, [lines, isPaused]);

    return (
        <div class="log" ref={box} role="log" tabindex="0"
            aria-label="Log lines" onTouchMove={() => pauseIf(true)}
            onWheel={({ deltaY }) => pauseIf(deltaY < 0)}
            onKeyDown={({ key }) => pauseIf(KEYS_UP.includes(key))}>
            {lines.map((line, n) => <Line key={n} line={line} />)}
        </div>
    );
}


// The lines as they were when the pause began.
function usePause(lines) {
    const [kept, setKept] = useState(null);

    return { isPaused: kept !== null, shown: kept ?? lines,
        setPaused: (isPaused) => setKept(isPaused ? kept ?? lines : null) };
}


function download(lines, name) {
    const text = lines.map((line) =>
        `${line.timestamp} ${line.instance} ${line.text}\n`);

    save(new Blob(text, { type: 'text/plain' }), `${name}.log`);
}


export function Logs({ name }) {
    const { lines, isOpen, error } = useLogs(name);
    const { isPaused, shown, setPaused } = usePause(lines);
    const [search, setSearch] = useState('');
    const [instance, setInstance] = useState(ALL);
    const instances = useMemo(() =>
        [...new Set(lines.map((line) => line.instance))], [lines]);

    const found = shown.filter((line) => line.text.includes(search)
        && (instance === ALL || line.instance === instance));

    return (
        <section class="card" aria-label="Log">
            <div class="card-head">
                <input type="search" class="input search" value={search}
                    placeholder="Filter" aria-label="Filter lines"
                    onInput={(event) => setSearch(event.target.value)} />
                <div>
                    <Select aria-label="Replica" value={instance}
                        onChange={setInstance}
                        options={[[ALL, 'All replicas'],
                            ...instances.map((id) => [id, shortId(id)])]} />
                </div>
                <span class={`state ${isOpen ? 'is-good' : 'is-idle'}`}>
                    <span class="dot" />
                    {plural(found.length, 'line')}
                </span>
                <div class="actions">
                    <button class="button" aria-pressed={isPaused}
                        onClick={() => setPaused(!isPaused)}>
                        <Icon name={isPaused ? 'play' : 'pause'} />
                        {isPaused ? 'Follow' : 'Pause'}
                    </button>
                    <button class="button" disabled={found.length === 0}
                        onClick={() => download(found, name)}>
                        <Icon name="download" />Download
                    </button>
                </div>
            </div>
            {error && <div class="card-body"><Problem error={error} /></div>}
            {lines.length === 0 ? <Empty title="Nothing was printed yet">
                <p>What the function writes to standard error, or to standard
                    output as a server, comes here.</p>
            </Empty> : <Lines lines={found} isPaused={isPaused}
                setPaused={setPaused} />}
        </section>
    );
}
