// SPDX-License-Identifier: BSD-2-Clause
//
// Deploying new functions, in each of the three ways.

import { api, button, check, close, eventually, open, same, see, visit }
    from './lib.mjs';


async function statusOf(name) {
    return JSON.parse((await api('GET', `/system/function/${name}`)).text);
}


async function stack(page) {
    const text = page.getByRole('textbox', { name: 'stack.yml' });

    await check('a stack.yml is deployed, and again', async () => {
        await visit(page, '/deploy/stack');
        await text.fill('functions:\n  st-a: {image: env, '
            + 'fprocess: ./handler.sh, environment: {n: 5}}\n'
            + '  st-b: {image: nothing}\n');
        await button(page, 'Read it').click();
        await button(page, 'Deploy all').click();
        await page.getByText('deployed', { exact: true }).waitFor();
        await see(page, '"image"');     // of the second one, which is none
        same((await statusOf('st-a')).envVars, { n: '5' });
        await button(page, 'Deploy all').click();
        await page.getByText('updated', { exact: true }).waitFor();
    });

    await check('a file of it is read, and none is none', async () => {
        const file = page.getByLabel('Or a file');

        await file.setInputFiles({ name: 'stack.yml', mimeType: 'text/yaml',
            buffer: Buffer.from('functions: {}') });
        await eventually(async () => await text.inputValue()
            === 'functions: {}', 'text of the file');
        await file.setInputFiles([]);
        await eventually(async () => await text.inputValue() === '',
            'no text');
    });

    await check('what is wrong with a stack.yml is said', async () => {
        await text.fill('functions: {a: [');
        await button(page, 'Read it').click();
        await page.getByRole('alert').waitFor();
    });
}


export default async function deploying() {
    const page = await open('/deploy');

    await check('a function of the store is deployed', async () => {
        await page.getByRole('searchbox').fill('count');
        await button(page, 'Choose Word count').click();
        same(await page.getByLabel('Image').inputValue(), 'wordcount');
        await page.getByLabel('Name', { exact: true }).fill('of-store');
        await button(page, 'Deploy').click();
        await page.getByRole('heading', { name: 'of-store' }).waitFor();

        const fn = await statusOf('of-store');

        same([fn.envProcess, fn.envVars], ['./wordcount',
            { content_type: 'text/plain' }]);
    });

    await check('each function of the store can be deployed here', async () => {
        await visit(page, '/deploy/store');
        await page.getByRole('button', { name: /^Choose/ }).first().waitFor();

        for (const name of await page.locator('.store button').evaluateAll(
            (all) => all.map((one) => one.getAttribute('aria-label'))))
        {
            await button(page, name).click();

            const image = await page.getByLabel('Image').inputValue();
            const spec = await page.getByLabel('Process').inputValue();
            const res = await api('POST', '/system/functions', {
                service: `x-${image}`, image, envProcess: spec });

            same([name, res.status], [name, 202]);
            await api('DELETE', '/system/functions',
                { functionName: `x-${image}` });
            await visit(page, '/deploy/store');
        }
    });

    await check('what the scaler refuses is said, and can be mended',
        async () => {
            await visit(page, '/deploy');
            await visit(page, '/deploy/form');
            await page.getByLabel('Name', { exact: true }).fill('by-hand');
            await page.getByLabel('Image').fill('no-such-image');
            await button(page, 'Deploy').click();
            await page.getByRole('alert').filter({ hasText: 'image' })
                .waitFor();
            await page.getByLabel('Image').fill('env');
            await page.getByLabel('Process').fill('./handler.sh');
            await button(page, 'Deploy').click();
            await page.getByRole('heading', { name: 'by-hand' }).waitFor();
        });

    await stack(page);
    await close(page);
}
