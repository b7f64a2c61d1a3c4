/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Credentials for the registry of an image.
 *
 * https://docs.docker.com/engine/api/v1.41/#section/Authentication
 */

#include "registry_auth.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"


#define DOCKER_HUB  "https://index.docker.io/v1/"
#define HOST_MAX    255     /* bytes */


static void registry_of(const char *image, char *dst);
static char *encode(const char *user, size_t user_len, const char *password,
    size_t password_len, const char *server);


char *
registry_auth_header(const char *auth, const char *image,
    struct faas_err *err)
{
    char        *text, *header;
    char         server[HOST_MAX + 1];
    size_t       len;
    const char  *colon;

    header = NULL;
    text = base64_decode(auth, strlen(auth), &len);
    colon = text != NULL ? memchr(text, ':', len) : NULL;

    if (colon != NULL) {
        registry_of(image, server);
        header = encode(text, (size_t) (colon - text), colon + 1,
                        len - (size_t) (colon + 1 - text), server);
    }

    if (text != NULL) {
        explicit_bzero(text, len);
        free(text);
    }

    if (header == NULL) {
        (void) faas_err_set(err, 400, "\"registryAuth\" is not base64 of "
                            "\"user:password\"");
    }

    return header;
}


int
registry_is_named(const char *image)
{
    char  server[HOST_MAX + 1];

    registry_of(image, server);

    return strcmp(server, DOCKER_HUB) != 0;
}


/*
 * As Docker itself: what is in front of the first slash, if it can be a host.
 */
static void
registry_of(const char *image, char *dst)
{
    size_t       len;
    const char  *slash;

    slash = strchr(image, '/');
    len = slash != NULL ? (size_t) (slash - image) : 0;

    if (slash != NULL && len <= HOST_MAX
        && (memchr(image, '.', len) != NULL || memchr(image, ':', len) != NULL
            || (len == 9 && memcmp(image, "localhost", 9) == 0))
        && !(len == 9 && memcmp(image, "docker.io", 9) == 0))
    {
        (void) snprintf(dst, HOST_MAX + 1, "%.*s", (int) len, image);
        return;
    }

    (void) snprintf(dst, HOST_MAX + 1, "%s", DOCKER_HUB);
}


static char *
encode(const char *user, size_t user_len, const char *password,
    size_t password_len, const char *server)
{
    char    *text, *header;
    json_t  *value;

    value = json_pack("{s:s%, s:s%, s:s}", "username", user, user_len,
                      "password", password, password_len,
                      "serveraddress", server);
    text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    header = text != NULL ? base64_encode_url(text, strlen(text)) : NULL;

    json_decref(value);

    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }

    return header;
}
