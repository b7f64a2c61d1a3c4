// SPDX-License-Identifier: BSD-2-Clause
//
// What a view shows in place of data: that it is coming, that there is none,
// that it cannot be had.

export function Loading({ what }) {
    return (
        <div class="notice" role="status">
            <div class="spinner" />
            <span>Loading {what}&hellip;</span>
        </div>
    );
}


export function Empty({ title, children }) {
    return (
        <div class="notice">
            <h2>{title}</h2>
            {children}
        </div>
    );
}


export function Failure({ what, error, retry }) {
    return (
        <div class="notice" role="alert">
            <h2>{what}</h2>
            <p>{error.message}</p>
            {retry && <button class="button" onClick={retry}>Try again</button>}
        </div>
    );
}


// Of a form or an action, beside it; nothing without an error.
export function Problem({ error }) {
    return error && <p class="alert" role="alert">{error.message}</p>;
}


// load as useLoad() returns it: data, or what is there in its stead.  With old
// data the error is above it.
export function Loaded({ load, what, children }) {
    if (load.isLoading) {
        return <Loading what={what} />;
    }

    if (!load.data) {
        return <Failure what={`Cannot load the ${what}`} error={load.error}
            retry={load.reload} />;
    }

    return (
        <>
            {load.error && <p class="alert is-warn" role="alert">
                Not up to date: {load.error.message}
            </p>}
            {children(load.data)}
        </>
    );
}
