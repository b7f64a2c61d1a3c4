// SPDX-License-Identifier: BSD-2-Clause
//
// The queue and its dead letters.

import { button, check, close, eventually, like, open, row, see, url }
    from './lib.mjs';


const dead = (page) => row(page, 'fail.openfaas-fn');


async function fail(page, n) {
    for (let i = 0; i < n; i++) {
        await fetch(`${url}/async-function/fail`, { method: 'POST',
            body: `call ${i}`, headers: { 'X-Mine': 'yes' } });
    }

    await eventually(async () => await dead(page).count() >= n,
        'dead letters');
}


const empty = (page) => see(page, 'No call was given up');


export default async function async() {
    const page = await open('/async');
    const dialog = page.getByRole('dialog');

    await check('a queue with nothing in it says so', async () => {
        await see(page, 'No call waits');
        await empty(page);
    });

    await check('calls that are given up are listed', () => fail(page, 2));

    await check('one is shown with what was asked', async () => {
        await dead(page).first().getByRole('button').first().click();
        await see(dialog, 'POST');
        like(await dialog.innerText(), /x-mine: yes/i);
        like(await dialog.innerText(), /call \d/);
        await button(dialog, 'Close').click();
    });

    await check('one is tried again, and given up again', async () => {
        const before = await dead(page).last().innerText();

        await dead(page).first().getByRole('button', { name: /^Retry/ })
            .click();
        await see(page, 'It is queued again');
        await eventually(async () => await dead(page).count() === 2
            && await dead(page).last().innerText() !== before, 'dead letter');
    });

    await check('one is forgotten', async () => {
        await dead(page).first().getByRole('button', { name: /^Forget/ })
            .click();
        await eventually(async () => await dead(page).count() === 1,
            'shorter list');
    });

    await check('all are tried again', async () => {
        await button(page, 'Retry all').click();
        await button(dialog, 'Retry all').click();
        await see(page, '1 call queued again');
        await eventually(async () => await dead(page).count() === 1,
            'dead letter');
    });

    await check('all are forgotten', async () => {
        await button(page, 'Forget all').click();
        await button(dialog, 'Forget all').click();
        await see(page, '1 call forgotten');
        await empty(page);
    });

    await check('a call that waits for its time is counted', async () => {
        await fetch(`${url}/async-function/env`, { method: 'POST',
            headers: { 'X-Delay': '3600' } });
        await eventually(async () => /Delayed\s+1/.test(await page
            .getByRole('region', { name: 'Queue' }).innerText()), 'delayed');
    });

    await close(page);
}
