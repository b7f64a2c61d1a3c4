// SPDX-License-Identifier: BSD-2-Clause
//
// Makes a call of the API by hand, with the portal's password where it is the
// admin's API.

import { useEffect, useRef, useState } from 'preact/hooks';
import { root } from '../lib/api.js';
import { curlOf } from '../lib/curl.js';
import { duration } from '../lib/format.js';
import { exampleOf } from '../lib/openapi.js';
import { CopyButton } from '../parts/copy.jsx';
import { AreaField, TextField } from '../parts/field.jsx';
import { Problem } from '../parts/notice.jsx';


const SHOWN = 1 << 16;              // characters of an answer
const TIMEOUT = 10000;              // msec; what streams is cut then


function urlOf({ path, parameters }, values) {
    const query = new URLSearchParams();
    let url = path;

    for (const { name, in: where } of parameters) {
        const value = values[name] ?? '';

        if (where === 'path') {
            url = url.replace(`{${name}}`, encodeURIComponent(value));
        } else if (where === 'query' && value !== '') {
            query.set(name, value);
        }
    }

    const text = query.toString();

    return root + url.slice(1) + (text && `?${text}`);
}


function headersOf({ parameters, body }, values) {
    const headers = parameters.filter(({ name, in: where }) =>
        where === 'header' && values[name])
        .map(({ name }) => [name, values[name]]);

    return body?.type === 'application/json'
        ? [...headers, ['Content-Type', body.type]] : headers;
}


// Reads what comes, until it ends, is enough, or takes too long.
async function readText(res) {
    const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';

    try {
        while (text.length < SHOWN) {
            const { done, value } = await reader.read();

            if (done) {
                return text;
            }

            text += value;
        }
    } catch {
        return text;                // it was cut
    }

    reader.cancel();

    return text.slice(0, SHOWN);
}


function indented(text) {
    try {
        return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
        return text;
    }
}


async function call(request, signal) {
    const start = performance.now();
    const { url, method, headers, body } = request;

    // whose password it is: that of the admin's API, of no function
    const res = await fetch(url, { method, headers, body, signal,
        redirect: 'manual', cache: 'no-store',
        credentials: url.startsWith(`${root}system/`) ? 'same-origin'
            : 'omit' });
    const text = res.body ? await readText(res) : '';

    return { status: res.status, text: indented(text),
        seconds: (performance.now() - start) / 1000 };
}


function Answer({ answer: { status, seconds, text } }) {
    return (
        <section class="stack" aria-label="Answer">
            <p role="status"><b>{status}</b>{' '}
                <span class="muted">{duration(seconds)}</span></p>
            {text && <pre class="schema" tabindex="0">{text}</pre>}
        </section>
    );
}


export function Try({ doc, operation }) {
    const { method, parameters, body } = operation;
    const [values, setValues] = useState({});
    const [text, setText] = useState(() => (body?.type === 'application/json'
        ? JSON.stringify(exampleOf(doc, body.schema), null, 2) : ''));
    const [answer, setAnswer] = useState();
    const running = useRef();

    useEffect(() => () => running.current?.abort(), []);

    const request = () => ({ url: urlOf(operation, values), method,
        headers: headersOf(operation, values), body: body ? text : undefined });

    async function send(event) {
        event.preventDefault();
        running.current?.abort();

        const abort = running.current = new AbortController();
        const timer = setTimeout(() => abort.abort(), TIMEOUT);

        try {
            setAnswer(await call(request(), abort.signal));
        } catch (error) {
            setAnswer({ error });
        }

        clearTimeout(timer);
    }

    function curl() {
        const { url, ...rest } = request();

        return curlOf({ ...rest, url: location.origin + url,
            user: url.startsWith(`${root}system/`) && 'admin' });
    }

    return (
        <form class="stack form-section" onSubmit={send}
            aria-label={`Try ${operation.id}`}>
            <h3>Try it</h3>
            <div class="fields">
                {parameters.map(({ name, in: where }) => (
                    <TextField key={name} label={name} value={values[name]}
                        required={where === 'path'} onChange={(value) =>
                            setValues((old) => ({ ...old, [name]: value }))} />
                ))}
                {body && <AreaField label="Body" isWide rows="6" value={text}
                    onChange={setText} />}
            </div>
            <div class="actions">
                <button class="button is-main">Send</button>
                <CopyButton label="Copy as curl" text={curl} />
            </div>
            <Problem error={answer?.error} />
            {answer && !answer.error && <Answer answer={answer} />}
        </form>
    );
}
