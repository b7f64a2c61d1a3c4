// SPDX-License-Identifier: BSD-2-Clause
//
// What the portal computes, without a browser.

import { check, same } from './lib.mjs';
import { curlOf } from '../src/lib/curl.js';
import { Figures, quantileOf } from '../src/lib/figures.js';
import { age, bytes, duration } from '../src/lib/format.js';
import { parseStack } from '../src/lib/stack.js';


const SECOND = 1000;
const START = 1_700_000_000 * SECOND;


function feed(...events) {
    const figures = new Figures();

    events.forEach((functions, n) => figures.apply({ t: START + n * SECOND,
        bounds: [0.01, 0.1, 1], full: n === 0, functions }));

    return figures;
}


async function figureChecks() {
    await check('a rate is the mean of the seconds that are known', () => {
        const figures = feed({ a: { i: 0, p: 0, r: 1 } },
            { a: { i: 0, p: 0, r: 1, c: 6, e: 3, h: [[0, 6]] } }, {});

        same(figures.rate('a'), 3);
        same(figures.errorShare('a'), 0.5);
        same(figures.errorShare('b'), null);
        same(figures.calls('a', 3), [0, 6, 0]);
    });

    await check('percentiles are as Prometheus has them', () => {
        same(quantileOf([10, 0, 0, 0], [0.01, 0.1, 1], 0.5), 0.005);
        same(quantileOf([0, 0, 0, 2], [0.01, 0.1, 1], 0.5), 1);
        same(quantileOf([0, 0, 0, 0], [0.01, 0.1, 1], 0.5), null);
    });

    await check('a function that is gone has no figures', () => {
        const figures = feed({ a: { i: 0, p: 0, r: 1 } }, { a: null });

        same(figures.get('a'), undefined);
    });

    await check('what the feed left out while it was away is forgotten', () => {
        const figures = feed({ a: { i: 0, p: 0, r: 1 } });

        figures.apply({ t: START + 5 * SECOND, full: true, bounds: [1],
            functions: { b: { i: 0, p: 0, r: 2 } } });
        same([figures.get('a'), figures.get('b').r], [undefined, 2]);
    });

    await check('a history has a row a second, and keeps what was last', () => {
        const { t, calls, replicas } = feed({ a: { i: 0, p: 0, r: 1 } }, {},
            { a: { i: 0, p: 0, r: 3, c: 2, h: [[1, 2]] } }).history('a');

        same([t.length, calls, replicas], [3, [0, 0, 2], [1, 1, 3]]);
    });

    await check('a history is bounded', () => {
        const figures = feed(...Array.from({ length: 900 }, () =>
            ({ a: { i: 0, p: 0, r: 1, c: 1 } })));

        same([figures.history('a').t.length, figures.get('a').samples.length
            <= 301], [300, true]);
    });
}


async function refused(text) {
    return parseStack(text, 'ns').then(() => 'taken', (error) => error.message);
}


async function stackChecks() {
    await check('a stack.yml is read with anchors and defaults', async () => {
        const [first, second] = await parseStack(`
x: &env { level: 3, debug: true }
functions:
  one: { image: "\${REPO:-own}/one", environment: *env, secrets: [s] }
  two: { image: two, namespace: other, lang: node, fprocess: ./two }
`, 'ns');

        same([first.service, first.image, first.namespace, first.envVars,
            first.secrets], ['one', 'own/one', 'ns',
            { level: '3', debug: 'true' }, ['s']]);
        same([second.namespace, second.envProcess], ['other', './two']);
    });

    await check('what is wrong with a stack.yml is said', async () => {
        same(await refused('functions: {}'), 'there are no functions in it');
        same(await refused('functions: {a: {lang: x}}'),
            'functions.a: there is no image');
        same(await refused('functions: {a: {image: x, imagee: y}}'),
            'functions.a.imagee: there is no such field');
        same(await refused('functions: {a: {image: "${X}"}}'),
            '${X} has no value here: write it as ${X:-VALUE}');
        same(await refused('functions: {a: {image: x, labels: [a]}}'),
            'functions.a.labels: expected a map');
    });
}


export default async function unit() {
    await figureChecks();
    await stackChecks();

    await check('curl is quoted for a shell', () => {
        same(curlOf({ method: 'POST', url: 'http://h/a?b=c&d', body: "it's",
            headers: [['X-A', 'b c']] }), 'curl -i -H \'X-A: b c\' --data-raw '
            + "'it'\\''s' 'http://h/a?b=c&d'");
        same(curlOf({ method: 'GET', url: 'http://h/' }),
            'curl -i http://h/');
    });

    await check('figures are short', () => {
        same([duration(0.0042), duration(0.25), duration(2.5), bytes(1536),
            age(90061)], ['4.2 ms', '250 ms', '2.50 s', '1.5 KiB', '1 d 1 h']);
    });
}
