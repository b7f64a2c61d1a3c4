// SPDX-License-Identifier: BSD-2-Clause
//
// What all checks need: the browser, pages of the portal, the stack's other
// end (t/lib/Faas/Portal.pm), and a way to say what was found.

import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';


const { FAAS_CONTROL, FAAS_PASSWORD, FAAS_URL, FAAS_USER } = process.env;

const TIMEOUT = 30_000;             // msec, for whatever is to happen

// what the browser says of answers that a check has asked for
const EXPECTED = /Failed to load resource|net::ERR_|\/system\/feed/;

export const url = FAAS_URL;
export const authorization = `Basic ${btoa(`${FAAS_USER}:${FAAS_PASSWORD}`)}`;
export const errors = [];           // on the console of any page

let control;
let lines;
let browser;


export async function begin() {
    control = connect(FAAS_CONTROL);
    lines = createInterface({ input: control })[Symbol.asyncIterator]();
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
}


export async function end() {
    await browser.close();
    control.end();
}


export const tell = (line) => control.write(`${line}\n`);


// Has the stack do something, and waits until it is done.
export async function ask(command) {
    tell(`do ${command}`);
    await lines.next();
}


export const deploy = (spec) => ask(`deploy ${JSON.stringify(spec)}`);


// A statement, and what shows it: run() throws where it is not so.
export async function check(name, run) {
    try {
        await run();
        tell(`ok ${name}`);
    } catch (error) {
        tell(`not ok ${name}`);
        String(error.stack).split('\n').slice(0, 12)
            .forEach((line) => tell(`# ${line}`));
    }
}


export function same(got, expected) {
    const [a, b] = [got, expected].map((value) => JSON.stringify(value));

    if (a !== b) {
        throw new Error(`got ${a}, expected ${b}`);
    }
}


export function like(text, pattern) {
    if (!pattern.test(text)) {
        throw new Error(`got ${JSON.stringify(text)}, expected ${pattern}`);
    }
}


// Until a look gives something true, which is returned.
export async function eventually(look, what) {
    const deadline = Date.now() + TIMEOUT;

    for (;;) {
        const found = await look();

        if (found) {
            return found;
        }

        if (Date.now() > deadline) {
            throw new Error(`no ${what} in time`);
        }

        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}


// An empty page, in a browser of its own; options as Playwright has them for a
// context.
export async function blank(options) {
    const context = await browser.newContext({
        httpCredentials: { username: FAAS_USER, password: FAAS_PASSWORD },
        viewport: { width: 1280, height: 800 }, acceptDownloads: true,
        ...options });
    const page = await context.newPage();

    page.setDefaultTimeout(TIMEOUT);
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
        if (message.type() === 'error' && !EXPECTED.test(message.text())) {
            errors.push(message.text());
        }
    });

    return page;
}


export const portal = (path) => `${FAAS_URL}/ui/#${path}`;


// A page of the portal.
export async function open(path = '/', options = {}) {
    const page = await blank(options);

    await page.goto(portal(path));

    return page;
}


export const close = (page) => page.context().close();


export async function visit(page, path) {
    await page.evaluate((hash) => { location.hash = hash; }, path);
}


export const button = (at, name) =>
    at.getByRole('button', { name, exact: true });

export const see = (at, text) => at.getByText(text).first().waitFor();

export const gone = (locator) => locator.waitFor({ state: 'detached' });

// a row of a table, by what is in it
export const row = (page, text) =>
    page.getByRole('row').filter({ hasText: text });


export async function api(method, path, data) {
    const res = await fetch(FAAS_URL + path, { method,
        body: data && JSON.stringify(data),
        headers: { Authorization: authorization } });

    return { status: res.status, text: await res.text() };
}


export async function call(name, n = 1) {
    for (let i = 0; i < n; i++) {
        await fetch(`${FAAS_URL}/function/${name}`, { method: 'POST',
            body: 'one two' });
    }
}
