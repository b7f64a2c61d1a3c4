// SPDX-License-Identifier: BSD-2-Clause
//
// A function's page, but for invoking it.

import { readFile } from 'node:fs/promises';
import { api, blank, button, call, check, close, deploy, eventually, gone, like,
    open, same, see, visit } from './lib.mjs';


const tile = (page, name) => page.locator('.tile', { hasText: name })
    .locator('dd').innerText();


async function overview(page) {
    await check('figures and charts follow the calls', async () => {
        await page.getByRole('heading', { name: 'wordcount' }).waitFor();
        await see(page, 'Live');
        same(await tile(page, 'Replicas'), '1 / 1');
        await call('wordcount', 20);
        await eventually(async () => await tile(page, 'Calls/s') !== '0',
            'rate of calls');
        like(await tile(page, 'p99'), /^[\d.]+ m?s$/);

        for (const title of ['Calls a second', 'Latency', 'Replicas',
            'Calls now'])
        {
            await page.getByRole('figure', { name: title }).locator('canvas')
                .waitFor();
        }
    });

    await check('a chart has the value under the pointer in its head',
        async () => {
            const chart = page.getByRole('figure', { name: 'Replicas' });
            const box = await chart.locator('canvas').boundingBox();

            await page.mouse.move(box.x + box.width - 40, box.y + 60);
            await eventually(async () => /replicas 1/.test(
                await chart.innerText()), 'value');
        });

    await check('what was deployed is shown', async () => {
        await see(page, '/function/wordcount.openfaas-fn');
        await see(page, 'content_type=text/plain');
    });

    await check('without a clipboard there is a text to copy', async () => {
        const other = await blank();
        const text = other.getByRole('textbox', { name: 'To be copied' });

        await other.addInitScript(() => Object.defineProperty(navigator,
            'clipboard', { value: undefined }));
        await other.goto(page.url());
        await button(other, 'Copy URL').click();
        same(await text.evaluate((area) => area === document.activeElement
            && area.selectionEnd === area.value.length), true);
        like(await text.inputValue(), /^http.*wordcount.openfaas-fn$/);
        await close(other);
    });

    await check('it is copied as a command line of curl', async () => {
        await button(page, 'Copy as curl').click();
        same(await page.evaluate(() => navigator.clipboard.readText()),
            `curl -i -X POST ${new URL('/function/wordcount.openfaas-fn',
                page.url())}`);
    });
}


async function scaling(page) {
    await check('it is scaled, and the replicas are seen', async () => {
        await button(page, 'Scale').click();
        await page.getByRole('dialog').getByLabel('Replicas').fill('2');
        await button(page.getByRole('dialog'), 'Scale').click();
        await gone(page.getByRole('dialog'));
        await eventually(async () => await tile(page, 'Replicas') === '2 / 2',
            'two replicas');
    });

    await check('what the scaler refuses is said in the dialog', async () => {
        const dialog = page.getByRole('dialog');

        await button(page, 'Scale').click();
        await dialog.getByLabel('Replicas').fill('256');
        await button(dialog, 'Scale').click();
        await dialog.getByRole('alert').waitFor();
        await button(dialog, 'Cancel').click();
        await gone(dialog);
    });
}


async function logs(page) {
    const lines = page.locator('.log-line');

    await check('lines of the log come as they are printed', async () => {
        await visit(page, '/functions/wordcount.openfaas-fn/logs');
        await lines.first().waitFor();

        const before = await lines.count();

        await call('wordcount');
        await eventually(async () => await lines.count() > before,
            'new line');
    });

    await check('lines are found, held and saved', async () => {
        const other = await open('/functions/wordcount.openfaas-fn/logs');
        const others = other.locator('.log-line');

        await others.first().waitFor();
        await page.getByLabel('Filter lines').fill('no such line');
        await eventually(async () => await lines.count() === 0, 'filter');
        await page.getByLabel('Filter lines').fill('');
        await button(page, 'Pause').click();

        const before = await lines.count();

        await call('wordcount', 2);
        await eventually(async () => await others.count() > before,
            'lines on another page');
        await close(other);

        const saved = page.waitForEvent('download');

        await button(page, 'Download').click();
        same((await readFile(await (await saved).path(), 'utf8'))
            .trim().split('\n').length, before);
        await button(page, 'Follow').click();
        await eventually(async () => await lines.count() > before,
            'lines that were held');
    });

    await check('who scrolls up by keys holds them', async () => {
        await call('wordcount', 20);
        await eventually(async () => await lines.count() > 60, 'lines');
        await page.getByRole('log').focus();
        await page.keyboard.press('PageUp');
        await button(page, 'Follow').click();
        await button(page, 'Pause').waitFor();
    });

    await check('lines of a hostile function are text', async () => {
        await call('hostile');
        await visit(page, '/functions/hostile.openfaas-fn/logs');
        await see(page, '<b onclick="window.owned = 1">logged</b>');
        same(await page.evaluate(() => window.owned), undefined);
    });
}


// Variables come in any order.
async function fillVariable(page, name, value) {
    const names = page.getByLabel(/^Name of variable/);

    await names.first().waitFor();

    const n = await names.evaluateAll((inputs, wanted) =>
        inputs.findIndex((input) => input.value === wanted), name);

    await page.getByLabel(`Value of variable ${n + 1}`).fill(value);
}


async function editing(page) {
    await check('environment, labels, limits and secrets are edited',
        async () => {
            await api('POST', '/system/secrets', { name: 'used', value: 'x' });
            await visit(page, '/functions/env.openfaas-fn/edit');
            await fillVariable(page, 'greeting', 'good evening');

            for (const [what, name, value] of [['label', 'team', 'red'],
                ['limit', 'memory', '64Mi']])
            {
                await button(page, `Add ${what}`).click();
                await page.getByLabel(`Name of ${what} 1`).fill(name);
                await page.getByLabel(`Value of ${what} 1`).fill(value);
            }

            await page.getByLabel('used').check();
            await button(page, 'Update').click();
            await see(page, 'env is updated');

            const fn = JSON.parse((await api('GET', '/system/function/env'))
                .text);

            same([fn.envVars.greeting, fn.envVars.content_type, fn.labels.team,
                fn.limits, fn.secrets, fn.envProcess], ['good evening',
                'text/plain', 'red', { memory: '64Mi' }, ['used'],
                './handler.sh']);
        });

    await check('a name that is there twice is refused, none is lost',
        async () => {
            await visit(page, '/functions/env.openfaas-fn/edit');

            for (const [n, value] of [[2, 'blue'], [3, 'green']]) {
                await button(page, 'Add label').click();
                await page.getByLabel(`Name of label ${n}`).fill('hue');
                await page.getByLabel(`Value of label ${n}`).fill(value);
            }

            await button(page, 'Update').click();
            await page.getByRole('alert').filter({
                hasText: '"hue" is there twice' }).waitFor();
            await page.getByLabel('Name of label 3').fill('');
            await button(page, 'Update').click();
            await page.getByRole('alert').filter({
                hasText: '"green" has no name' }).waitFor();
            await visit(page, '/functions/env.openfaas-fn');
        });

    await check('what is wrong with it is said', async () => {
        await visit(page, '/functions/env.openfaas-fn/edit');
        await page.getByLabel('Image').fill('no-such-image');
        await button(page, 'Update').click();
        await page.getByRole('alert').filter({ hasText: 'no-such-image' })
            .waitFor();
    });
}


async function ends(page) {
    await check('the last error of a function that does not start is shown',
        async () => {
            await api('POST', '/system/functions', { service: 'broken',
                image: 'env', envProcess: './handler.sh no-such',
                envVars: { mode: 'http', exec_timeout: '1s' } });
            await visit(page, '/functions/broken.openfaas-fn');
            await page.getByRole('alert').filter({ hasText: 'Last error' })
                .waitFor();
        });

    await check('it is deleted only when its name is typed', async () => {
        const dialog = page.getByRole('dialog');

        await button(page, 'Delete').click();
        same(await button(dialog, 'Delete').isDisabled(), true);
        await dialog.getByLabel('Type broken').fill('broken');
        await button(dialog, 'Delete').click();
        await page.getByRole('heading', { name: 'Functions' }).waitFor();
        same((await api('GET', '/system/function/broken')).status, 404);
    });

    await check('a function that is none is said to be none', async () => {
        await visit(page, '/functions/nobody.openfaas-fn');
        await see(page, 'There is no such function');
    });
}


export default async function functionPage() {
    await deploy({ service: 'hostile', image: 'hostile', envProcess: './run',
        envVars: { content_type: 'text/html', combine_output: 'false' } });

    const page = await open('/functions/wordcount.openfaas-fn', {
        permissions: ['clipboard-read', 'clipboard-write'] });

    await overview(page);
    await scaling(page);
    await logs(page);
    await editing(page);
    await ends(page);
    await close(page);
}
