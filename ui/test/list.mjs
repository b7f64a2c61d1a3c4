// SPDX-License-Identifier: BSD-2-Clause
//
// The list of functions.

import { api, call, check, close, deploy, eventually, gone, like, open, row,
    same, see } from './lib.mjs';


const names = (page) => page.locator('.list-body .of-name').allInnerTexts();

const cell = (page, name, column) =>
    row(page, name).locator(`.of-${column}`).innerText();


const heading = (page, name) =>
    page.getByRole('heading', { name, exact: true });


async function figures(page) {
    await check('the list has all functions, with state and replicas',
        async () => {
            await row(page, 'wordcount').waitFor();
            same(await names(page), ['env', 'fail', 'hello-node',
                'wordcount']);
            await eventually(async () => await cell(page, 'env', 'state')
                === 'Ready', 'state Ready');
            same(await cell(page, 'env', 'replicas'), '1');
        });

    await check('calls are in the figures as they come', async () => {
        await see(page, 'Live');
        await call('wordcount', 20);
        await call('fail', 3);
        await eventually(async () => await cell(page, 'wordcount', 'rate')
            !== '0', 'rate of calls');
        like(await cell(page, 'wordcount', 'p50'), /^[\d.]+ m?s$/);
        like(await cell(page, 'wordcount', 'p99'), /^[\d.]+ m?s$/);
        same(await cell(page, 'wordcount', 'errors'), '0 %');
        await eventually(async () => await cell(page, 'fail', 'errors')
            === '100 %', 'errors of a function that fails');
        same(await row(page, 'wordcount').locator('.spark .area').count(), 1);
        same(await row(page, 'env').locator('.spark .area').count(), 0);
    });
}


async function finding(page) {
    const search = page.getByRole('searchbox');

    await check('a search leaves those that match', async () => {
        await search.fill('hello');
        same(await names(page), ['hello-node']);
        await search.fill('no such');
        await see(page, 'Nothing found');
        await search.fill('');
    });

    await check('columns sort, and say how', async () => {
        const head = page.getByRole('columnheader', { name: 'Errors' });

        await head.getByRole('button').click();
        await eventually(async () => (await names(page))[0] === 'fail',
            'fail at the top');
        same(await head.getAttribute('aria-sort'), 'descending');
        await page.getByRole('button', { name: 'Name' }).click();
        same((await names(page))[0], 'env');
    });
}


async function keys(page) {
    await check('keys search, walk through the list, open and go', async () => {
        await page.keyboard.press('/');
        same(await page.evaluate(() => document.activeElement.type), 'search');
        await page.getByRole('link', { name: 'env', exact: true }).focus();
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await heading(page, 'hello-node').waitFor();
        await page.keyboard.press('g');
        await page.keyboard.press('s');
        await heading(page, 'Secrets').waitFor();
        await page.keyboard.press('?');
        await page.getByRole('dialog').waitFor();
        await page.keyboard.press('Escape');
        await gone(page.getByRole('dialog'));
        await page.keyboard.press('g');
        await page.keyboard.press('f');
        await heading(page, 'Functions').waitFor();
    });
}


async function namespaces(page) {
    await check('another namespace has its own list, or none', async () => {
        const labels = { openfaas: '1' };

        for (const name of ['team', 'bare']) {
            same((await api('POST', `/system/namespace/${name}`,
                { name, labels })).status, 201);
        }

        await deploy({ service: 'theirs', namespace: 'team', image: 'env',
            envProcess: './handler.sh' });
        await page.reload();

        const select = page.getByLabel('Namespace');

        await eventually(async () => (await select.innerText())
            .includes('team'), 'namespace to choose');
        await select.selectOption('team');
        await row(page, 'theirs').waitFor();
        same(await names(page), ['theirs']);
        await select.selectOption('bare');
        await see(page, 'No functions yet');
        await page.reload();
        await see(page, 'No functions yet');
        await select.selectOption('openfaas-fn');
        await row(page, 'wordcount').waitFor();
    });
}


export default async function list() {
    const page = await open();

    await figures(page);
    await finding(page);

    await check('what is deployed elsewhere comes and goes by itself',
        async () => {
            await deploy({ service: 'new-one', image: 'env',
                envProcess: './handler.sh' });
            await row(page, 'new-one').waitFor();
            await api('DELETE', '/system/functions',
                { functionName: 'new-one' });
            await gone(row(page, 'new-one'));
        });

    await keys(page);
    await namespaces(page);
    await close(page);
}
