// SPDX-License-Identifier: BSD-2-Clause
//
// The lines of a function's log, followed.

import { useEffect, useRef, useState } from 'preact/hooks';
import { request } from './api.js';


const KEPT_LINES = 2000;
const TAIL = 500;                   // lines from before that are asked for
const RETRY = 2000;                 // msec until a log that broke off is
                                    // asked for again


// Calls add(lines) with what comes, until it ends or the signal is given.
async function follow(name, since, signal, add) {
    const from = since ? `since=${encodeURIComponent(since)}` : `tail=${TAIL}`;
    const res = await request('GET',
        `system/logs?name=${encodeURIComponent(name)}&follow=1&${from}`,
        { signal });
    const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';

    for (;;) {
        const { done, value } = await reader.read();

        if (done) {
            return;
        }

        const lines = (rest + value).split('\n');

        rest = lines.pop();
        add(lines.filter(Boolean).map((line) => JSON.parse(line)));
    }
}


const identity = ({ timestamp, instance, text }) =>
    `${timestamp} ${instance} ${text}`;


export function useLogs(name) {
    const [lines, setLines] = useState([]);
    const [state, setState] = useState({ isOpen: false });
    const waiting = useRef([]);

    useEffect(() => {
        const abort = new AbortController();
        let frame = 0;
        let timer;
        let last;
        let lastOnes = new Set();

        // many lines in a moment are drawn once
        function flush() {
            const more = waiting.current;

            frame = 0;
            waiting.current = [];
            setLines((old) => [...old, ...more].slice(-KEPT_LINES));
        }

        // "since" gives those of its own moment again
        function add(more) {
            const fresh = more.filter((line) => !lastOnes.has(identity(line)));

            for (const line of fresh) {
                if (line.timestamp !== last) {
                    last = line.timestamp;
                    lastOnes = new Set();
                }

                lastOnes.add(identity(line));
            }

            waiting.current = [...waiting.current, ...fresh].slice(-KEPT_LINES);
            frame ||= requestAnimationFrame(flush);
            setState({ isOpen: true });
        }

        async function run() {
            setState({ isOpen: true });

            try {
                await follow(name, last, abort.signal, add);
                setState({ isOpen: false });
            } catch (error) {
                if (abort.signal.aborted) {
                    return;
                }

                setState({ isOpen: false, error });
            }

            timer = setTimeout(run, RETRY);
        }

        setLines([]);
        run();

        return () => {
            abort.abort();
            clearTimeout(timer);
            cancelAnimationFrame(frame);
        };
    }, [name]);

    return { lines, ...state };
}
