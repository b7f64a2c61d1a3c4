/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API's user and password: Basic, RFC 7617.
 */

#include "auth.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base64.h"


#define FILE_USER      "basic-auth-user"
#define FILE_PASSWORD  "basic-auth-password"
#define SCHEME         "Basic "


static int read_text(const char *folder, const char *file, char *text,
    size_t *len, struct faas_err *err);
static int read_file(const char *path, char *text, size_t size, size_t *len,
    struct faas_err *err);
static int is_same(const struct auth *auth, const char *text, size_t len);


int
auth_open(struct auth *auth, const char *folder, struct faas_err *err)
{
    char    user[AUTH_TEXT_MAX], password[AUTH_TEXT_MAX];
    size_t  user_len, password_len;

    memset(auth, 0, sizeof(*auth));
    user_len = 0;
    password_len = 0;

    if (folder[0] == '\0') {
        return 0;
    }

    if (read_text(folder, FILE_USER, user, &user_len, err) != 0
        || read_text(folder, FILE_PASSWORD, password, &password_len, err) != 0)
    {
        return faas_err_prefix(err, "--credentials-dir");
    }

    if (memchr(user, ':', user_len) != NULL) {
        return faas_err_set(err, 0, "--credentials-dir: the user in %.120s/"
                            FILE_USER " has a colon, with which nobody can "
                            "log in", folder);
    }

    memcpy(auth->expected, user, user_len);
    auth->expected[user_len] = ':';
    memcpy(auth->expected + user_len + 1, password, password_len);
    auth->len = user_len + 1 + password_len;

    explicit_bzero(password, sizeof(password));

    return 0;
}


/*
 * text has AUTH_TEXT_MAX bytes.
 */
static int
read_text(const char *folder, const char *file, char *text, size_t *len,
    struct faas_err *err)
{
    char    path[PATH_MAX], all[AUTH_FILE_MAX];
    size_t  begin, end;

    end = 0;

    if (snprintf(path, sizeof(path), "%s/%s", folder, file)
        >= (int) sizeof(path))
    {
        return faas_err_set(err, 0, "the path is too long");
    }

    if (read_file(path, all, sizeof(all), &end, err) != 0) {
        return -1;
    }

    for (begin = 0; begin < end && isspace((unsigned char) all[begin]);
         begin++)
    {
        /* void */
    }

    while (end > begin && isspace((unsigned char) all[end - 1])) {
        end--;
    }

    *len = end - begin;

    if (*len == 0 || *len > AUTH_TEXT_MAX) {
        explicit_bzero(all, sizeof(all));
        return faas_err_set(err, 0, "%.120s has %zu bytes, expected 1 to %d",
                            path, *len, AUTH_TEXT_MAX);
    }

    memcpy(text, all + begin, *len);
    explicit_bzero(all, sizeof(all));

    return 0;
}


static int
read_file(const char *path, char *text, size_t size, size_t *len,
    struct faas_err *err)
{
    int      fd;
    char     more;
    ssize_t  n;

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return faas_err_set(err, errno, "cannot open %.120s: %s", path,
                            strerror(errno));
    }

    *len = 0;

    do {
        n = read(fd, text + *len, size - *len);
        *len += n > 0 ? (size_t) n : 0;
    } while (n > 0 && *len < size);

    if (n > 0) {
        n = read(fd, &more, 1);
    }

    if (n < 0) {
        (void) faas_err_set(err, errno, "cannot read %.120s: %s", path,
                            strerror(errno));

    } else if (n > 0) {
        (void) faas_err_set(err, 0, "%.120s has more than %zu bytes", path,
                            size);
    }

    if (n != 0) {
        explicit_bzero(text, size);
    }

    (void) close(fd);

    return n == 0 ? 0 : -1;
}


int
auth_allows(const struct auth *auth, const char *value)
{
    int      is_allowed;
    char    *text;
    size_t   len;

    if (auth->len == 0) {
        return 1;
    }

    if (value == NULL
        || strncasecmp(value, SCHEME, sizeof(SCHEME) - 1) != 0)
    {
        return 0;
    }

    value += sizeof(SCHEME) - 1;
    text = base64_decode(value, strlen(value), &len);

    if (text == NULL) {
        return 0;
    }

    is_allowed = is_same(auth, text, len);

    explicit_bzero(text, len);
    free(text);

    return is_allowed;
}


/*
 * All bytes are looked at, and as many whatever there is to compare.
 */
static int
is_same(const struct auth *auth, const char *text, size_t len)
{
    char                    given[AUTH_MAX];
    size_t                  i;
    volatile unsigned char  difference;

    memset(given, 0, sizeof(given));
    memcpy(given, text, len < sizeof(given) ? len : sizeof(given));

    difference = len != auth->len;

    for (i = 0; i < sizeof(given); i++) {
        difference |= (unsigned char) (given[i] ^ auth->expected[i]);
    }

    explicit_bzero(given, sizeof(given));

    return difference == 0;
}
