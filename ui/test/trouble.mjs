// SPDX-License-Identifier: BSD-2-Clause
//
// When something is not as it should be: the password, the gateway, an answer.

import { ask, check, close, gone, open, row, same, see, url, visit }
    from './lib.mjs';


const banner = (page, text) => page.locator('.banner', { hasText: text });

const alert = (page, text) => page.getByRole('alert').filter({
    hasText: text });

const views = { functions: '/', function: '/functions/env.openfaas-fn',
    store: '/deploy/store', secrets: '/secrets', queue: '/async',
    system: '/system' };


async function passwords() {
    await check('with a wrong password there is nothing to be seen',
        async () => {
            const page = await open('/', { httpCredentials: {
                username: 'admin', password: 'wrong' } });

            await see(page, 'invalid credentials');
            await close(page);
        });

    await check('a password that was changed meanwhile is said', async () => {
        const page = await open('/');

        await row(page, 'wordcount').waitFor();
        await ask('password another');
        await visit(page, '/system');
        await banner(page, 'no longer accepted').waitFor();
        await ask('password old');
        await visit(page, '/secrets');
        await gone(banner(page, 'no longer accepted'));
        await close(page);
    });
}


async function gateway() {
    const page = await open('/');

    await check('a gateway that is gone is said, and what was known is kept',
        async () => {
            await row(page, 'wordcount').waitFor();
            await see(page, 'Live');
            await ask('stop-gateway');
            await banner(page, 'does not answer').waitFor();
            await row(page, 'wordcount').waitFor();
        });

    await check('when it is back all goes on by itself', async () => {
        await ask('start-gateway');
        await see(page, 'Live');
        await gone(banner(page, 'does not answer'));
        await visit(page, '/system');
        await see(page, 'Leads');
    });

    await close(page);
}


async function answers() {
    const page = await open('/api');

    await page.route('**/system/**', (route) => route.fulfill({ status: 503,
        body: 'it is not a good day\n' }));
    await page.locator('.operation').first().waitFor();

    for (const [name, path] of Object.entries(views)) {
        await check(`${name}: what cannot be had is said, and tried again`,
            async () => {
                await visit(page, path);
                await alert(page, 'it is not a good day').first().waitFor();
                await page.getByRole('button', { name: 'Try again' }).first()
                    .waitFor();
            });
    }

    await close(page);
}


async function headers() {
    await check('its files come with a policy, and are kept by their hashes',
        async () => {
            const page = await open('/');
            const res = await page.goto(`${url}/ui/`);
            const head = (name) => res.headers()[name];
            const script = (await res.text()).match(/src="\.(\/[^"]+\.js)"/)[1];
            const asset = await page.request.get(`${url}/ui${script}`);

            same([head('x-content-type-options'), head('referrer-policy'),
                head('cache-control'), head('content-encoding')],
            ['nosniff', 'no-referrer', 'no-cache', 'gzip']);
            same(["default-src 'self'", "frame-ancestors 'none'",
                "require-trusted-types-for 'script'"].filter((rule) =>
                !head('content-security-policy').includes(rule)), []);
            same([asset.headers()['content-type'],
                asset.headers()['cache-control']],
            ['text/javascript', 'max-age=31536000, immutable']);
            await close(page);
        });
}


export default async function trouble() {
    await headers();
    await passwords();
    await answers();
    await gateway();
}
