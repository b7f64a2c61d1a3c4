// SPDX-License-Identifier: BSD-2-Clause
//
// The API's description (openapi.json) as a list of operations, with what is
// referred to put in place.

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];

const DEPTH_MAX = 6;                // of an example


export function resolve(doc, node) {
    if (!node?.$ref) {
        return node ?? {};
    }

    const { $ref, ...own } = node;
    const target = $ref.slice(2).split('/').reduce((at, name) =>
        at[name.replaceAll('~1', '/').replaceAll('~0', '~')], doc);

    return { ...resolve(doc, target), ...own };
}


function bodyOf(doc, operation) {
    const body = resolve(doc, operation.requestBody);
    const [type, { schema } = {}] = Object.entries(body.content ?? {})[0] ?? [];

    return type && { type, schema: resolve(doc, schema) };
}


// [tag, operations] in the order of the description.
export function operationsOf(doc) {
    const tags = new Map(doc.tags.map(({ name }) => [name, []]));

    for (const [path, item] of Object.entries(doc.paths)) {
        for (const method of METHODS.filter((name) => item[name])) {
            const operation = item[method];
            const parameters = [...item.parameters ?? [],
                ...operation.parameters ?? []]
                .map((parameter) => resolve(doc, parameter));
            const responses = Object.entries(operation.responses)
                .map(([status, response]) => [status,
                    resolve(doc, response).description]);

            tags.get(operation.tags[0]).push({ path,
                method: method.toUpperCase(),
                id: operation.operationId, summary: operation.summary,
                description: [item.description, operation.description]
                    .filter(Boolean).join('\n\n'),
                parameters, responses, body: bodyOf(doc, operation) });
        }
    }

    return [...tags].filter(([, operations]) => operations.length > 0);
}


const typeOf = (schema) => [schema.type].flat()[0];


// A value that the schema describes: its required members, all of a schema
// that requires none.
export function exampleOf(doc, node, depth = 0) {
    const schema = resolve(doc, node);

    if ('const' in schema || schema.enum) {
        return schema.const ?? schema.enum[0];
    }

    if (depth === DEPTH_MAX) {
        return null;
    }

    switch (typeOf(schema)) {
    case 'object': {
        const names = schema.required ?? [];

        return Object.fromEntries(names.map((name) => [name,
            exampleOf(doc, schema.properties?.[name], depth + 1)]));
    }
    case 'array':
        return [exampleOf(doc, schema.items, depth + 1)];
    case 'integer':
    case 'number':
        return schema.minimum ?? 0;
    case 'boolean':
        return false;
    default:
        return '';
    }
}


// Members of an object, with what is said of each.
export function membersOf(doc, schema) {
    const { required = [], properties = {} } = schema;

    return Object.entries(properties).map(([name, node]) => {
        const member = resolve(doc, node);

        return { name, isRequired: required.includes(name),
            type: [member.type ?? 'any'].flat().join(' or '),
            description: member.description };
    });
}
