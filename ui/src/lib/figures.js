// SPDX-License-Identifier: BSD-2-Clause
//
// What the feed has told of each function in the last minutes: counts by the
// second, and what can be said of them.  Nothing here knows the browser.

const KEEP = 300;            // seconds of history
const RATE_WINDOW = 10;      // seconds that a rate is the mean of
const SHARE_WINDOW = 60;     // of percentiles and errors


const NONE = [];


// A function: i in flight, p parked, r replicas now; samples oldest first, one
// a second in which something changed, each with i, p, r, and c, e, h of it.
function emptyFunction() {
    return { i: 0, p: 0, r: 0, samples: [] };
}


export class Figures {
    constructor() {
        this.functions = new Map();
        this.bounds = [];
        this.now = 0;               // second of the last event
        this.since = 0;             // of the first one
    }

    // Returns whether routes have changed: functions or their replicas.
    apply(event) {
        let hasChanged = false;

        this.now = Math.round(event.t / 1000);
        this.since ||= this.now;

        if (event.full) {
            this.bounds = event.bounds;

            for (const name of this.functions.keys()) {
                if (!(name in event.functions)) {
                    this.functions.delete(name);
                    hasChanged = true;
                }
            }
        }

        for (const [name, told] of Object.entries(event.functions ?? {})) {
            if (this.tell(name, told)) {
                hasChanged = true;
            }
        }

        return hasChanged;
    }

    tell(name, told) {
        if (told === null) {
            return this.functions.delete(name);
        }

        const fn = this.functions.get(name) ?? emptyFunction();
        const hasChanged = !this.functions.has(name) || fn.r !== told.r;
        const { i, p, r, c = 0, e = 0, h = [] } = told;

        Object.assign(fn, { i, p, r });
        fn.samples.push({ t: this.now, i, p, r, c, e, h });
        this.functions.set(name, fn);

        // the last one before the history says how it began
        while (fn.samples.length > 1
            && fn.samples[1].t <= this.now - KEEP)
        {
            fn.samples.shift();
        }

        return hasChanged;
    }

    get(name) {
        return this.functions.get(name);
    }

    // Samples of the last seconds.  Most functions have none.
    recent(name, seconds) {
        const samples = this.functions.get(name)?.samples ?? NONE;
        let from = samples.length;

        while (from > 0 && samples[from - 1].t > this.now - seconds) {
            from--;
        }

        return from < samples.length ? samples.slice(from) : NONE;
    }

    // Calls a second.
    rate(name) {
        const known = Math.min(RATE_WINDOW, this.now - this.since);
        let calls = 0;

        for (const { c } of this.recent(name, known)) {
            calls += c;
        }

        return known > 0 ? calls / known : 0;
    }

    // The part of the answers with status 500 and above; null without answers.
    errorShare(name) {
        let calls = 0;
        let errors = 0;

        for (const { c, e } of this.recent(name, SHARE_WINDOW)) {
            calls += c;
            errors += e;
        }

        return calls > 0 ? errors / calls : null;
    }

    // Answers by bucket in the last seconds.
    histogram(name, seconds) {
        const counts = new Array(this.bounds.length + 1).fill(0);

        for (const { h } of this.recent(name, seconds)) {
            addHistogram(counts, h);
        }

        return counts;
    }

    quantile(name, q) {
        return quantileOf(this.histogram(name, SHARE_WINDOW), this.bounds, q);
    }

    // The calls of each of the last seconds, oldest first.
    calls(name, seconds) {
        const counts = new Array(seconds).fill(0);

        for (const { t, c } of this.recent(name, seconds)) {
            counts[seconds - 1 - (this.now - t)] += c;
        }

        return counts;
    }

    // What charts are drawn of: a column a figure, a row a second.
    history(name) {
        const from = Math.max(this.since, this.now - KEEP + 1);
        const samples = this.functions.get(name)?.samples ?? [];
        const columns = { t: [], calls: [], errors: [], p50: [], p99: [],
            inflight: [], parked: [], replicas: [] };
        let next = 0;
        let last = null;

        for (let t = from; t <= this.now; t++) {
            const counts = new Array(this.bounds.length + 1).fill(0);
            let calls = 0;
            let errors = 0;

            while (next < samples.length && samples[next].t <= t) {
                last = samples[next++];

                if (last.t === t) {
                    calls += last.c;
                    errors += last.e;
                    addHistogram(counts, last.h);
                }
            }

            columns.t.push(t);
            columns.calls.push(calls);
            columns.errors.push(errors);
            columns.p50.push(quantileOf(counts, this.bounds, 0.5));
            columns.p99.push(quantileOf(counts, this.bounds, 0.99));
            columns.inflight.push(last && last.i);
            columns.parked.push(last && last.p);
            columns.replicas.push(last && last.r);
        }

        return columns;
    }
}


function addHistogram(counts, pairs) {
    for (const [bucket, n] of pairs) {
        counts[bucket] += n;
    }
}


// Seconds, as Prometheus' histogram_quantile() has them: linear within a
// bucket, and the last bound for what is above it.  null where there is none.
export function quantileOf(counts, bounds, q) {
    const total = counts.reduce((sum, n) => sum + n, 0);
    const rank = q * total;
    let below = 0;

    if (total === 0) {
        return null;
    }

    for (let n = 0; n < bounds.length; n++) {
        if (below + counts[n] >= rank && counts[n] > 0) {
            const low = n === 0 ? 0 : bounds[n - 1];

            return low + (bounds[n] - low) * (rank - below) / counts[n];
        }

        below += counts[n];
    }

    return bounds.at(-1) ?? null;
}
