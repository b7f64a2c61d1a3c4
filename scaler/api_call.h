/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A request to the admin API: what handlers need to read it and to answer.
 */

#ifndef FAAS_SCALER_API_CALL_H
#define FAAS_SCALER_API_CALL_H

#include <event2/http.h>
#include <jansson.h>

#include "lib/faas_err.h"
#include "lib/faas_name.h"

#include "scaler.h"


/* a request while its provider is at work */
struct call {
    struct scaler          *scaler;
    struct evhttp_request  *req;        /* NULL: the client is gone */
    const char             *text;       /* of an error, may have lines; NULL:
                                           the error's */
    json_t                 *result;     /* owned; NULL: no body */
    int                     is_list;    /* result is an array */
    int                     is_asked;   /* without a result it failed */
    int                     status;     /* where it went well */
};


/*
 * Makes a call that is answered with status where it goes well; without
 * memory answers 500 itself and returns NULL.
 */
struct call *call_new(struct scaler *scaler, struct evhttp_request *req,
    int status);

/*
 * Answers, and frees the call.  Fits provider_done_fn.
 */
void call_done(void *arg, const struct faas_err *err);

/*
 * The bytes of the body.
 */
const char *call_body(struct evhttp_request *req, size_t *len);

/*
 * The body as an object; what shows how it is meant to look.  Answers itself
 * and returns NULL where it is none.
 */
json_t *call_read_body(struct evhttp_request *req, const char *what);

/*
 * The last parameter of that name in the query, decoded, at most size - 1
 * bytes; "" where there is none.  Returns 0, or -1 after it has answered.
 */
int call_query(struct evhttp_request *req, const char *name, char *value,
    size_t size);

/*
 * The namespace a request is about: that of the body, which may be NULL, or of
 * the query, or the default one; ns has FAAS_NAME_MAX + 1 bytes.  Returns 0,
 * or -1 after it has answered.
 */
int call_namespace(struct evhttp_request *req, const json_t *body, char *ns);

/*
 * NAME.NAMESPACE of a function that is addressed as NAME, or as
 * NAME.NAMESPACE; key has FAAS_KEY_MAX + 1 bytes.  The same.
 */
int call_key(struct evhttp_request *req, const char *name,
    const json_t *body, char *key);

/*
 * Answers with a text, of type "text/plain" where type is NULL; text may be
 * NULL.
 */
void call_answer(struct evhttp_request *req, int status, const char *type,
    const char *text);

/*
 * Answers with JSON; value NULL: there is no memory.
 */
void call_answer_json(struct evhttp_request *req, int status,
    const json_t *value);

/*
 * Answers with a text and a newline, as Go's http.Error() does; it is one line
 * of UTF-8, whatever stands in text.
 */
void call_answer_error(struct evhttp_request *req, int status,
    const char *text);


#endif /* FAAS_SCALER_API_CALL_H */
