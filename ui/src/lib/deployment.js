// SPDX-License-Identifier: BSD-2-Clause
//
// A deployment as a form has it, and back: maps are lists of pairs there, so
// that a name can be typed; and deploying it.

import { ApiError, send } from './api.js';


const MAPS = ['envVars', 'labels', 'annotations', 'limits', 'requests'];


export function toForm(deployment) {
    const form = { service: '', image: '', envProcess: '', secrets: [],
        ...strip(deployment) };

    for (const name of MAPS) {
        form[name] = Object.entries(form[name] ?? {});
    }

    return form;
}


// Rows with nothing in them are left out; of two with one name one would be
// lost.
function toMap(rows) {
    const map = new Map();

    for (const [typed, value] of rows) {
        const name = typed.trim();

        if (name === '' && value !== '') {
            throw new Error(`the value "${value}" has no name`);
        }

        if (map.has(name)) {
            throw new Error(`"${name}" is there twice`);
        }

        if (name !== '') {
            map.set(name, value);
        }
    }

    return Object.fromEntries(map);
}


// Throws an Error that says what is wrong.
export function fromForm(form) {
    const deployment = { ...form };

    for (const name of MAPS) {
        deployment[name] = toMap(form[name]);
    }

    return strip(deployment);
}


// Without members that say nothing.
function strip(object) {
    return Object.fromEntries(Object.entries(object).filter(([, value]) =>
        value !== undefined && value !== '' && value !== false
        && !(typeof value === 'object' && Object.keys(value).length === 0)));
}


export const create = (deployment) =>
    send('POST', 'system/functions', deployment);

export const update = (deployment) =>
    send('PUT', 'system/functions', deployment);


// Whether it is there already or not; says which.
export async function createOrUpdate(deployment) {
    try {
        await update(deployment);
        return 'updated';
    } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) {
            throw error;
        }
    }

    await create(deployment);

    return 'deployed';
}
