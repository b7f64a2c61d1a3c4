/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What runs functions.  The rest of the scaler knows this interface and not
 * who is behind it: processes of this machine, or Docker Swarm.
 *
 * Each operation answers through callbacks, at once or later, and exactly
 * once: a provider may have to ask somebody over a network.  Logs are a stream
 * of lines, which may have no end.
 */

#ifndef FAAS_SCALER_PROVIDER_H
#define FAAS_SCALER_PROVIDER_H

#include <stdint.h>

#include "lib/faas_err.h"
#include "lib/faas_proto.h"

#include "log_line.h"
#include "log_query.h"
#include "namespace.h"
#include "secret.h"
#include "spec.h"


struct provider;

/* a function as a provider sees it now */
struct provider_function {
    const struct spec  *spec;           /* valid during the call */
    uint64_t            available;      /* replicas that answer */
    int                 has_usage;      /* it was asked for, and is known: */
    uint64_t            cpu_milli;      /* cores in use, thousandths */
    uint64_t            cpu_ms;         /* spent since the scaler began; it
                                           never falls */
    uint64_t            memory;         /* bytes */
    const char         *error;          /* why there are not more of them;
                                           NULL: nothing went wrong */
};

/* err->code is 0 where it went well, else an HTTP status */
typedef void (*provider_done_fn)(void *arg, const struct faas_err *err);

typedef void (*provider_each_fn)(void *arg,
    const struct provider_function *function);

typedef void (*provider_namespace_fn)(void *arg, const struct namespace *ns);

typedef void (*provider_secret_fn)(void *arg, const char *ns,
    const char *name);


/*
 * Who gets the lines of a stream.  Each may pause the stream; none may resume
 * or cancel it.
 */
struct provider_log_sink {
    void  *arg;

    /* the function is there: lines follow, or none */
    void (*begin)(void *arg);

    /* the line is valid during the call */
    void (*line)(void *arg, const struct log_line *line);

    /* what came since the last time is all there is now */
    void (*flush)(void *arg);

    /* the last call; err as in provider_done_fn, also without begin() */
    void (*end)(void *arg, const struct faas_err *err);
};

/* the first member of each provider's own structure; gone with end() */
struct provider_stream {
    const struct provider_stream_ops  *ops;
};

struct provider_stream_ops {
    /* no line comes until it is resumed; what the provider holds meanwhile
       has a bound */
    void (*pause)(struct provider_stream *stream);
    void (*resume)(struct provider_stream *stream);

    /* ends it without end() */
    void (*cancel)(struct provider_stream *stream);
};

/*
 * What a provider asks of the scaler.
 */
struct provider_hooks {
    void  *arg;

    /*
     * Makes a function's route known to the gateways; NULL removes it.
     * Returns the revision of the change.
     */
    uint64_t (*publish)(void *arg, const char *key,
        const struct faas_route *route);

    /*
     * Calls drained(data) once no gateway uses anything that revision rev of
     * the function has taken away, or after timeout_ms; never from within.
     * Returns 0, or -1 where there is no memory: it is not called then.
     */
    int (*drain)(void *arg, const char *key, uint64_t rev,
        uint64_t timeout_ms, void (*drained)(void *data), void *data);

    /* All replicas that run are known, once: until then gateways keep the
       routes that they have. */
    void (*known)(void *arg);
};


struct provider_ops {
    const char  *name;                  /* as /system/info gives them */
    const char  *orchestration;
    int          has_images;            /* in --functions-dir */

    /* whether what runs functions answers */
    int (*is_up)(const struct provider *provider);

    /* each is called for each function of a namespace, then done; 400 where
       there is no such namespace */
    void (*list)(struct provider *provider, const char *ns, int has_usage,
        provider_each_fn each, provider_done_fn done, void *arg);

    /* each is called once; an unknown function is 404 in done.  Both are
       called at once */
    void (*get)(struct provider *provider, const char *key, int has_usage,
        provider_each_fn each, provider_done_fn done, void *arg);

    /* each is called for each function of all namespaces, at once; it may
       change none of them.  Nothing is called before they are known */
    void (*walk)(struct provider *provider, int has_usage,
        provider_each_fn each, void *arg);

    /* both take the spec; 400 where it exists, 404 where it does not */
    void (*deploy)(struct provider *provider, struct spec *spec,
        provider_done_fn done, void *arg);
    void (*update)(struct provider *provider, struct spec *spec,
        provider_done_fn done, void *arg);

    void (*remove)(struct provider *provider, const char *key,
        provider_done_fn done, void *arg);
    void (*scale)(struct provider *provider, const char *key,
        uint64_t replicas, provider_done_fn done, void *arg);

    /* the same for a function that requests wait for, to this many at least:
       it need not last, as they ask anew */
    void (*wake)(struct provider *provider, const char *key,
        uint64_t replicas, provider_done_fn done, void *arg);

    /* the same for secrets of a namespace; each is called with its name */
    void (*list_secrets)(struct provider *provider, const char *ns,
        provider_secret_fn each, provider_done_fn done, void *arg);

    /* takes the secret; 409 where it is new and exists, 404 where it is not
       and does not */
    void (*save_secret)(struct provider *provider, struct secret *secret,
        int is_new, provider_done_fn done, void *arg);

    /* 409 where a function has it */
    void (*remove_secret)(struct provider *provider, const char *ns,
        const char *name, provider_done_fn done, void *arg);

    /* each is called for each namespace, or for the one of that name: 404 */
    void (*list_namespaces)(struct provider *provider, const char *name,
        provider_namespace_fn each, provider_done_fn done, void *arg);

    /* takes the namespace; 409 and 404 as save_secret() */
    void (*save_namespace)(struct provider *provider, struct namespace *ns,
        int is_new, provider_done_fn done, void *arg);

    /* 409 where there is anything in it */
    void (*remove_namespace)(struct provider *provider, const char *name,
        provider_done_fn done, void *arg);

    /* returns a stream that calls sink (which is copied), but not before this
       returns; or NULL with err, and then sink is not called */
    struct provider_stream *(*logs)(struct provider *provider,
        const struct log_query *query, const struct provider_log_sink *sink,
        struct faas_err *err);

    /* ends all that runs and must not outlive the scaler, then calls stopped;
       nothing else is called afterwards but free */
    void (*stop)(struct provider *provider, void (*stopped)(void *arg),
        void *arg);

    void (*free)(struct provider *provider);
};


/* the first member of each provider's own structure */
struct provider {
    const struct provider_ops  *ops;

    /* owned by the provider: who has these functions, and nobody else has;
       NULL where all scalers see the same ones */
    const char                 *identity;
};


#endif /* FAAS_SCALER_PROVIDER_H */
