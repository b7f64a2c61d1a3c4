// SPDX-License-Identifier: BSD-2-Clause
//
// Whether the portal can be used by those who see it otherwise than we do:
// axe's rules, both themes, the width of a phone.

import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { api, check, close, deploy, eventually, open, same, url, visit }
    from './lib.mjs';


const axe = await readFile(createRequire(import.meta.url)
    .resolve('axe-core/axe.min.js'), 'utf8');

// as long as a name can be
const LONG = 'n'.repeat(63);

const views = {
    functions: ['/', '.list-body'],
    function: [`/functions/${LONG}.openfaas-fn`, 'canvas'],
    invoke: [`/functions/${LONG}.openfaas-fn/invoke`, '.request-line'],
    logs: ['/functions/wordcount.openfaas-fn/logs', '.log-line'],
    edit: [`/functions/${LONG}.openfaas-fn/edit`, '.pair'],
    store: ['/deploy/store', '.store'],
    form: ['/deploy/form', '.fields'],
    stack: ['/deploy/stack', 'textarea'],
    secrets: ['/secrets', 'tbody'],
    queue: ['/async', 'tbody'],
    system: ['/system', 'tbody'],
    api: ['/api', '.operation'],
};


// What axe finds; colours need be looked at once for each theme.
async function faults(page, rules) {
    await page.evaluate(axe);

    const { violations } = await page.evaluate((some) =>
        window.axe.run(some), rules);

    return violations.map(({ id, nodes }) =>
        `${id}: ${nodes.slice(0, 3).map(({ target }) => target).join(' ')}`);
}


async function looks(name, rules, options) {
    const page = await open('/', options);

    for (const [view, [path, shown]] of Object.entries(views)) {
        await check(`${name}: ${view} is accessible, and as wide as the window`,
            async () => {
                await visit(page, path);
                await page.locator(shown).first().waitFor();
                same(await faults(page, rules), []);
                same(await page.evaluate(() => Math.max(0,
                    document.documentElement.scrollWidth - innerWidth)), 0);
            });
    }

    await close(page);
}


async function makeLong() {
    await deploy({ service: LONG, image: 'fail', envProcess: './handler.sh',
        envVars: { [LONG]: LONG.repeat(9) }, labels: { [LONG]: LONG } });
    await api('POST', '/system/secrets', { name: LONG.repeat(4), value: 'x' });
    await fetch(`${url}/async-function/${LONG}`, { method: 'POST' });
    await eventually(async () => (await api('GET', '/system/async/dead'))
        .text.includes(LONG), 'dead letter');
}


export default async function access() {
    const contrast = 'color-contrast';

    await makeLong();
    await looks('light', {}, { colorScheme: 'light' });
    await looks('dark', { runOnly: [contrast] }, { colorScheme: 'dark' });
    await looks('phone', { rules: { [contrast]: { enabled: false } } }, {
        viewport: { width: 390, height: 844 }, hasTouch: true,
        isMobile: true });

    await check('the theme is what the system says, until one is chosen',
        async () => {
            const page = await open('/', { colorScheme: 'dark' });
            const background = () => page.evaluate(() =>
                getComputedStyle(document.documentElement).backgroundColor);
            const dark = await background();

            await page.getByRole('button', { name: /^Theme: auto/ }).click();

            const light = await background();

            same(dark === light, false);
            await page.reload();
            await page.getByRole('button', { name: /^Theme: light/ }).waitFor();
            same(await background(), light);
            await close(page);
        });
}
