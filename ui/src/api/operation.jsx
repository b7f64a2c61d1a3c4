// SPDX-License-Identifier: BSD-2-Clause
//
// One operation of the API: what it takes and answers, and a form to try it.

import { useState } from 'preact/hooks';
import { membersOf } from '../lib/openapi.js';
import { Prose } from './prose.jsx';
import { Try } from './try.jsx';


function Parameters({ parameters }) {
    return parameters.length > 0 && (
        <section class="stack">
            <h3>Parameters</h3>
            <dl class="facts">
                {parameters.map(({ name, in: where, description }) => [
                    <dt key={name}><code>{name}</code> in {where}</dt>,
                    <dd><Prose text={description ?? ''} /></dd>])}
            </dl>
        </section>
    );
}


function Body({ doc, body }) {
    const members = body?.schema ? membersOf(doc, body.schema) : [];

    return members.length > 0 && (
        <section class="stack">
            <h3>Body</h3>
            <dl class="facts">
                {members.map(({ name, isRequired, type, description }) => [
                    <dt key={name}><code>{name}</code>{isRequired && ' *'}</dt>,
                    <dd><span class="muted">{type}</span>
                        <Prose text={description ?? ''} /></dd>])}
            </dl>
        </section>
    );
}


function Responses({ responses }) {
    return (
        <section class="stack">
            <h3>Answers</h3>
            <dl class="facts">
                {responses.map(([status, description]) => [
                    <dt key={status}><code>{status}</code></dt>,
                    <dd><Prose text={description ?? ''} /></dd>])}
            </dl>
        </section>
    );
}


// What is not looked at is not drawn.
export function Operation({ doc, operation }) {
    const [isOpen, setOpen] = useState(false);
    const { method, path, summary, description, parameters, body, responses }
        = operation;

    return (
        <details class="operation"
            onToggle={(event) => setOpen(event.target.open)}>
            <summary>
                <b class={`method is-${method.toLowerCase()}`}>{method}</b>
                <code>{path}</code><span>{summary}</span>
            </summary>
            {isOpen && <div class="operation-body">
                <Prose text={description} />
                <Parameters parameters={parameters} />
                <Body doc={doc} body={body} />
                <Responses responses={responses} />
                <Try doc={doc} operation={operation} />
            </div>}
        </details>
    );
}
