// SPDX-License-Identifier: BSD-2-Clause
//
// Which rows of a long list are in sight.  Rows are of one height, and the
// page scrolls, not the list.

import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';


const ROW = 42;                     // px, as style/views.css has them
const ROW_NARROW = 60;
const ABOVE = 110;                  // px, about, of what is above the list
const BEYOND = 10;                  // rows above and below what is seen

const narrow = matchMedia('(max-width: 720px)');


// From the first row that is seen to behind the last one, and some beyond.
function inSight(top, row, total, beyond) {
    const clamp = (n) => Math.min(Math.max(n, 0), total);

    return { first: clamp(Math.floor(-top / row) - beyond),
        last: clamp(Math.ceil((innerHeight - top) / row) + beyond) };
}


export function useRows(total) {
    const ref = useRef();
    const range = useRef();
    const focus = useRef(null);
    const [, redraw] = useReducer((n) => n + 1, 0);
    const row = narrow.matches ? ROW_NARROW : ROW;

    range.current ??= inSight(ABOVE, row, total, 0);

    useLayoutEffect(() => {
        function look() {
            const { top } = ref.current.getBoundingClientRect();
            const seen = inSight(top, row, total, 0);

            if (seen.first < range.current.first
                || seen.last > range.current.last)
            {
                range.current = inSight(top, row, total, BEYOND);
                redraw();
            }
        }

        look();
        addEventListener('scroll', look, { passive: true });
        addEventListener('resize', look);
        narrow.addEventListener('change', redraw);

        return () => {
            removeEventListener('scroll', look);
            removeEventListener('resize', look);
            narrow.removeEventListener('change', redraw);
        };
    }, [total, row]);

    // a row that was scrolled to is there only when it is drawn
    function moveFocus() {
        const link = focus.current !== null
            && ref.current.querySelector(`[data-row="${focus.current}"]`);

        if (link) {
            link.focus({ preventScroll: true });
            focus.current = null;
        }
    }

    useLayoutEffect(moveFocus);

    function onKeyDown(event) {
        const now = Number(event.target.dataset.row);
        const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0,
            End: total - 1 }[event.key];

        if (next === undefined || next < 0 || next >= total) {
            return;
        }

        event.preventDefault();
        focus.current = next;
        show(next);
        moveFocus();
        redraw();
    }

    function show(index) {
        const { top } = ref.current.getBoundingClientRect();
        const y = top + index * row;

        if (y < 2 * row) {
            scrollBy(0, y - 2 * row);
        } else if (y + 2 * row > innerHeight) {
            scrollBy(0, y + 2 * row - innerHeight);
        }

        range.current = inSight(ref.current.getBoundingClientRect().top, row,
            total, BEYOND);
    }

    const { first } = range.current;
    const last = Math.min(range.current.last, total);
    const rows = [];

    for (let index = first; index < last; index++) {
        rows.push({ index, top: index * row });
    }

    return { ref, onKeyDown, height: total * row, rows };
}
