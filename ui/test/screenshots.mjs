// SPDX-License-Identifier: BSD-2-Clause
//
// Takes the pictures of the portal for tools/screenshots.

import { api, ask, begin, close, deploy, end, open, see, tell, visit }
    from './lib.mjs';


const { FOLDER } = process.env;

// a call takes so long, so many clients call it
const FUNCTIONS = [['checkout', 0.05, 1], ['geocode', 0.02, 1],
    ['invoice-pdf', 0.4, 1], ['newsletter', 0.1, 0], ['search', 0.03, 2],
    ['translate', 0.25, 1]];

const SCALED = 'thumbnail';
const SCALED_NAME = `${SCALED}.openfaas-fn`;

const pause = (seconds) =>
    new Promise((resolve) => setTimeout(resolve, seconds * 1000));


async function take(page, name) {
    await page.screenshot({ path: `${FOLDER}/${name}.png` });
    tell(`docs/images/${name}.png`);
}


async function deployAll() {
    for (const [service, seconds] of FUNCTIONS) {
        await deploy({ service, image: 'env', envProcess: `sleep ${seconds}` });
    }

    await deploy({ service: 'wordcount', image: 'wordcount',
        envProcess: './wordcount', envVars: { content_type: 'text/plain' } });
    await deploy({ service: 'webhook', image: 'fail',
        envProcess: './handler.sh' });
    await api('POST', '/system/functions', { service: 'nightly-report',
        image: 'env', envProcess: 'cat',
        labels: { 'com.openfaas.scale.min': '0' } });
    await deploy({ service: SCALED, image: 'env', envProcess: 'sleep 0.2',
        envVars: { max_inflight: '2' }, labels: {
            'com.openfaas.scale.max': '12',
            'com.openfaas.scale.down.window': '5s',
            'com.ngx-faas.scale.stable-window': '10s' } });
}


await begin();
await deployAll();

const light = await open('/', { colorScheme: 'light' });
const dark = await open('/', { colorScheme: 'dark' });
const phone = await open('/', { colorScheme: 'light', isMobile: true,
    viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
const scaled = await open(`/functions/${SCALED_NAME}`,
    { viewport: { width: 1280, height: 620 } });

await see(scaled, 'Live');

for (const [name, , clients] of FUNCTIONS.filter(([, , n]) => n > 0)) {
    await ask(`load ${name} ${clients}`);
}

await pause(8);
await ask(`load ${SCALED} 3`);
await fetch(`${process.env.FAAS_URL}/function/webhook`, { method: 'POST' });
await pause(12);
await ask(`load ${SCALED} 15`);
await pause(25);
await take(light, 'functions');
await take(dark, 'functions-dark');
await take(phone, 'functions-phone');
await ask('unload');
await ask(`load ${SCALED} 3`);
await pause(25);
await take(scaled, 'scaling');
await ask('unload');

await visit(dark, '/functions/wordcount.openfaas-fn/invoke');
await dark.getByRole('textbox', { name: 'Body' }).fill('the gateway calls a '
    + 'function, and the function answers');
await dark.getByRole('button', { name: 'Invoke', exact: true }).click();
await see(dark, '200');
await take(dark, 'invoke-dark');
await Promise.all([light, dark, phone, scaled].map(close));
await end();
