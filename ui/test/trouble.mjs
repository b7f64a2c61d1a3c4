// SPDX-License-Identifier: BSD-2-Clause
//
// When something is not as it should be: the password, the gateway, an answer.

import { ask, blank, check, close, gone, open, portal, row, same, see, url,
    visit } from './lib.mjs';


const banner = (page, text) => page.locator('.banner', { hasText: text });

const alert = (page, text) => page.getByRole('alert').filter({
    hasText: text });

// path and heading
const views = {
    functions: ['/', 'Functions'],
    function: ['/functions/env.openfaas-fn', 'env.openfaas-fn'],
    store: ['/deploy/store', 'Deploy a function'],
    secrets: ['/secrets', 'Secrets'],
    queue: ['/async', 'Queue'],
    system: ['/system', 'System'],
};


async function passwords() {
    await check('with a wrong password there is nothing to be seen',
        async () => {
            const page = await open('/', { httpCredentials: {
                username: 'admin', password: 'wrong' } });

            await see(page, 'invalid credentials');
            await close(page);
        });

    const page = await blank();

    await page.clock.install();
    await page.goto(portal('/system'));
    await see(page, 'Leads');

    await check('a password that was changed meanwhile is said', async () => {
        await ask('password another');
        await banner(page, 'no longer accepted').waitFor();
    });

    await check('nothing is asked for then, for browsers ask for one each time',
        async () => {
            let asked = 0;

            page.on('request', () => { asked++; });
            await page.clock.runFor(5000);
            await ask('password old');
            same(asked, 0);
            await visit(page, '/secrets');
            await gone(banner(page, 'no longer accepted'));
            await see(page, 'Live');
        });

    await close(page);
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

    await check('one that says nothing any more is gone as well', async () => {
        await row(page, 'this one').waitFor();
        await ask('freeze-gateway');
        await banner(page, 'does not answer').waitFor();
        await alert(page, 'no answer in 10 seconds').waitFor();
        await ask('thaw-gateway');
        await see(page, 'Live');
        await gone(banner(page, 'does not answer'));
        await gone(alert(page, 'no answer'));
    });

    await close(page);
}


async function answers() {
    const page = await open('/api');

    await page.route('**/system/**', (route) => route.fulfill({ status: 503,
        body: 'it is not a good day\n' }));
    await page.locator('.operation').first().waitFor();

    for (const [name, [path, title]] of Object.entries(views)) {
        await check(`${name}: what cannot be had is said, and tried again`,
            async () => {
                await visit(page, path);
                await page.getByRole('heading', { name: title, exact: true })
                    .waitFor();
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
