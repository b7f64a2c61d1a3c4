// SPDX-License-Identifier: BSD-2-Clause
//
// A call of a function from the browser, whose answer is shown as it comes.
//
// What a function answers is not trusted: it becomes text, an image, or a file
// that is downloaded, and never a document of the portal's origin.

import { root } from './api.js';


const KEPT_MAX = 64 << 20;   // bytes that are kept for a download
const SHOWN_MAX = 1 << 20;   // characters of a text that are shown

const IMAGE = /^image\/(png|jpeg|gif|webp|avif|svg\+xml)\b/;
const TEXT = new RegExp('^(text/|application/(json|x-ndjson|xml|javascript'
    + '|x-www-form-urlencoded|graphql)|[^;]*\\+(json|xml))');


// What would end the path, or the query, is part of it.
export function callUrl(name, { path, query }) {
    const slash = path && !path.startsWith('/') ? '/' : '';
    const rest = query && `?${query.replace(/^\?/, '')}`;

    return `${root}function/${name}${slash}${path.replaceAll('?', '%3F')}${
        rest}`.replaceAll('#', '%23');
}


// null: its first bytes will tell.
function kindOf(type) {
    if (/^application\/octet-stream\b|^$/.test(type)) {
        return null;
    }

    return IMAGE.test(type) ? 'image' : TEXT.test(type) ? 'text' : 'binary';
}


// Functions that say nothing of their type mostly print text.
function kindOfBytes(chunk) {
    try {
        new TextDecoder('utf-8', { fatal: true })
            .decode(chunk, { stream: true });

        return chunk.includes(0) ? 'binary' : 'text';
    } catch {
        return 'binary';
    }
}


// Calls tell(answer) whenever more is known: { status, headers, kind, text,
// size, seconds, first (seconds until the head came), isOver, blob, isCut,
// error }.
export async function callFunction({ url, method, headers, body }, signal,
    tell)
{
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    let answer = {};

    const add = (more) => {
        answer = { ...answer, ...more, seconds: seconds() };
        tell(answer);
    };

    try {
        // functions have no use for the portal's password, and redirects of
        // theirs lead nowhere from here
        const res = await fetch(url, { method, headers, body, signal,
            credentials: 'omit', redirect: 'manual', cache: 'no-store' });

        if (res.type === 'opaqueredirect') {
            add({ isOver: true, error: 'The answer is a redirect, which '
                + 'browsers keep to themselves: use curl to see where to.' });
            return;
        }

        const type = res.headers.get('Content-Type') ?? '';

        add({ status: res.status, headers: [...res.headers], type, size: 0,
            kind: kindOf(type), text: '', first: seconds() });

        await readBody(res.body, answer.kind, add);
    } catch (error) {
        add({ isOver: true, error: signal.aborted
            ? 'Stopped.' : error.message });
    }
}


async function readBody(stream, kind, add) {
    const decoder = new TextDecoder();
    const chunks = [];
    let text = '';
    let size = 0;

    if (stream) {
        for await (const chunk of iterate(stream)) {
            size += chunk.length;
            kind ??= kindOfBytes(chunk);

            if (size <= KEPT_MAX) {
                chunks.push(chunk);
            } else {
                chunks.length = 0;
            }

            if (kind === 'text' && text.length <= SHOWN_MAX) {
                text += decoder.decode(chunk, { stream: true });
            }

            add({ size, kind, text: text.slice(0, SHOWN_MAX) });
        }
    }

    if (size > KEPT_MAX) {
        add({ isOver: true, isCut: true });
        return;
    }

    // a type that no browser runs, should it be opened
    add({ isOver: true, isCut: text.length > SHOWN_MAX, chunks,
        blob: new Blob(chunks, { type: 'application/octet-stream' }) });
}


async function* iterate(stream) {
    const reader = stream.getReader();

    for (;;) {
        const { done, value } = await reader.read();

        if (done) {
            return;
        }

        yield value;
    }
}
