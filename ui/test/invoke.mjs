// SPDX-License-Identifier: BSD-2-Clause
//
// Invoking a function, and what is made of its answer.

import { readFile } from 'node:fs/promises';
import { ask, button, check, close, deploy, eventually, like, open, same, see,
    visit } from './lib.mjs';


const answer = (page) => page.getByRole('region', { name: 'Answer' });

const body = (page) => answer(page).getByLabel('Body');

const input = (page) => page.getByRole('textbox', { name: 'Body' });

const to = (page, name) => visit(page, `/functions/${name}.openfaas-fn/invoke`);


async function invoke(page, status) {
    await button(page, 'Invoke').click();
    await answer(page).locator('.tag', { hasText: status }).waitFor();
    await button(page, 'Invoke').waitFor();
}


async function requests(page) {
    await check('a text is sent; status, time and size are shown', async () => {
        await input(page).fill('one two two');
        await invoke(page, '200');
        like(await body(page).innerText(), /two/);
        like(await answer(page).locator('.card-head').innerText(),
            /200[^]*m?s[^]*\d+ B/);
    });

    await check('method, path, query and headers reach the function',
        async () => {
            await to(page, 'env');
            await page.getByLabel('Method').selectOption('PUT');
            await page.getByLabel('Path').fill('a/b#?');
            await page.getByLabel('Query').fill('c=d');
            await button(page, 'Add header').click();
            await page.getByLabel('Name of header 1').fill('X-Mine');
            await page.getByLabel('Value of header 1').fill('yes');
            await page.getByLabel('Body is').selectOption('json');
            await input(page).fill('{"e":1}');
            await invoke(page, '200');

            const text = await body(page).innerText();

            like(text, /^Http_Method=PUT$/m);
            like(text, /^Http_Path=\/a\/b(#|%23)(\?|%3F)$/m);
            like(text, /^Http_Query=c=d$/m);
            like(text, /^Http_X_Mine=yes$/m);
            like(text, /^Http_Content_Type=application\/json$/m);
        });

    await check('the portal\'s password does not', async () => {
        same((await body(page).innerText()).includes('Authorization'), false);
    });

    await check('the request is copied as curl', async () => {
        await button(page, 'Copy request as curl').click();

        const text = await page.evaluate(() => navigator.clipboard.readText());

        like(text, /-X PUT .*-H 'X-Mine: yes' --data-raw '{"e":1}' /);
        like(text, /\/function\/env.openfaas-fn\/a\/b%23%3F\?c=d'$/);
    });

    await check('what is no JSON is said, and sent', async () => {
        await input(page).fill('{"e"');
        await see(page, 'Not JSON');
        await invoke(page, '200');
    });
}


async function files(page) {
    await check('a file is sent, and the answer downloaded, byte by byte',
        async () => {
            const sent = Buffer.from([0, 255, 13, 10, 128, 10]);

            await to(page, 'echo');
            await page.getByLabel('Body is').selectOption('file');
            await page.getByLabel('File').setInputFiles({ name: 'f.bin',
                mimeType: 'application/octet-stream', buffer: sent });
            await invoke(page, '200');
            await see(page, 'not text');

            const saved = page.waitForEvent('download');

            await button(page, 'Download').click();
            same((await saved).suggestedFilename(), 'echo.bin');
            same([...await readFile(await (await saved).path())], [...sent]);
        });

    await check('of a large answer the beginning is shown', async () => {
        await to(page, 'large');
        await invoke(page, '200');
        await see(answer(page), 'This is its beginning: download it');
        same((await body(page).innerText()).length, 1 << 20);
    });

    await check('a picture is shown', async () => {
        await to(page, 'picture');
        await invoke(page, '200');

        const image = answer(page).getByRole('img');

        await eventually(() => image.evaluate((img) => img.naturalWidth === 1),
            'picture');
    });
}


async function streams(page) {
    await check('what streams is shown as it comes', async () => {
        await to(page, 'stream');
        await button(page, 'Invoke').click();
        await see(answer(page), 'the first line');
        same(await body(page).innerText(), 'the first line\n');
        await see(answer(page), 'Streaming');
        await ask('gate stream/gate');
        await see(answer(page), 'the last line');
        await button(page, 'Invoke').waitFor();
    });
}


export default async function invoking() {
    for (const [image, more] of [['stream', { mode: 'streaming' }],
        ['picture', { content_type: 'image/png' }],
        ['large', { content_type: 'text/plain' }]])
    {
        await deploy({ service: image, image, envProcess: './run',
            envVars: more });
    }

    await deploy({ service: 'echo', image: 'env', envProcess: 'cat',
        envVars: { content_type: 'application/octet-stream' } });

    const page = await open('/functions/wordcount.openfaas-fn/invoke', {
        permissions: ['clipboard-read', 'clipboard-write'] });

    await requests(page);
    await files(page);
    await streams(page);

    await check('an answer of a hostile function is text', async () => {
        await to(page, 'hostile');
        await invoke(page, '200');
        like(await body(page).innerText(), /<script>window.owned = 1/);
        same(await page.evaluate(() => window.owned), undefined);
    });

    await check('a failure is shown with its status', async () => {
        await to(page, 'fail');
        await invoke(page, '500');
    });

    await close(page);
}
