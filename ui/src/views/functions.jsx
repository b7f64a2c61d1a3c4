// SPDX-License-Identifier: BSD-2-Clause
//
// All functions of a namespace.  Of many only the rows are drawn that are
// seen, and figures only for them.

import { useMemo, useState } from 'preact/hooks';
import { figures, tick } from '../lib/feed.js';
import { NONE, count, duration, percent, plural, rate } from '../lib/format.js';
import { available, keyOf, stateOf, useFunctions } from '../lib/functions.js';
import { namespace } from '../lib/namespace.js';
import { href } from '../lib/route.js';
import { useStore } from '../lib/store.js';
import { useRows } from '../lib/rows.js';
import { Icon } from '../parts/icon.jsx';
import { Empty, Loaded } from '../parts/notice.jsx';
import { NamespaceSelect, PageHead } from '../parts/page.jsx';
import { Spark } from '../parts/spark.jsx';
import { State } from '../parts/state.jsx';


const SPARK_SECONDS = 60;

const ORDER = ['failing', 'starting', 'scaling', 'ready', 'idle'];

// name, text, value that rows are sorted by, whether the largest come first
const columns = [
    ['name', 'Name', (fn) => fn.name],
    ['state', 'State', (fn) => ORDER.indexOf(stateOf(fn))],
    ['replicas', 'Replicas', available, true],
    ['rate', 'Calls/s', (fn) => figures.rate(keyOf(fn)), true],
    ['p50', 'p50', (fn) => figures.quantile(keyOf(fn), 0.5) ?? -1, true],
    ['p99', 'p99', (fn) => figures.quantile(keyOf(fn), 0.99) ?? -1, true],
    ['errors', 'Errors', (fn) => figures.errorShare(keyOf(fn)) ?? -1, true],
];


function compare(a, b) {
    return a < b ? -1 : Number(a > b);
}


function sorted(list, { by, isReversed }) {
    const [, , value, isLargest] = columns.find(([name]) => name === by);
    const sign = Boolean(isLargest) === isReversed ? 1 : -1;
    const keyed = list.map((fn) => [value(fn), fn]);

    return keyed.sort(([a, fnA], [b, fnB]) =>
        sign * compare(a, b) || compare(fnA.name, fnB.name))
        .map(([, fn]) => fn);
}


function matches(fn, words) {
    return words.every((word) => fn.name.includes(word)
        || fn.image.toLowerCase().includes(word)
        || Object.entries(fn.labels ?? {}).some(([name, value]) =>
            `${name}=${value}`.toLowerCase().includes(word)));
}


function HeadRow({ sort, onSort }) {
    return (
        <div class="list-row list-head" role="row" aria-rowindex="1">
            {columns.map(([name, text]) => {
                const isBy = sort.by === name;
                const isUp = sort.isReversed === Boolean(
                    columns.find(([other]) => other === name)[3]);

                return (
                    <span key={name} role="columnheader"
                        class={cellClass(name)} aria-sort={!isBy ? 'none'
                            : isUp ? 'ascending' : 'descending'}>
                        <button onClick={() => onSort(name)}>
                            {text}{isBy && (isUp ? ' \u2191' : ' \u2193')}
                        </button>
                    </span>
                );
            })}
            <span role="columnheader" class="of-spark">Last minute</span>
        </div>
    );
}


function cellClass(name) {
    const isNumber = !['name', 'state'].includes(name);

    return `of-${name}${isNumber ? ' number' : ''}`;
}


function Cell({ name, isZero, unit, children }) {
    return (
        <span role="cell" data-unit={unit}
            class={`${cellClass(name)}${isZero ? ' is-zero' : ''}`}>
            {children}
        </span>
    );
}


function Row({ fn, index, style }) {
    const key = keyOf(fn);
    const live = figures.get(key);
    const calls = figures.rate(key);
    const errors = figures.errorShare(key);
    const has = available(fn);

    return (
        <div class="list-row" role="row" aria-rowindex={index + 2}
            style={style}>
            <span role="cell" class="of-name">
                <a href={href('functions', key)} data-row={index}
                    title={`${fn.name}: ${fn.image}`}>{fn.name}</a>
            </span>
            <span role="cell" class="of-state"><State fn={fn} /></span>
            <Cell name="replicas" isZero={has === 0}
                unit={fn.replicas === 1 ? 'replica' : 'replicas'}>
                {has === fn.replicas ? has : `${has} / ${fn.replicas}`}
            </Cell>
            <Cell name="rate" unit="calls/s" isZero={calls === 0}>
                {live ? rate(calls) : NONE}
            </Cell>
            <Cell name="p50">{duration(figures.quantile(key, 0.5))}</Cell>
            <Cell name="p99" unit="p99">
                {duration(figures.quantile(key, 0.99))}
            </Cell>
            <Cell name="errors" isZero={!errors}>
                <span class={errors > 0 ? 'bad' : ''}>{percent(errors)}</span>
            </Cell>
            <span role="cell" class="of-spark">
                {live && <Spark values={figures.calls(key, SPARK_SECONDS)}
                    label={`Calls of ${fn.name} in the last minute`} />}
            </span>
        </div>
    );
}


function Rows({ list }) {
    const { ref, onKeyDown, height, rows } = useRows(list.length);

    useStore(tick);

    return (
        <div class="list-body" role="rowgroup" ref={ref}
            style={{ height: `${height}px` }} onKeyDown={onKeyDown}>
            {rows.map(({ index, top }) => (
                <Row key={keyOf(list[index])} fn={list[index]} index={index}
                    style={{ top: `${top}px` }} />
            ))}
        </div>
    );
}


// By figures the order changes as they do, by names only with the list.
function useOrder(list, sort, words) {
    const now = useStore(tick);
    const isLive = sort.by !== 'name';

    return useMemo(() => sorted(list.filter((fn) => matches(fn, words)), sort),
        [list, sort, words.join(' '), isLive ? now : 0]);
}


function List({ list, search }) {
    const [sort, setSort] = useState({ by: 'name', isReversed: false });
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = useOrder(list, sort, words);

    function onSort(by) {
        setSort((old) => ({ by,
            isReversed: old.by === by && !old.isReversed }));
    }

    if (shown.length === 0) {
        return (
            <Empty title="Nothing found">
                <p>No name, image or label has &ldquo;{search}&rdquo; in it.
                </p>
            </Empty>
        );
    }

    return (
        <div class="list" role="table" aria-label="Functions"
            aria-rowcount={shown.length + 1}>
            <div role="rowgroup"><HeadRow sort={sort} onSort={onSort} /></div>
            <Rows list={shown} />
        </div>
    );
}


function NoFunctions() {
    return (
        <Empty title="No functions yet">
            <p>Deploy one here, or with the command line:</p>
            <pre>faas store deploy NAME{'\n'}faas up -f stack.yml</pre>
            <a class="button is-main" href={href('deploy')}>
                <Icon name="plus" />Deploy a function
            </a>
        </Empty>
    );
}


function Summary({ list }) {
    useStore(tick);

    const calls = list.reduce((sum, fn) => sum + figures.rate(keyOf(fn)), 0);
    const replicas = list.reduce((sum, fn) => sum + available(fn), 0);

    return (
        <span class="muted">
            {plural(list.length, 'function')}
            , {plural(replicas, 'replica')}
            , {rate(calls)} calls/s
        </span>
    );
}


export function FunctionsView() {
    const [search, setSearch] = useState('');
    const load = useFunctions(useStore(namespace));
    const total = load.data?.length ?? 0;

    return (
        <>
            <PageHead title="Functions"
                beside={total > 0 && <Summary list={load.data} />}>
                <input type="search" class="input search" value={search}
                    placeholder="Search" aria-label="Search functions"
                    onInput={(event) => setSearch(event.target.value)} />
                <NamespaceSelect />
                <a class="button is-main" href={href('deploy')}>
                    <Icon name="plus" />Deploy
                </a>
            </PageHead>
            <section class="card" aria-label={`Functions, ${count(total)}`}>
                <Loaded load={load} what="functions">
                    {(list) => (list.length === 0 ? <NoFunctions />
                        : <List list={list} search={search} />)}
                </Loaded>
            </section>
        </>
    );
}
