// SPDX-License-Identifier: BSD-2-Clause
//
// A stack.yml as deployments.  Nothing is built here: an image has to be there
// already.  Fields are those that the command line reads (docs/cli.md), of
// which it uses those that say something of a deployment.

const DEPLOYED = { image: 'text', fprocess: 'text', namespace: 'text',
    environment: 'map', labels: 'map', annotations: 'map', limits: 'map',
    requests: 'map', secrets: 'list', constraints: 'list',
    readonly_root_filesystem: 'any' };

// what is for a build, or was
const BUILD = ['lang', 'handler', 'platforms', 'build_options', 'build_args',
    'build_secrets', 'skip_build'];

const FUNCTIONS_MAX = 256;   // of a file


// ${NAME} has no value in a browser; ${NAME:-default} has.
function substitute(text) {
    return text.replace(/\$\{([^}:]*)(?::-([^}]*))?\}/g,
        (whole, name, value) => {
            if (value === undefined) {
                throw new Error(`\${${name}} has no value here: write it as `
                    + `\${${name}:-VALUE}`);
            }

            return value;
        });
}


function asText(value, where) {
    if (value === null || value === undefined) {
        return '';
    }

    if (typeof value === 'object') {
        throw new Error(`${where}: expected a text`);
    }

    return String(value);
}


const readers = {
    any: (value) => value,
    text: asText,

    list: (value, where) => {
        if (!Array.isArray(value ?? [])) {
            throw new Error(`${where}: expected a list`);
        }

        return (value ?? []).map((item) => asText(item, where));
    },

    map: (value, where) => {
        if (typeof (value ?? {}) !== 'object' || Array.isArray(value)) {
            throw new Error(`${where}: expected a map`);
        }

        return Object.fromEntries(Object.entries(value ?? {}).map(
            ([name, text]) => [name, asText(text, `${where}.${name}`)]));
    },
};


function readFunction(name, fn, namespace) {
    const read = {};

    for (const [field, value] of Object.entries(readers.any(fn) ?? {})) {
        const where = `functions.${name}.${field}`;

        if (Object.hasOwn(DEPLOYED, field)) {
            read[field] = readers[DEPLOYED[field]](value, where);
        } else if (field === 'environment_file') {
            throw new Error(`${where}: files cannot be read from a browser`);
        } else if (!BUILD.includes(field)) {
            throw new Error(`${where}: there is no such field`);
        }
    }

    if (!read.image) {
        throw new Error(`functions.${name}: there is no image`);
    }

    return { service: name, image: read.image, envProcess: read.fprocess,
        namespace: read.namespace || namespace, envVars: read.environment,
        labels: read.labels, annotations: read.annotations,
        limits: read.limits, requests: read.requests, secrets: read.secrets,
        constraints: read.constraints,
        readOnlyRootFilesystem: Boolean(read.readonly_root_filesystem) };
}


// Throws an Error that says what is wrong.
export async function parseStack(text, namespace) {
    const { load } = await import('js-yaml/browser');
    const stack = load(substitute(text));
    const functions = Object.entries(stack?.functions ?? {});

    if (functions.length === 0) {
        throw new Error('there are no functions in it');
    }

    if (functions.length > FUNCTIONS_MAX) {
        throw new Error(`${functions.length} functions, expected at most `
            + FUNCTIONS_MAX);
    }

    return functions.map(([name, fn]) => readFunction(name, fn, namespace));
}
