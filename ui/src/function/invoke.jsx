// SPDX-License-Identifier: BSD-2-Clause
//
// Calls the function, and shows what it answers.

import { useEffect, useRef, useState } from 'preact/hooks';
import { callFunction, callUrl } from '../lib/call.js';
import { curlOf } from '../lib/curl.js';
import { CopyButton } from '../parts/copy.jsx';
import { AreaField, Field, Pairs, Select, SelectField, TextField }
    from '../parts/field.jsx';
import { Icon } from '../parts/icon.jsx';
import { Answer } from './answer.jsx';


const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

const BODIES = [['none', 'None'], ['text', 'Text'], ['json', 'JSON'],
    ['file', 'File']];

const types = { text: 'text/plain', json: 'application/json',
    file: 'application/octet-stream' };

const REDRAW = 50;                  // msec between parts of an answer, at least

// what is typed is there again when one comes back to the function
const drafts = new Map();

const EMPTY = { method: 'POST', path: '', query: '', headers: [],
    kind: 'text', text: '' };


const hasBody = ({ method }) => method !== 'GET' && method !== 'HEAD';


function headersOf(draft) {
    const headers = draft.headers.filter(([name]) => name.trim());
    const hasType = headers.some(([name]) =>
        name.toLowerCase() === 'content-type');

    return hasBody(draft) && types[draft.kind] && !hasType
        ? [['Content-Type', types[draft.kind]], ...headers] : headers;
}


function requestOf(name, draft, file) {
    const bodies = { text: draft.text, json: draft.text, file };

    return { url: callUrl(name, draft), method: draft.method,
        headers: headersOf(draft),
        body: hasBody(draft) ? bodies[draft.kind] : undefined };
}


function curlOfDraft(name, draft, file) {
    const isFile = draft.kind === 'file';
    const { url, method, headers, body } = requestOf(name, draft, file);

    return curlOf({ method, headers, url: location.origin + url,
        file: isFile && body ? file?.name : undefined,
        body: isFile ? undefined : body });
}


function jsonProblem(draft) {
    if (!hasBody(draft) || draft.kind !== 'json' || draft.text === '') {
        return null;
    }

    try {
        JSON.parse(draft.text);
        return null;
    } catch (error) {
        return error.message;
    }
}


function Body({ draft, set, onFile }) {
    const problem = jsonProblem(draft);

    if (draft.kind === 'none') {
        return null;
    }

    if (draft.kind === 'file') {
        return (
            <Field label="File" isWide>
                {(ids) => <input type="file" class="input" {...ids}
                    onChange={(event) => onFile(event.target.files[0])} />}
            </Field>
        );
    }

    return <AreaField label="Body" rows="5" isWide value={draft.text}
        onChange={(text) => set({ text })}
        hint={problem && `Not JSON: ${problem}. It is sent as it is.`} />;
}


function RequestLine({ name, draft, set, isBusy, onStop }) {
    return (
        <div class="request-line">
            <Select aria-label="Method" options={METHODS} value={draft.method}
                onChange={(method) => set({ method })} />
            <input class="input mono" value={draft.path} spellcheck={false}
                aria-label={`Path, behind the name ${name}`}
                placeholder={`/function/${name}/`}
                onInput={(event) => set({ path: event.target.value })} />
            {isBusy ? <button type="button" class="button" onClick={onStop}>
                <Icon name="stop" />Stop
            </button> : <button class="button is-main">
                <Icon name="play" />Invoke
            </button>}
        </div>
    );
}


// Tells the last of what comes, so often and no more.
function seldom(tell) {
    let latest;
    let timer;

    return (next) => {
        latest = next;
        timer ??= setTimeout(() => {
            timer = undefined;
            tell(latest);
        }, REDRAW);
    };
}


export function Invoke({ fn, name }) {
    const [draft, setDraft] = useState(drafts.get(name) ?? EMPTY);
    const [file, setFile] = useState();
    const [answer, setAnswer] = useState();
    const running = useRef();

    const set = (more) => setDraft((old) => ({ ...old, ...more }));

    useEffect(() => { drafts.set(name, draft); });
    useEffect(() => () => running.current?.abort(), []);

    const isBusy = answer && !answer.isOver;

    function invoke(event) {
        event.preventDefault();

        if (isBusy) {
            return;
        }

        running.current = new AbortController();
        setAnswer({});
        callFunction(requestOf(name, draft, file), running.current.signal,
            seldom(setAnswer));
    }

    return (
        <div class="stack">
            <form class="card card-body stack" onSubmit={invoke}
                aria-label="Request" onKeyDown={(event) => {
                    if (event.key === 'Enter'
                        && (event.ctrlKey || event.metaKey))
                    {
                        invoke(event);
                    }
                }}>
                <RequestLine name={name} draft={draft} set={set}
                    isBusy={isBusy} onStop={() => running.current.abort()} />
                <div class="fields">
                    <TextField label="Query" value={draft.query}
                        placeholder="a=b&amp;c=d"
                        onChange={(query) => set({ query })} />
                    {hasBody(draft) && <SelectField label="Body is"
                        options={BODIES} value={draft.kind}
                        onChange={(kind) => set({ kind })} />}
                    {hasBody(draft) && <Body draft={draft} set={set}
                        onFile={setFile} />}
                    <Pairs label="Headers" what="header" pairs={draft.headers}
                        onChange={(headers) => set({ headers })} />
                </div>
                <div class="actions">
                    <CopyButton label="Copy request as curl"
                        text={() => curlOfDraft(name, draft, file)} />
                    <span class="hint">
                        Ctrl+Enter invokes. The call goes without your
                        password.
                    </span>
                </div>
            </form>
            {answer && <Answer answer={answer} fn={fn} />}
        </div>
    );
}
