/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * secret: values that functions read as files.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/faas_name.h"

#include "api.h"
#include "cmd.h"
#include "codec.h"
#include "file.h"
#include "object.h"
#include "out.h"
#include "stack.h"


#define SECRETS       "/system/secrets"
#define SECRET_MAX    1048576       /* bytes of a value */
#define NAME_MAX_LEN  253           /* bytes of a DNS name */


static char *prepare(struct cli *cli, struct api *api, size_t *len);
static int check_name(struct cli *cli, const char *name);
static char *read_value(struct cli *cli, size_t *len);
static int send_secret(struct api *api, const char *method, const char *name,
    const char *value, size_t len);
static int create(struct api *api, const char *name, const char *value,
    size_t len, int is_replacing);
static int update(struct api *api, const char *name, const char *value,
    size_t len);
static void trim(char *value, size_t *len);
static int is_blank(char c);
static const char *dot_ns(struct api *api);
static int apply_one(struct api *api, const char *name);


int
cmd_secret_create(struct cli *cli)
{
    char        *value;
    size_t       len;
    struct api   api;

    value = prepare(cli, &api, &len);

    return value != NULL
           ? create(&api, args_word(&cli->args, 0), value, len,
                    args_bool(&cli->args, "replace")) : -1;
}


int
cmd_secret_update(struct cli *cli)
{
    char        *value;
    size_t       len;
    struct api   api;

    value = prepare(cli, &api, &len);

    return value != NULL ? update(&api, args_word(&cli->args, 0), value, len)
           : -1;
}


int
cmd_secret_list(struct cli *cli)
{
    size_t       i;
    json_t      *list, *item;
    struct api   api;

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    list = api_get_list(&api, api_path(&api, SECRETS, api.ns));

    if (list == NULL) {
        return -1;
    }

    if (out_is_json(cli)) {
        (void) out_json(cli, list);

    } else if (json_array_size(list) == 0) {
        (void) puts("No secrets found.");

    } else {
        (void) puts("NAME");

        json_array_foreach(list, i, item) {
            (void) puts(out_field(cli, item, "name"));
        }
    }

    json_decref(list);

    return 0;
}


int
cmd_secret_remove(struct cli *cli)
{
    int          rc;
    long         status;
    json_t      *body;
    const char  *name;
    struct api   api;

    name = args_word(&cli->args, 0);

    if (check_name(cli, name) != 0 || api_connect(&api, cli) != 0) {
        return -1;
    }

    body = object_of("name", json_string(name), OBJECT_END);

    if (api.ns != NULL) {
        (void) json_object_set_new(body, "namespace", api_json_text(api.ns));
    }

    rc = api_call(&api, "DELETE", api_path(&api, SECRETS, api.ns), body,
                  &status, NULL);
    json_decref(body);

    if (rc != 0) {
        return status == 404
               ? cli_fail(cli, "unable to find secret \"%.160s\"", name) : -1;
    }

    (void) puts("Removed.. OK.");

    return 0;
}


/*
 * Each secret that the stack file names, from the file of that name.
 */
int
cmd_secret_apply(struct cli *cli)
{
    size_t         i, failed;
    struct api     api;
    struct stack   stack;
    struct texts   names;

    if (stack_targets(cli, &stack) != 0 || api_init(&api, cli, &stack) != 0) {
        return -1;
    }

    names = stack_secrets(cli, &stack);
    failed = 0;

    for (i = 0; i < names.n; i++) {

        if (apply_one(&api, names.at[i]) != 0) {
            out_error(cli, cli->err.text);
            cli->err.text[0] = '\0';
            failed++;
        }
    }

    return failed == 0 ? 0 : -1;
}


/*
 * Letters and digits, each as likely as the others.
 */
int
cmd_secret_generate(struct cli *cli)
{
    static const char  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789";
    char              *text;
    size_t             i, length;
    const char        *file;
    unsigned char      byte;

    length = (size_t) args_number(&cli->args, "length");
    text = pool_alloc(&cli->pool, length + 1);

    for (i = 0; i < length; /* void */ ) {

        if (getrandom(&byte, 1, 0) != 1) {
            return cli_fail(cli, "no random numbers: %s", strerror(errno));
        }

        /* 248 is the largest multiple of 62 in a byte */

        if (byte < 248) {
            text[i++] = letters[byte % (sizeof(letters) - 1)];
        }
    }

    file = args_text(&cli->args, "output");

    if (file == NULL) {
        (void) puts(text);
        return 0;
    }

    if (access(file, F_OK) == 0) {
        return cli_fail(cli, "%.160s is there already: another name, or "
                        "remove it", file);
    }

    return file_write(&cli->pool, file, text, length, 0600, &cli->err);
}


/*
 * The value of the secret that is named, and the gateway that it is for.
 */
static char *
prepare(struct cli *cli, struct api *api, size_t *len)
{
    return check_name(cli, args_word(&cli->args, 0)) == 0
           && api_connect(api, cli) == 0 ? read_value(cli, len) : NULL;
}


/*
 * A DNS name: labels with dots between them.
 */
static int
check_name(struct cli *cli, const char *name)
{
    int          is_bad;
    size_t       len;
    const char  *p;

    is_bad = strlen(name) > NAME_MAX_LEN;

    for (p = name; !is_bad; p += len + 1) {
        len = strcspn(p, ".");
        is_bad = !faas_name_is_dns_label(p, len);

        if (p[len] == '\0') {
            break;
        }
    }

    return is_bad ? cli_fail(cli, "\"%.100s\" is no name of a secret: a-z, "
                             "0-9, - and ., with a letter or a digit at both "
                             "ends", name) : 0;
}


static char *
read_value(struct cli *cli, size_t *len)
{
    char        *value;
    const char  *literal, *file;

    literal = args_text(&cli->args, "from-literal");
    file = args_text(&cli->args, "from-file");

    if (literal != NULL && file != NULL) {
        (void) cli_fail(cli, "--from-literal and --from-file exclude one "
                        "another");
        return NULL;
    }

    if (literal != NULL) {
        out_warn_argument(cli, "from-literal", ", use --from-file");
        value = pool_text(&cli->pool, literal);
        *len = strlen(value);

    } else {

        if (file == NULL && isatty(STDIN_FILENO)) {
            out_note(cli, "Reading from STDIN - hit (Control + D) to stop.");
        }

        value = file_read(&cli->pool, file != NULL ? file : "-", SECRET_MAX,
                          len, &cli->err);
    }

    if (value == NULL) {
        return NULL;
    }

    if (args_bool(&cli->args, "trim")) {
        trim(value, len);
    }

    if (*len == 0) {
        (void) cli_fail(cli, "the value is empty");
        return NULL;
    }

    return value;
}


/*
 * rawValue has any bytes; value is for servers that do not know it.
 */
static int
send_secret(struct api *api, const char *method, const char *name,
    const char *value, size_t len)
{
    int      rc;
    long     status;
    json_t  *body, *text;

    body = object_of("name", json_string(name), "rawValue",
                     json_string(codec_base64(&api->cli->pool, value, len)),
                     OBJECT_END);
    text = json_stringn(value, len);

    if (text != NULL) {
        (void) json_object_set_new(body, "value", text);
    }

    if (api->ns != NULL) {
        (void) json_object_set_new(body, "namespace",
                                   api_json_text(api->ns));
    }

    rc = api_call(api, method, SECRETS, body, &status, NULL);
    json_decref(body);

    if (rc == 0) {
        (void) printf("%s: %ld %s\n", strcmp(method, "POST") == 0 ? "Created"
                      : "Updated", status, status == 202 ? "Accepted"
                      : status == 201 ? "Created" : "OK");
    }

    api->cli->err.code = (int) status;

    return rc;
}


static int
create(struct api *api, const char *name, const char *value, size_t len,
    int is_replacing)
{
    (void) printf("Creating secret: %s%s\n", name, dot_ns(api));

    if (send_secret(api, "POST", name, value, len) == 0) {
        return 0;
    }

    if (api->cli->err.code != 409) {
        return -1;
    }

    if (is_replacing) {
        api->cli->err.text[0] = '\0';
        return send_secret(api, "PUT", name, value, len);
    }

    return cli_fail(api->cli, "secret with the name \"%.120s\" already exists; "
                    "--replace changes it", name);
}


static int
update(struct api *api, const char *name, const char *value, size_t len)
{
    (void) printf("Updating secret: %s%s\n", name, dot_ns(api));

    if (send_secret(api, "PUT", name, value, len) == 0) {
        return 0;
    }

    return api->cli->err.code == 404
           ? cli_fail(api->cli, "unable to find secret \"%.120s\"", name) : -1;
}


static void
trim(char *value, size_t *len)
{
    size_t  n;

    while (*len > 0 && is_blank(value[*len - 1])) {
        (*len)--;
    }

    for (n = 0; n < *len && is_blank(value[n]); n++) {
        /* void */
    }

    *len -= n;
    memmove(value, value + n, *len);
    value[*len] = '\0';
}


static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


static const char *
dot_ns(struct api *api)
{
    return api->ns != NULL ? pool_printf(&api->cli->pool, ".%s", api->ns)
           : "";
}


static int
apply_one(struct api *api, const char *name)
{
    char        *value;
    size_t       len;
    struct cli  *cli;

    cli = api->cli;

    if (check_name(cli, name) != 0) {
        return -1;
    }

    value = file_read(&cli->pool, pool_printf(&cli->pool, ".secrets/%s",
                                              name), SECRET_MAX, &len,
                      &cli->err);

    if (value == NULL) {
        return -1;
    }

    if (args_bool(&cli->args, "trim")) {
        trim(value, &len);
    }

    return create(api, name, value, len, 1);
}
