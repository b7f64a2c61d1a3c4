// SPDX-License-Identifier: BSD-2-Clause
//
// What a function has answered, as far as it has come.

import { useEffect, useRef, useState } from 'preact/hooks';
import { bytes, duration } from '../lib/format.js';
import { Icon } from '../parts/icon.jsx';


const UI_EXTENSION = 'com.openfaas.ui.ext';     // of OpenFaaS' portal

const extensions = { json: 'json', html: 'html', csv: 'csv', xml: 'xml',
    plain: 'txt', png: 'png', jpeg: 'jpg', gif: 'gif', webp: 'webp',
    pdf: 'pdf', 'svg+xml': 'svg', zip: 'zip' };


// Saves a blob as a file.
export function save(blob, name) {
    const url = URL.createObjectURL(blob);
    const link = document.createElement('a');

    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
}


function fileName(fn, type) {
    const subtype = type.match(/^[^/]+\/([^;\s]+)/)?.[1];
    const extension = fn.labels?.[UI_EXTENSION] ?? extensions[subtype] ?? 'bin';

    return `${fn.name}.${extension}`;
}


// An image runs no scripts, whatever is in it; its type is one of call.js.
function Image({ chunks, type }) {
    const [url, setUrl] = useState();

    useEffect(() => {
        const made = URL.createObjectURL(new Blob(chunks, { type }));

        setUrl(made);

        return () => URL.revokeObjectURL(made);
    }, [chunks]);

    return url && <img class="answer-image" src={url} alt="The answer" />;
}


function pretty(text, type) {
    try {
        return /json/.test(type) && !/ndjson/.test(type)
            ? JSON.stringify(JSON.parse(text), null, 2) : text;
    } catch {
        return text;
    }
}


// Follows what comes, unless one has scrolled up.
function Text({ text }) {
    const box = useRef();
    const isAtEnd = useRef(true);

    useEffect(() => {
        if (isAtEnd.current) {
            box.current.scrollTop = box.current.scrollHeight;
        }
    }, [text]);

    return (
        <pre class="answer" ref={box} tabindex="0" aria-label="Body"
            onScroll={({ target }) => {
                isAtEnd.current = target.scrollTop + target.clientHeight
                    > target.scrollHeight - 8;
            }}>{text}</pre>
    );
}


function Body({ answer }) {
    const { kind, text, type, size, chunks, blob, isOver, isCut } = answer;
    const rest = blob ? ': download it to see all.'
        : isCut ? ': it is too large to be kept, curl gets all.' : '.';

    if (size === 0) {
        return <p class="answer muted">{isOver ? 'No body.' : 'No body yet.'}
        </p>;
    }

    if (kind === 'image' && chunks) {
        return <Image chunks={chunks} type={type} />;
    }

    if (kind !== 'text') {
        return <p class="answer muted">
            {bytes(size)}{kind === 'image' ? ' of an image' : ', not text'}
            {isOver ? rest : ' so far.'}
        </p>;
    }

    return (
        <>
            <Text text={isOver ? pretty(text, type) : text} />
            {isCut && <p class="card-body muted">
                This is its beginning{rest}
            </p>}
        </>
    );
}


function statusLook(status) {
    return status < 300 ? 'is-good' : status < 500 ? 'is-warn' : 'is-bad';
}


function Head({ answer, fn }) {
    const { status, seconds, first, size, blob, isOver, type } = answer;

    return (
        <div class="card-head">
            <div class="answer-head" role="status">
                {status ? <span class={`tag ${statusLook(status)}`}>
                    {status}
                </span> : <span>{isOver ? 'No answer' : 'Waiting\u2026'}</span>}
                {seconds !== undefined && <span>{duration(seconds)}</span>}
                {first !== undefined && isOver && <span class="muted">
                    first byte {duration(first)}</span>}
                {status && <span class="muted">{bytes(size)}</span>}
                {status && !isOver && <span class="state is-busy">
                    <span class="dot" />Streaming</span>}
            </div>
            <div class="actions">
                {blob?.size > 0 && <button class="button"
                    onClick={() => save(blob, fileName(fn, type))}>
                    <Icon name="download" />Download
                </button>}
            </div>
        </div>
    );
}


export function Answer({ answer, fn }) {
    return (
        <section class="card" aria-label="Answer">
            <Head answer={answer} fn={fn} />
            {answer.status && <Body answer={answer} />}
            {answer.error && <p class="card-body bad" role="alert">
                {answer.error}
            </p>}
            {answer.headers && <details>
                <summary>Headers, {answer.headers.length}</summary>
                <dl class="headers">
                    {answer.headers.map(([name, value]) => [
                        <dt key={name}>{name}</dt>, <dd>{value}</dd>])}
                </dl>
            </details>}
        </section>
    );
}
