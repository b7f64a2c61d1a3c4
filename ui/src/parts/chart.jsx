// SPDX-License-Identifier: BSD-2-Clause
//
// A chart of the last minutes, by uPlot.  Its newest values, or those under
// the pointer, are in its head, as a text that is not drawn.

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock } from '../lib/format.js';
import { theme } from '../lib/settings.js';
import { useStore } from '../lib/store.js';


const HEIGHT = 148;
const SPAN_MIN = 60;                // seconds
const FONT = '11px system-ui, "Noto Sans", sans-serif';

const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
    20000, 50000, 100000];

// charts beside one another show the same moment
const sync = uPlot.sync('charts');


// A colour as canvases take it: variables have one for each theme.
function colour(name) {
    const probe = document.createElement('span');

    probe.style.color = `var(${name})`;
    document.body.append(probe);

    const value = getComputedStyle(probe).color;

    probe.remove();

    return value;
}


function axis(more) {
    return { stroke: colour('--muted'), font: FONT, ticks: { show: false },
        grid: { stroke: colour('--line'), width: 1 }, ...more };
}


// Short of a minute the newest is at the right end all the same.
function moments(plot, first, last) {
    return [Math.min(first ?? 0, (last ?? 0) - SPAN_MIN), last ?? 0];
}


function options(width, { series, format, isWhole }, onPoint) {
    return {
        width,
        height: HEIGHT,
        legend: { show: false },
        padding: [10, 26, 0, 0],
        cursor: { y: false, points: { size: 6 },
            drag: { x: false, y: false }, sync: { key: sync.key } },
        scales: { x: { range: moments }, y: { range: (plot, min, max) =>
            [0, Math.max(max, isWhole ? 1 : 0) * 1.1 || 1] } },
        axes: [
            axis({ space: 80, size: 26, values: (plot, ticks) =>
                ticks.map((t) => clock(t * 1000)) }),
            axis({ size: 56, space: 32, incrs: isWhole ? WHOLE : undefined,
                values: (plot, ticks) => ticks.map(format) }),
        ],
        series: [{}, ...series.map(({ steps }, n) => ({
            stroke: colour(`--chart-${n + 1}`),
            width: 1.75,
            fill: n === 0 && series.length === 1
                ? colour('--accent-soft') : undefined,
            points: { show: false },
            spanGaps: true,
            paths: steps ? uPlot.paths.stepped({ align: 1 }) : undefined,
        }))],
        hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx)] },
    };
}


// t: seconds; series: [{ name, values, steps }]; format: of a value; isWhole:
// there is nothing between two numbers
export function Chart(props) {
    const { title, t, series, format } = props;
    const element = useRef();
    const plot = useRef();
    const [point, setPoint] = useState(null);
    const shownTheme = useStore(theme);
    const data = [t, ...series.map(({ values }) => values)];

    useEffect(() => {
        const box = element.current;
        const dark = matchMedia('(prefers-color-scheme: dark)');

        function draw() {
            plot.current?.destroy();
            plot.current = new uPlot(options(box.clientWidth, props,
                setPoint), data, box);
        }

        const size = new ResizeObserver(() => plot.current?.setSize({
            width: box.clientWidth, height: HEIGHT }));

        draw();
        size.observe(box);
        dark.addEventListener('change', draw);

        return () => {
            size.disconnect();
            dark.removeEventListener('change', draw);
            plot.current.destroy();
            plot.current = null;
        };
    }, [shownTheme]);

    useEffect(() => { plot.current?.setData(data); });

    const values = series.map(({ values: column }) =>
        column[point ?? column.length - 1] ?? null);

    return (
        <figure class="card" aria-label={title}>
            <figcaption class="chart-head">
                <h2>{title}</h2>
                <span class="chart-values">
                    {series.map(({ name }, n) => (
                        <span key={name}>
                            <span class={`swatch c${n + 1}`} />
                            {name} <b>{format(values[n])}</b>
                        </span>
                    ))}
                </span>
            </figcaption>
            <div class="chart-plot"><div ref={element} /></div>
        </figure>
    );
}
