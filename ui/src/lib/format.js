// SPDX-License-Identifier: BSD-2-Clause
//
// Figures and times as they are shown.

export const NONE = '\u2013';


// May be null, as all of these.
export function rate(value) {
    if (value === null) {
        return NONE;
    }

    if (value === 0) {
        return '0';
    }

    return value < 10 ? value.toFixed(1) : count(Math.round(value));
}


// Intl has this as well, and takes as long to begin as all of the list.
export function count(value) {
    if (value === null) {
        return NONE;
    }

    return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}


// seconds
export function duration(seconds) {
    if (seconds === null || seconds === undefined) {
        return NONE;
    }

    const ms = seconds * 1000;

    if (ms === 0) {
        return '0 ms';
    }

    if (ms < 10) {
        return `${ms.toFixed(1)} ms`;
    }

    if (ms < 1000) {
        return `${Math.round(ms)} ms`;
    }

    if (seconds < 60) {
        return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
    }

    return age(seconds);
}


export function percent(share) {
    if (share === null) {
        return NONE;
    }

    if (share === 0) {
        return '0 %';
    }

    return share < 0.1 ? `${(share * 100).toFixed(1)} %`
        : `${Math.round(share * 100)} %`;
}


export function bytes(n) {
    const units = ['B', 'KiB', 'MiB', 'GiB'];
    let unit = 0;

    while (n >= 1024 && unit < units.length - 1) {
        n /= 1024;
        unit++;
    }

    return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${
        units[unit]}`;
}


// A long time in its two largest units.
export function age(seconds) {
    const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
    const first = units.findIndex(([, size]) => seconds >= size);

    if (first === -1) {
        return 'now';
    }

    const [name, size] = units[first];
    const next = units[first + 1];
    const rest = next ? Math.floor(seconds % size / next[1]) : 0;

    return `${Math.floor(seconds / size)} ${name}`
        + (rest > 0 ? ` ${rest} ${next[0]}` : '');
}


export function time(when) {
    const date = new Date(when);
    const pad = (n, width = 2) => String(n).padStart(width, '0');

    return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${
        pad(date.getDate())} ${clock(date)}`;
}


export function clock(when) {
    return new Date(when).toTimeString().slice(0, 8);
}


export function plural(n, word) {
    return `${count(n)} ${word}${n === 1 ? '' : 's'}`;
}
