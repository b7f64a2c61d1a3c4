/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode static: files below a folder, and no process.
 *
 * A path is looked up below the folder and nowhere else: no symbolic link
 * leads out of it, which the kernel sees to (openat2); and names that begin
 * with a dot are not there.  A folder's answer is its index.html; without one
 * it is 404, for nobody is told what is in a folder.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conn.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"


#define PATH_LEN     4096       /* bytes of a path */
#define HEADERS_MAX  256        /* bytes of the lines that are added */
#define INDEX        "index.html"

#if !defined(SYS_openat2)
#define SYS_openat2  437
#endif

#define BENEATH      0x08       /* RESOLVE_BENEATH */


/* struct open_how of linux/openat2.h, which musl-gcc does not see */

struct how {
    uint64_t  flags;
    uint64_t  mode;
    uint64_t  resolve;
};


struct file {
    struct wd_list   link;      /* in the mode's free list */
    struct wd_conn  *conn;
    int              fd;
    uint64_t         left;      /* bytes to be read yet */
};


struct files {
    struct wd_list  free_files;
    int             root;       /* descriptor of the folder */
};


struct range {
    uint64_t  first;
    uint64_t  len;
    int       status;           /* 200, 206 or 416 */
};


static int init(struct wd *wd, struct faas_err *err);
static void stop(struct wd *wd, uint64_t grace);
static int is_stopped(const struct wd *wd);
static void done(struct wd *wd);
static void start(struct wd_conn *conn, const struct wd_head *head);
static int run(struct wd_conn *conn);
static void cancel(struct wd_conn *conn);
static int decode(struct wd_str target, char *path, size_t size);
static int is_clean(const char *path);
static int open_path(const struct files *files, const char *path);
static int open_file(struct wd_conn *conn, char *path, struct stat *st);
static void redirect(struct wd_conn *conn, struct wd_str target);
static void answer(struct wd_conn *conn, const struct wd_head *head,
    const char *path, int fd, const struct stat *st);
static int begin(struct wd_conn *conn, int fd, uint64_t len);
static int is_unchanged(const struct wd_head *head, const char *date);
static void find_range(const struct wd_head *head, uint64_t size,
    struct range *range);
static int parse_range(struct wd_str value, uint64_t size,
    struct range *range);
static const char *type_of(const char *path);
static void end(struct wd_conn *conn);


const struct wd_mode  wd_mode_static = {
    "static",
    init,
    stop,
    is_stopped,
    done,
    start,
    run,
    cancel,
    NULL
};


static int
init(struct wd *wd, struct faas_err *err)
{
    struct files  *files;

    files = calloc(1, sizeof(*files));
    if (files == NULL) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    wd_list_init(&files->free_files);
    wd->mode_data = files;
    files->root = open(wd->cfg.static_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (files->root == -1) {
        return faas_err_set(err, errno, "static_path: cannot open \"%.128s\": "
                            "%s", wd->cfg.static_path, strerror(errno));
    }

    return 0;
}


static void
stop(struct wd *wd, uint64_t grace)
{
    (void) wd;
    (void) grace;   /* there is no process */
}


static int
is_stopped(const struct wd *wd)
{
    (void) wd;

    return 1;
}


static void
done(struct wd *wd)
{
    struct file     *file;
    struct files    *files;
    struct wd_list  *item;

    files = wd->mode_data;

    if (files == NULL) {
        return;
    }

    item = files->free_files.next;

    while (item != &files->free_files) {
        file = WD_ITEM(item, struct file, link);
        item = item->next;
        free(file);
    }

    if (files->root != -1) {
        (void) close(files->root);      /* nothing was written through it */
    }

    free(files);
    wd->mode_data = NULL;
}


static void
start(struct wd_conn *conn, const struct wd_head *head)
{
    int            fd;
    char           path[PATH_LEN];
    size_t         len;
    struct stat    st;
    struct wd_str  target;

    wd_conn_drop_body(conn);

    if (head->method != HTTP_GET && head->method != HTTP_HEAD) {
        wd_reply_text(conn, 405, "Allow: GET, HEAD\r\n", "");
        return;
    }

    target = wd_head_target(head);

    if (decode(target, path, sizeof(path) - sizeof(INDEX)) != 0
        || !is_clean(path))
    {
        wd_reply_text(conn, 404, "", "404 page not found\n");
        return;
    }

    fd = open_file(conn, path, &st);

    if (fd == -1) {
        return;
    }

    len = strlen(path);

    if (S_ISDIR(st.st_mode)) {
        (void) close(fd);       /* nothing was written through it */

        if (path[len - 1] != '/') {
            redirect(conn, target);
            return;
        }

        memcpy(path + len, INDEX, sizeof(INDEX));
        fd = open_file(conn, path, &st);

        if (fd == -1) {
            return;
        }
    }

    if (!S_ISREG(st.st_mode)) {
        (void) close(fd);       /* nothing was written through it */
        wd_reply_text(conn, 404, "", "404 page not found\n");
        return;
    }

    answer(conn, head, path, fd, &st);
}


static int
run(struct wd_conn *conn)
{
    char         *at;
    size_t        room;
    ssize_t       n;
    struct file  *file;

    file = conn->call;

    if (conn->is_overdue) {
        conn->is_overdue = 0;
        wd_reply_cut(conn);
        end(conn);
        return 1;
    }

    if (file->left == 0) {
        wd_reply_end(conn);
        end(conn);
        return 1;
    }

    room = wd_reply_room(conn, &at);

    if (room == 0) {
        return 0;
    }

    if (room > file->left) {
        room = (size_t) file->left;
    }

    do {
        n = read(file->fd, at, room);
    } while (n == -1 && errno == EINTR);

    if (n <= 0) {
        faas_log(FAAS_LOG_WARN, "file became shorter, or cannot be read, "
                 "cutting the answer off path=%.*s",
                 (int) conn->req.url_len, conn->req.url);
        wd_reply_cut(conn);
        end(conn);
        return 1;
    }

    wd_reply_commit(conn, (size_t) n);
    file->left -= (uint64_t) n;

    return 1;
}


static void
cancel(struct wd_conn *conn)
{
    end(conn);
}


/*
 * The path of a target, without the query.  Returns 0, or -1 where it is too
 * long or not rightly encoded.
 */
static int
decode(struct wd_str target, char *path, size_t size)
{
    int     byte;
    char    c;
    size_t  i, n;

    n = 0;

    for (i = 0; i < target.len && target.s[i] != '?'; i++) {
        c = target.s[i];

        if (c == '%') {
            byte = wd_unescape(target.s + i, target.len - i);

            if (byte < 0) {
                return -1;
            }

            c = (char) byte;
            i += 2;
        }

        if (n + 1 >= size) {
            return -1;
        }

        path[n++] = c;
    }

    path[n] = '\0';

    return n != 0 && path[0] == '/' ? 0 : -1;
}


static int
is_clean(const char *path)
{
    for ( /* void */ ; *path != '\0'; path++) {
        if (path[0] == '/' && (path[1] == '.' || path[1] == '/')) {
            return 0;
        }
    }

    return 1;
}


/*
 * A kernel before 5.6, or a sandbox, does not know openat2(2): then symbolic
 * links are not followed at all in the last place, and path was cleaned.
 */
static int
open_path(const struct files *files, const char *path)
{
    int          fd;
    struct how   how;
    const char  *name;

    name = path[1] != '\0' ? path + 1 : ".";

    memset(&how, 0, sizeof(how));
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = BENEATH;

    fd = (int) syscall(SYS_openat2, files->root, name, &how, sizeof(how));

    if (fd == -1 && (errno == ENOSYS || errno == EPERM)) {
        fd = openat(files->root, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK
                                       | O_NOFOLLOW);
    }

    return fd;
}


/*
 * Returns -1 where it has answered.
 */
static int
open_file(struct wd_conn *conn, char *path, struct stat *st)
{
    int  fd;

    fd = open_path(conn->wd->mode_data, path);

    if (fd != -1 && fstat(fd, st) == 0) {
        return fd;
    }

    if (fd == -1 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        faas_log(FAAS_LOG_ERROR, "cannot open a file: %s", strerror(errno));
        wd_reply_error(conn, 503, "no descriptor for the file");

    } else if (fd == -1 && errno == EACCES) {
        wd_reply_text(conn, 403, "", "403 Forbidden\n");

    } else {
        wd_reply_text(conn, 404, "", "404 page not found\n");
    }

    if (fd != -1) {
        (void) close(fd);       /* nothing was written through it */
    }

    return -1;
}


/*
 * Relative links in a folder's page need the slash.
 */
static void
redirect(struct wd_conn *conn, struct wd_str target)
{
    char            line[PATH_LEN];
    size_t          len;
    struct wd_text  text;

    for (len = 0; len < target.len && target.s[len] != '?'; len++) {
        /* void */
    }

    wd_text_init(&text, line, sizeof(line));
    wd_text_puts(&text, "Location: ");
    wd_text_add(&text, target.s, len);
    wd_text_puts(&text, "/");
    wd_text_add(&text, target.s + len, target.len - len);
    wd_text_add(&text, "\r\n", 3);

    if (text.is_full || text.len > HEADERS_MAX) {
        wd_reply_text(conn, 404, "", "404 page not found\n");
        return;
    }

    wd_reply_text(conn, 301, line, "");
}


static void
answer(struct wd_conn *conn, const struct wd_head *head, const char *path,
    int fd, const struct stat *st)
{
    char            lines[HEADERS_MAX], date[FAAS_DATE_HTTP];
    struct range    range;
    struct wd_text  text;

    faas_date_http(st->st_mtime, date);
    find_range(head, (uint64_t) st->st_size, &range);

    wd_text_init(&text, lines, sizeof(lines));
    wd_text_printf(&text, "Accept-Ranges: bytes\r\nLast-Modified: %s\r\n",
                   date);

    if (range.status == 416) {
        wd_text_printf(&text, "Content-Range: bytes */%llu\r\n",
                       (unsigned long long) st->st_size);

    } else if (range.status == 206) {
        wd_text_printf(&text, "Content-Range: bytes %llu-%llu/%llu\r\n",
                       (unsigned long long) range.first,
                       (unsigned long long) (range.first + range.len - 1),
                       (unsigned long long) st->st_size);
    }

    wd_text_add(&text, "", 1);

    if (is_unchanged(head, date) || range.status == 416
        || range.len == 0 || conn->req.is_head
        || lseek(fd, (off_t) range.first, SEEK_SET) == -1)
    {
        (void) close(fd);       /* nothing was written through it */

        if (is_unchanged(head, date)) {
            wd_reply_begin(conn, 304, NULL, lines, 0);

        } else if (range.status == 416) {
            wd_reply_text(conn, 416, lines, "");

        } else {
            wd_reply_begin(conn, range.status, type_of(path), lines,
                           range.len);
            wd_reply_end(conn);
        }

        return;
    }

    if (begin(conn, fd, range.len) == 0) {
        wd_reply_begin(conn, range.status, type_of(path), lines, range.len);
    }
}


/*
 * The call that sends len bytes of a file.  Returns 0, or -1 where it has
 * answered.
 */
static int
begin(struct wd_conn *conn, int fd, uint64_t len)
{
    struct file   *file;
    struct files  *files;

    files = conn->wd->mode_data;

    if (!wd_list_is_empty(&files->free_files)) {
        file = WD_ITEM(files->free_files.prev, struct file, link);
        wd_list_del(&file->link);

    } else {
        file = calloc(1, sizeof(*file));
    }

    if (file == NULL) {
        (void) close(fd);       /* nothing was written through it */
        wd_reply_error(conn, 500, "no memory for a call");
        return -1;
    }

    wd_list_init(&file->link);
    file->conn = conn;
    file->fd = fd;
    file->left = len;
    conn->call = file;

    return 0;
}


/*
 * A client repeats what we have sent: equal or not is enough.
 */
static int
is_unchanged(const struct wd_head *head, const char *date)
{
    const struct wd_header  *header;

    header = wd_head_find(head, "If-Modified-Since");

    return header != NULL && wd_str_is(header->value, date);
}


static void
find_range(const struct wd_head *head, uint64_t size, struct range *range)
{
    const struct wd_header  *header;

    range->first = 0;
    range->len = size;
    range->status = 200;

    header = wd_head_find(head, "Range");

    if (header != NULL && wd_head_find(head, "If-Range") == NULL) {
        range->status = parse_range(header->value, size, range);
    }
}


/*
 * "bytes=FIRST-LAST", "bytes=FIRST-" or "bytes=-N"; of several, or of what
 * cannot be read, the whole file is a right answer.  Returns the status.
 */
static int
parse_range(struct wd_str value, uint64_t size, struct range *range)
{
    size_t       n;
    uint64_t     first, last;
    const char  *s, *dash;

    static const char  unit[] = "bytes=";

    n = sizeof(unit) - 1;

    if (value.len <= n || memcmp(value.s, unit, n) != 0
        || memchr(value.s, ',', value.len) != NULL)
    {
        return 200;
    }

    s = value.s + n;
    n = value.len - n;
    dash = memchr(s, '-', n);

    if (dash == NULL || n == 1) {
        return 200;
    }

    first = 0;
    last = UINT64_MAX;

    if ((dash != s && faas_parse_uint(s, (size_t) (dash - s), 0, INT64_MAX,
                                      &first)
                      != 0)
        || (dash + 1 != s + n
            && faas_parse_uint(dash + 1, n - (size_t) (dash - s) - 1, 0,
                               INT64_MAX, &last)
               != 0))
    {
        return 200;
    }

    if (dash == s) {
        first = last < size ? size - last : 0;
        last = last == 0 ? 0 : UINT64_MAX;

        if (last == 0) {
            return 416;
        }
    }

    if (first >= size) {
        return 416;
    }

    if (last < first) {
        return 200;
    }

    range->first = first;
    range->len = (last < size ? last + 1 : size) - first;

    return 206;
}


static const char *
type_of(const char *path)
{
    size_t       i;
    const char  *dot;

    static const struct {
        const char  *suffix;
        const char  *type;
    } types[] = {
        { ".avif", "image/avif" },
        { ".css", "text/css; charset=utf-8" },
        { ".csv", "text/csv; charset=utf-8" },
        { ".gif", "image/gif" },
        { ".htm", "text/html; charset=utf-8" },
        { ".html", "text/html; charset=utf-8" },
        { ".ico", "image/x-icon" },
        { ".jpeg", "image/jpeg" },
        { ".jpg", "image/jpeg" },
        { ".js", "text/javascript; charset=utf-8" },
        { ".json", "application/json" },
        { ".md", "text/markdown; charset=utf-8" },
        { ".mjs", "text/javascript; charset=utf-8" },
        { ".mp3", "audio/mpeg" },
        { ".mp4", "video/mp4" },
        { ".pdf", "application/pdf" },
        { ".png", "image/png" },
        { ".svg", "image/svg+xml" },
        { ".txt", "text/plain; charset=utf-8" },
        { ".wasm", "application/wasm" },
        { ".webm", "video/webm" },
        { ".webp", "image/webp" },
        { ".woff", "font/woff" },
        { ".woff2", "font/woff2" },
        { ".xml", "text/xml; charset=utf-8" },
        { ".zip", "application/zip" },
    };

    dot = strrchr(path, '.');

    for (i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcasecmp(dot, types[i].suffix) == 0) {
            return types[i].type;
        }
    }

    return "application/octet-stream";
}


static void
end(struct wd_conn *conn)
{
    struct file   *file;
    struct files  *files;

    file = conn->call;
    files = conn->wd->mode_data;
    conn->call = NULL;

    (void) close(file->fd);     /* nothing was written through it */
    wd_list_add(&files->free_files, &file->link);
}
